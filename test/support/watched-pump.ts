// The pump's model with a detector calibrated on its residuals.

import { readFileSync } from "node:fs";
import { calibrate } from "../../host/detect/calibrate.ts";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { rawOf } from "../../host/model/integers.ts";
import { parseModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { createPump, PUMP_INPUTS } from "../../tools/demo/pump.ts";
import { serializeWithDetector } from "../../tools/detect/vectors.ts";

export const PUMP = parseModel(readFileSync("models/pump.safetensors"));
const ROWS = 1500;
export const SPEC: DetectorSpec = {
  name: "pump",
  inputs: PUMP_INPUTS.map(({ name }) => ({ name, fraction: 12, residual: "model" })),
  interval: 10,
  alarmsPerWeek: 1,
  rows: ROWS,
};

/** Rows of a simulated pump, whose bearing fails at a row. */
export const readings = (seed: number, rows: number, failsAt?: number): number[][] => {
  const pump = createPump(seed);
  if (failsAt !== undefined) pump.failBearing(failsAt);
  return Array.from({ length: rows }, () => [...pump.next()]);
};

/** A detector for the pump of a model, and the raw readings that it was calibrated with. */
export function calibrated(model: Model, spec: DetectorSpec) {
  const session = createRuntime(model).createSession();
  const residuals = spec.inputs.map(() => new Float64Array(ROWS));
  const raw = spec.inputs.map(() => new Float64Array(ROWS));
  for (const [t, row] of readings(3, ROWS).entries()) {
    session.step(row);
    for (const [c, { fraction }] of spec.inputs.entries()) {
      (raw[c] as Float64Array)[t] = rawOf(row[c] as number, fraction);
      const residual = session.residual[c];
      (residuals[c] as Float64Array)[t] =
        t > model.spec.warmup + 1 && typeof residual === "number" ? rawOf(residual, fraction) : Number.NaN;
    }
  }
  return { raw, parameters: calibrate(raw, { rate: 1 / 60480, residuals }) };
}

export const Q15 = quantizeInMemory(PUMP);
/** The detector with the fractions of a model. */
export const specOf = (model: Model): DetectorSpec => ({
  ...SPEC,
  inputs: SPEC.inputs.map((input, c) => ({ ...input, fraction: model.spec.inputs[c]?.fraction ?? 12 })),
});

/** The model file with the detector in it. */
export function watchedBytes(model: Model): Uint8Array {
  const spec = specOf(model);
  const { raw, parameters } = calibrated(model, spec);
  return serializeWithDetector(model, raw, spec, parameters);
}
