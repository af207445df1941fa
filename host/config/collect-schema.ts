import * as z from "zod";
import { ROW_COLUMNS } from "../collect/rows.ts";
import type { Path, Problem } from "./document.ts";
import { duration } from "./duration.ts";

const MIB = 1024 * 1024;
const DEFAULT_MIB = 1024;

/** The field of a stream that says how long its readings are kept. */
export const collectFields = {
  collect: z
    .union([
      duration,
      z.strictObject({
        for: duration,
        megabytes: z.number().positive().max(1e6).default(DEFAULT_MIB).describe("Longest file"),
      }),
    ])
    .optional()
    .describe("Keeps the readings of so long, as 7d, in a CSV file in the state directory; default: none"),
};

/** What of a stream's configuration its collecting depends on. */
export interface CollectConfig {
  readonly model?: string | undefined;
  readonly detector?: string | undefined;
  readonly payload: string;
  readonly inputs?: readonly (string | { readonly name: string })[] | undefined;
  readonly collect?: number | { readonly for: number; readonly megabytes: number } | undefined;
}

/** Adds to `problems` what is wrong with what a stream at `path` collects. */
export function checkCollect(config: CollectConfig, isInMemory: boolean, path: Path, problems: Problem[]): void {
  const { model, detector, payload, inputs, collect } = config;
  if (collect === undefined) return;
  const fault = (message: string, at: Path = []) => problems.push({ path: [...path, "collect", ...at], message });
  if (isInMemory) fault("readings are kept in the state directory, there is none with state.memory");
  if (model === undefined && detector === undefined && inputs === undefined && payload !== "number") {
    fault('without a model it needs "inputs", the names of the fields to keep; a payload of number does not');
  }
  for (const [index, input] of (inputs ?? []).entries()) {
    const name = typeof input === "string" ? input : input.name;
    if (!ROW_COLUMNS.includes(name)) continue;
    problems.push({
      path: [...path, "inputs", index],
      message: `${name} is a column of what is collected, take another`,
    });
  }
}

/** How long, and how much, a stream collects; undefined when it does not. */
export function collectedOf({
  collect,
}: CollectConfig): { readonly ageMs: number; readonly mostBytes: number } | undefined {
  if (collect === undefined) return undefined;
  if (typeof collect === "number") return { ageMs: 1000 * collect, mostBytes: DEFAULT_MIB * MIB };
  return { ageMs: 1000 * collect.for, mostBytes: collect.megabytes * MIB };
}
