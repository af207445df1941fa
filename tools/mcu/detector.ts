// A detector alone → one self-contained module for a microcontroller, proven before it is handed out.

import { MCU_DETECT } from "../../build/mcu.ts";
import { Detector } from "../../host/detect/detector.ts";
import type { DetectorFile } from "../../host/detect/file.ts";
import { type DetectorParameters, withoutClock } from "../../host/detect/parameters.ts";
import { type CheckReport, checkModule } from "../wasm/check.ts";
import { type BuiltModule, endOfData } from "./build.ts";
import { verdictWords } from "./detector-drive.ts";
import { linkModule } from "./link.ts";
import { planDetector } from "./program-detect.ts";
import type { Program, Target } from "./types.ts";

/** Rows that the module and the detector in TypeScript run side by side. */
export const PROOF_ROWS = 512;

/** A module with what its proof found. */
export interface BuiltDetector {
  readonly built: BuiltModule;
  readonly report: CheckReport;
}

/**
 * Builds the module of a detector, and proves it. It counts its rows, so it knows nothing of a time of day before it has seen it.
 *
 * @param drive  export `drive`, for the comparison of runtimes
 * @throws {Error} when the module differs from the host: a fault of this program, not of the detector
 */
export async function buildDetector(
  { id, parameters }: Pick<DetectorFile, "id" | "parameters">,
  { target, drive = false }: { readonly target: Target; readonly drive?: boolean },
): Promise<BuiltDetector> {
  const library = Buffer.from(MCU_DETECT, "base64");
  const counted = withoutClock(parameters);
  const program = planDetector(counted, endOfData(library));
  const wasm = await linkModule(library, program, { drive });
  const report = proveDetector(id, counted, program, wasm);
  return { built: { wasm, program, target, pack: target === "wasm2c" ? "rows" : "bytes" }, report };
}

/** What a detector's module exports, in part. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  step(): number;
  reset(): void;
  selftest(): number;
  check(): number;
}

/**
 * Checks a module and runs it beside the detector in TypeScript: the self-test, then rows as it was calibrated for, with jumps and gaps, compared
 * bit by bit.
 *
 * @throws {Error} when anything differs
 */
export function proveDetector(
  id: string,
  parameters: DetectorParameters,
  program: Program,
  wasm: Uint8Array,
): CheckReport {
  const report = checkModule(wasm, { integerOnly: true });
  if (!report.isSound) {
    const failed = report.properties.filter(({ status }) => status !== "ok").map(({ code }) => code);
    throw new Error(`The module of ${id} breaks ${failed.join(", ")}`);
  }
  const module = new WebAssembly.Module(Uint8Array.from(wasm));
  const mcu = new WebAssembly.Instance(module).exports as unknown as Exports;
  if (mcu.selftest() !== 0) throw new Error(`The module of ${id} differs from the host in its self-test`);
  mcu.reset();
  const detector = new Detector(parameters);
  const words = (address: number, count: number) => new Int32Array(mcu.memory.buffer, address, count);
  const input = words(program.input.address, parameters.channels.length + 1);
  const output = words(program.output.address, program.output.bytes / 4);
  let row = -1;
  for (const { raw, missed } of proofRows(parameters)) {
    row += 1 + missed;
    input.set([...raw, missed]);
    const expected = verdictWords(detector.step(raw, row));
    const status = mcu.step();
    if (status === 0 && expected.every((word, i) => word === output[i])) continue;
    throw new Error(`The module of ${id} differs from the host at row ${row} of ${PROOF_ROWS}`);
  }
  const state = new Uint8Array(mcu.memory.buffer, program.state.address, program.state.bytes);
  if (!Buffer.from(state).equals(detector.state())) {
    throw new Error(`The state of the module of ${id} differs from the host's`);
  }
  if (mcu.check() !== 0) throw new Error(`The module of ${id} does not find its constants undamaged`);
  return report;
}

/** Rows about the middle of each channel, in its own spread; at times a jump, a stuck value, or missed rows. */
function* proofRows({ channels }: DetectorParameters): Generator<{ raw: number[]; missed: number }> {
  let random = 1;
  const next = (): number => {
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    return random / 2 ** 31;
  };
  for (let t = 0; t < PROOF_ROWS; t++) {
    const jump = t % 50 > 45 ? 40 * next() : 0;
    const raw = channels.map(({ offset, multiplier, shift }) => {
      const spread = 2 ** (27 + shift) / multiplier;
      const value = Math.round(offset + spread * (next() + next() + jump));
      return Math.max(-(2 ** 30), Math.min(2 ** 30, value));
    });
    yield { raw, missed: t % 97 === 96 ? t % 70 : 0 };
  }
}
