// What a module does with a detector alone: its kernels (assembly/mcu/watch.ts) over an image at a fixed address. Rows are counted.

import {
  VERDICT_BYTES,
  WORK_ALARM,
  WORK_ALERT,
  WORK_BLOCK,
  WORK_CHANNEL,
  WORK_SCORE,
} from "../../assembly/detect/layout.ts";
import { packDetector, workBytes } from "../../host/detect/image.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { detectorHash } from "../../host/detect/snapshot.ts";
import { stateLayoutOf } from "../../host/detect/state.ts";
import { driveDetector } from "./detector-drive.ts";
import { Layout } from "./layout.ts";
import type { Program } from "./types.ts";

/** The run of pseudo-random rows that the self-test compares: alarms of every block are in it. */
const SEED = 20_261;
const TEST_ROWS = 128;

/**
 * Plans the module of a detector.
 *
 * @param parameters  without what it knows of the clock, which a microcontroller has not
 * @param start  first address behind the constants of the library
 */
export function planDetector(parameters: DetectorParameters, start: number): Program {
  const layout = new Layout(start);
  const inputBytes = 4 * parameters.channels.length;
  // Behind the readings: how many rows were missed.
  const input = { address: layout.space("input", inputBytes + 4, 16), bytes: inputBytes };
  const stateBytes = stateLayoutOf(parameters).bytes;
  const state = { address: layout.space("state", stateBytes, 16), bytes: stateBytes };
  const work = layout.space("output, work space", workBytes(parameters.channels.length), 16);
  const output = { address: work, bytes: VERDICT_BYTES };
  const modelHash = { address: layout.data("detector hash", detectorHash(parameters)), bytes: 16 };
  // It has words of 64 bits.
  const image = layout.data("parameters", packDetector(parameters), 8);
  const run = [input.address, input.bytes, output.address, state.address, state.bytes];
  const expected = driveDetector(parameters, SEED, TEST_ROWS);
  return {
    numeric: "q15",
    calls: [{ name: kernelOf(parameters), args: [image, state.address, input.address, work] }],
    regions: layout.regions,
    input,
    output,
    state,
    modelHash,
    vectors: { address: 0, bytes: 0, steps: TEST_ROWS },
    vocabulary: 0,
    memoryBytes: layout.end,
    functions: {
      forget: { name: "forget", args: [state.address] },
      selftest: { name: "selftest_detect", args: [SEED, TEST_ROWS, expected, ...run] },
      drive: { name: "drive_detect", args: run },
    },
    constants: {
      score: work + WORK_SCORE,
      alarm: work + WORK_ALARM,
      block: work + WORK_BLOCK,
      channel: work + WORK_CHANNEL,
      alert: work + WORK_ALERT,
      missed: input.address + inputBytes,
    },
  };
}

/** The function of the library for a detector. */
const kernelOf = ({ channels, seasonality }: DetectorParameters): string =>
  `detect${channels.length === 1 ? "_one" : ""}${seasonality ? "_periodic" : ""}`;
