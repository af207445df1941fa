// Test vectors of a detector: the last readings that it was calibrated with, and then a fault in each channel in turn.

import { Detector } from "../../host/detect/detector.ts";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { detectorPart } from "../../host/detect/file.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { answerTest } from "../../host/detect/selftest.ts";
import type { DetectorTest } from "../../host/detect/tensors.ts";
import { RAW_MAX } from "../../host/model/integers.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { type Anomaly, createRuntime } from "../../host/runtime/index.ts";

const HEALTHY_ROWS = 96;
/** Rows of a fault: more than an alarm holds. */
const FAULT_ROWS = 24;
/** Size of a fault in spreads of the channel. */
const FAULT = 8;
/** Channels that have a fault. */
const MOST_FAULTS = 4;

/** Raw readings for a test: [rows][C]. */
function testReadings(raw: readonly Float64Array[], { channels }: DetectorParameters): Int32Array {
  const count = raw[0]?.length ?? 0;
  const faults = Math.min(channels.length, MOST_FAULTS);
  const rows = HEALTHY_ROWS + faults * FAULT_ROWS;
  const readings = new Int32Array(rows * channels.length);
  for (let row = 0; row < rows; row++) {
    const faulty = row < HEALTHY_ROWS ? -1 : Math.floor((row - HEALTHY_ROWS) / FAULT_ROWS);
    for (const [c, { shift, multiplier }] of channels.entries()) {
      const healthy = raw[c]?.[Math.max(0, count - HEALTHY_ROWS) + (row % HEALTHY_ROWS)] as number;
      const jump = c === faulty ? FAULT * (2 ** (27 + shift) / multiplier) : 0;
      readings[row * channels.length + c] = Math.min(Math.max(Math.round(healthy + jump), -RAW_MAX), RAW_MAX);
    }
  }
  return readings;
}

/** Test vectors of a detector alone. */
export function testAlone(raw: readonly Float64Array[], parameters: DetectorParameters): DetectorTest {
  const detector = new Detector(parameters);
  let row = 0;
  return answerTest(testReadings(raw, parameters), parameters.channels.length, (values) =>
    detector.step(values, row++),
  );
}

/** Writes a model with a detector and its test vectors. */
export function serializeWithDetector(
  { spec: model, tensors }: Model,
  raw: readonly Float64Array[],
  spec: DetectorSpec,
  parameters: DetectorParameters,
): Uint8Array {
  const bare = parseModel(serializeModel(model, tensors, detectorPart(spec, parameters)));
  const session = createRuntime(bare).createSession();
  const units = spec.inputs.map(({ fraction }) => 2 ** -fraction);
  const readings = testReadings(raw, parameters);
  const isFloat = model.numeric === "f32";
  const input = isFloat
    ? Float32Array.from(readings, (value, i) => value * (units[i % units.length] as number))
    : readings;
  let row = 0;
  const test = answerTest(input, units.length, (values) => {
    session.step(
      Float64Array.from(values, (value, c) => (isFloat ? value : value * (units[c] as number))),
      row++,
    );
    return session.anomaly as Anomaly;
  });
  return serializeModel(model, tensors, detectorPart(spec, parameters, test));
}
