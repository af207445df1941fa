// What the page calls things.

import type { Attention } from "../attention.ts";
import type { Row } from "../rows.ts";
import { span } from "./format.ts";

/** Kinds of attention, as filters name them. */
export const ATTENTION_WORDS: Readonly<Record<Attention, string>> = {
  alarm: "In alarm",
  acknowledged: "Acknowledged",
  stale: "Silent",
  stuck: "Stuck",
  recent: "Recent alarm",
  learning: "Learning",
  fine: "Fine",
};

type State = Pick<Row, "attention" | "isMuted" | "learning" | "warmup" | "seen">;

/** The state of a device in a word or two. */
export function stateWords({ attention, isMuted, learning, warmup, seen }: State, now: number): string {
  if (attention === "stale") return `Silent for ${span(now - seen)}`;
  if (attention === "learning") return `Learning, ${Math.floor(100 * (learning ?? 0))} %`;
  if (attention !== "fine") return ATTENTION_WORDS[attention];
  if (isMuted) return "Muted";
  return warmup > 0 ? "Warming up" : "Fine";
}
