import * as z from "zod";
import { compileField } from "../stream/pointer.ts";
import type { Path, Problem } from "./document.ts";
import { duration } from "./duration.ts";

/** The fields of a stream that say how its readings are told apart and ordered. */
export const sequenceFields = {
  sequence: z
    .strictObject({
      field: z.string().min(1).optional().describe("Plain name or JSON Pointer of a rising number; default: the time"),
      late: z
        .enum(["step", "drop", "hold"])
        .default("step")
        .describe("What becomes of a reading that is older than the device's latest; hold: others wait for it"),
      wait: duration.optional().describe("With late: hold, how long a reading waits for its predecessors; default: 2s"),
      window: z.int().min(1).max(1024).default(64).describe("Latest values that are remembered for each device"),
    })
    .optional()
    .describe("Tells readings apart by a number or the time that they carry; default: only by packet ids"),
};

/** What of a stream's configuration its sequence depends on. */
export interface SequenceConfig {
  readonly payload: string;
  readonly time?: unknown;
  readonly each?: string | undefined;
  readonly inputs?: readonly (string | { readonly topic?: string | undefined })[] | undefined;
  readonly sequence?:
    | { readonly field?: string | undefined; readonly late?: string; readonly wait?: number | undefined }
    | undefined;
}

/** Adds to `problems` what is wrong with the sequence of a stream at `path`. */
export function checkSequence(
  { payload, time, each, inputs, sequence }: SequenceConfig,
  path: Path,
  problems: Problem[],
): void {
  if (sequence === undefined) return;
  if (sequence.wait !== undefined && sequence.late !== "hold") {
    problems.push({ path: [...path, "sequence", "wait"], message: "belongs to late: hold" });
  }
  if (inputs?.some((input) => typeof input !== "string" && input.topic !== undefined)) {
    const message = "inputs with topics of their own carry the same time or number: they cannot be told apart by it";
    problems.push({ path: [...path, "sequence"], message });
  }
  if (sequence.field === undefined) {
    if (time !== undefined) return;
    const message = 'the readings tell no time; add "time", or name the "field" of a number';
    problems.push({ path: [...path, "sequence"], message });
    return;
  }
  const at = [...path, "sequence", "field"];
  if (each !== undefined)
    problems.push({ path: at, message: "the elements of a message share its number; use their time" });
  if (payload !== "json") problems.push({ path: at, message: `a payload of ${payload} has no fields` });
  try {
    compileField(sequence.field);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problems.push({ path: at, message: error.message });
  }
}
