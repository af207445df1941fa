import * as z from "zod";
import { isDeviceKey } from "../stream/topic.ts";
import type { Problem } from "./document.ts";
import { duration } from "./duration.ts";
import { mqttText } from "./inputs-schema.ts";

const MOST_PREFIX_BYTES = 256;
const FORGET_AFTER = "30d";
const DEFAULT_PREFIX = "homeassistant";
const MS = 1000;

const section = z.strictObject({
  prefix: mqttText(MOST_PREFIX_BYTES)
    .default(DEFAULT_PREFIX)
    .describe("First level of Home Assistant's discovery topics"),
  birth_topic: mqttText(MOST_PREFIX_BYTES)
    .optional()
    .describe("Where Home Assistant says online when it starts; default: <prefix>/status"),
  expire_after: duration
    .optional()
    .describe(
      "Score and predictions are unavailable when nothing came for so long; default: three intervals of the model or detector, if it has one",
    ),
  forget_after: duration
    .prefault(FORGET_AFTER)
    .describe("A device that sent nothing for so long is removed until it sends again"),
});

/** The section `homeassistant`: a mapping, or true for its defaults. */
export const homeAssistant = z.union([z.boolean(), section]).transform((value) => {
  if (value === false) return undefined;
  const { prefix, birth_topic, expire_after, forget_after } = value === true ? section.parse({}) : value;
  return {
    prefix,
    birthTopic: birth_topic ?? `${prefix}/status`,
    expireAfter: expire_after === undefined ? undefined : Math.ceil(expire_after),
    forgetAfterMs: forget_after * MS,
  };
});

interface Checked {
  readonly base_topic: string;
  readonly homeassistant?: z.infer<typeof homeAssistant>;
}

/** Adds to `problems` what is wrong with the section `homeassistant`. */
export function checkHomeAssistant({ homeassistant, base_topic }: Checked, problems: Problem[]): void {
  if (homeassistant === undefined) return;
  const { prefix, birthTopic } = homeassistant;
  for (const [key, topic] of [
    ["prefix", prefix],
    ["birth_topic", birthTopic],
  ] as const) {
    if (isDeviceKey(topic) && !topic.startsWith("$")) continue;
    problems.push({ path: ["homeassistant", key], message: `"${topic}" is not a topic` });
  }
  if (prefix !== base_topic) return;
  problems.push({ path: ["homeassistant", "prefix"], message: "is the base_topic, too; take another for one of them" });
}
