// The test vectors of a detector (FORMAT.md 8.7): readings from the start on, the scores and alarms that must come of them.

import { ModelFormatError } from "../model/errors.ts";
import { Detector, type Verdict } from "./detector.ts";
import type { DetectorFile } from "./file.ts";
import type { DetectorTest } from "./tensors.ts";

/** Outcome of the test vectors of a detector. */
export interface DetectorTestResult {
  readonly rows: number;
  readonly passed: boolean;
}

/** What a detector says of a row. */
type Answer = Pick<Verdict, "score" | "isAlarm">;

/**
 * Answers the readings of test vectors.
 *
 * @param input  [rows][channels], as they stand in a file
 * @param step  takes a row of them
 */
export function answerTest(
  input: DetectorTest["input"],
  channels: number,
  step: (row: Float32Array | Int32Array) => Answer,
): DetectorTest {
  const rows = input.length / channels;
  const [scores, alarms] = [new Int32Array(rows), new Int8Array(rows)];
  for (let row = 0; row < rows; row++) {
    const { score, isAlarm } = step(input.subarray(row * channels, (row + 1) * channels));
    scores[row] = score * 2048;
    alarms[row] = isAlarm ? 1 : 0;
  }
  return { input, scores, alarms };
}

/** Compares the answers to test vectors with those in the file, to the bit. */
export function compareTest({ scores, alarms }: DetectorTest, found: DetectorTest): DetectorTestResult {
  const isEqual = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).every((value, i) => value === b[i]);
  return { rows: scores.length, passed: isEqual(scores, found.scores) && isEqual(alarms, found.alarms) };
}

/** Runs the test vectors of a detector alone; undefined when it has none. */
export function runDetectorTest({ parameters, test }: DetectorFile): DetectorTestResult | undefined {
  if (test === undefined) return undefined;
  const detector = new Detector(parameters);
  let row = 0;
  return compareTest(
    test,
    answerTest(test.input, parameters.channels.length, (raw) => detector.step(raw, row++)),
  );
}

/**
 * Refuses a detector whose test vectors do not come out.
 *
 * @throws {ModelFormatError} when they do not
 */
export function checkTestResult(result: DetectorTestResult | undefined): void {
  if (result === undefined || result.passed) return;
  throw new ModelFormatError(
    "detector.test",
    "differs from what the detector computes; the file is damaged or was written wrongly",
  );
}
