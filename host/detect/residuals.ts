import { rawOf } from "../model/integers.ts";
import type { ModelSpec } from "../model/types.ts";
import type { DetectorSpec } from "./document.ts";

/** What a detector in a model file looks at: residuals of the model, as raw differences (FORMAT.md 8.1). */
export class ModelResiduals {
  readonly #fractions: readonly number[];
  /** Per channel, the output whose forecast the residual is of; -1 with AR(8). */
  readonly #outputs: readonly number[];
  readonly #raw: Float64Array;

  constructor(detector: DetectorSpec, model: ModelSpec) {
    this.#fractions = detector.inputs.map(({ fraction }) => fraction);
    this.#outputs = detector.inputs.map(({ name, residual }) =>
      residual === "model" ? model.outputs.findIndex(({ forecasts }) => forecasts === name) : -1,
    );
    this.#raw = new Float64Array(detector.inputs.length);
  }

  /**
   * Converts.
   *
   * @param residuals  per output of the model; null where it forecasts no input
   * @returns i32 per channel, reused by the next call; undefined when the detector looks at none
   */
  toRaw(residuals: readonly (number | null)[]): Float64Array | undefined {
    let any = false;
    for (const [c, output] of this.#outputs.entries()) {
      if (output < 0) continue;
      any = true;
      this.#raw[c] = rawOf(residuals[output] ?? 0, this.#fractions[c] as number);
    }
    return any ? this.#raw : undefined;
  }
}
