// `model.h` of a detector alone.

import { MCU_ABI_VERSION } from "../../assembly/layout.ts";
import type { DetectorFile } from "../../host/detect/file.ts";
import { BLOCKS, withoutClock } from "../../host/detect/parameters.ts";
import { detectorHash } from "../../host/detect/snapshot.ts";
import { cString, define, fractions, hashInitializer, names, wrapHeader } from "./header.ts";
import type { Program } from "./types.ts";

/** Writes the header of a detector's module. */
export function renderDetectorHeader(
  { spec, id, parameters }: DetectorFile,
  program: Program,
  wasm?: Uint8Array,
): string {
  const { input, output, state, modelHash, memoryBytes, constants } = program;
  const hash = Buffer.from(detectorHash(withoutClock(parameters))).toString("hex");
  const at = (name: string) => constants?.[name] ?? 0;
  const lines = [
    define("ABI_VERSION", MCU_ABI_VERSION),
    define("DETECTOR", 1, "a detector alone"),
    define("MODEL_NAME", cString(spec.name)),
    define("MODEL_HASH_HEX", cString(hash)),
    define("FLOAT", 0, "values are i32 raw"),
    define("INPUT", input.address),
    define("INPUT_COUNT", input.bytes / 4),
    define("MISSED", at("missed"), "u32: rows missed before this one; a step sets it to 0"),
    define("OUTPUT", output.address, "score, alarm, block, channel, alert"),
    define("OUTPUT_COUNT", output.bytes / 4),
    define("SCORE", at("score"), "i32 in units of 2^-11; 0 and above is an alarm"),
    define("ALARM", at("alarm"), "1 in alarm, else 0"),
    define("BLOCK", at("block"), "what the score looks at, an index into RIVULET_BLOCK_NAMES"),
    define("CHANNEL", at("channel"), "the input that explains it most"),
    define("ALERT", at("alert"), "1 where the alarm began, else 0"),
    define("STATE", state.address),
    define("STATE_SIZE", state.bytes),
    define("MODEL_HASH", modelHash.address, "16 bytes, as in a snapshot"),
    define("MODEL_HASH_BYTES", hashInitializer(hash)),
    define("MEMORY_SIZE", memoryBytes, "bytes of linear memory in use"),
    "/* raw = floor(real * 2^fraction + 0.5), within -2^30..2^30 */",
    define("INPUT_FRACTIONS", fractions(spec.inputs)),
    define("INPUT_NAMES", names(spec.inputs)),
    define("BLOCK_NAMES", names(BLOCKS.map((name) => ({ name })))),
  ];
  return wrapHeader(id, lines, wasm);
}
