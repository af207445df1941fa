import type { Anomaly } from "../detect/anomaly.ts";
import { detectorOf } from "../detect/file.ts";
import { answerTest, compareTest, type DetectorTestResult } from "../detect/selftest.ts";
import { ModelFormatError } from "../model/errors.ts";
import type { Model } from "../model/types.ts";
import type { Session } from "./session.ts";

/** Outcome of the test vectors of a model. */
export interface SelftestResult {
  readonly steps: number;
  /** Greatest |difference| / max(1, |expected|); in q15 in raw integers. */
  readonly worst: number;
  readonly passed: boolean;
}

/**
 * Feeds a model's test vectors to a fresh session (FORMAT.md 6). Undefined when the file has none.
 *
 * @param session  a session of a runtime of this very model, with a state of zeros
 */
export function runSelftest(model: Model, session: Session): SelftestResult | undefined {
  const { spec, tensors } = model;
  const input = tensors.get("selftest.input")?.data;
  const output = tensors.get("selftest.output")?.data;
  if (!spec.selftest || !input || !output) return undefined;
  const { numeric, inputs, outputs } = spec;
  // Raw integers to real values and back is exact: a power of two either way.
  const toReal = inputs.map(({ fraction }) => (numeric === "q15" ? 2 ** -(fraction ?? 0) : 1));
  const toRaw = outputs.map(({ fraction }) => (numeric === "q15" ? 2 ** (fraction ?? 0) : 1));
  const samples = Float64Array.from(input, (value, i) => value * (toReal[i % inputs.length] as number));
  const predictions = session.run(samples);
  let worst = 0;
  let passed = true;
  const tolerance = numeric === "q15" ? 0 : spec.selftest.tolerance;
  predictions.forEach((prediction, i) => {
    const expected = output[i] as number;
    const difference = Math.abs(prediction * (toRaw[i % outputs.length] as number) - expected);
    const error = numeric === "q15" ? difference : difference / Math.max(1, Math.abs(expected));
    // Negated, so that NaN fails.
    if (!(error <= tolerance)) passed = false;
    worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
  });
  return { steps: spec.selftest.steps, worst, passed };
}

/**
 * Checks that a model computes its own test vectors.
 *
 * @throws {ModelFormatError} when it does not
 */
export function checkSelftest(model: Model, session: Session): void {
  const result = runSelftest(model, session);
  if (!result || result.passed) return;
  const limit = model.spec.numeric === "q15" ? "0" : `${model.spec.selftest?.tolerance}`;
  throw new ModelFormatError(
    "selftest.output",
    `differs by ${result.worst} from what the model computes, allowed is ${limit}; the file is damaged or was written wrongly`,
  );
}

/**
 * Feeds the test vectors of a model's detector to a fresh session (FORMAT.md 8.7). Undefined when the file has none.
 *
 * @param session  a session of a runtime of this very model, with a state of zeros
 */
export function runDetectorSelftest(model: Model, session: Session): DetectorTestResult | undefined {
  const detector = detectorOf(model);
  if (detector?.test === undefined) return undefined;
  const { spec, test } = detector;
  const units = spec.inputs.map(({ fraction }) => (model.spec.numeric === "q15" ? 2 ** -fraction : 1));
  let number = 0;
  const found = answerTest(test.input, units.length, (row) => {
    session.step(
      Float64Array.from(row, (value, c) => value * (units[c] as number)),
      number++,
    );
    return session.anomaly as Anomaly;
  });
  return compareTest(test, found);
}
