// The ring of forecasts of FORMAT.md 7 word for word, in plain numbers.

import type { ModelSpec } from "../../host/model/types.ts";
import { at } from "./tensors.ts";

const sat32 = (value: number) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));

/** The ring of one session. */
export class RingOracle {
  readonly #spec: ModelSpec;
  /** Index of the output and of the input of each forecast. */
  readonly #forecasts: readonly (readonly [output: number, input: number])[];
  #steps = 0;
  #row = 0;
  #expected: number[];
  #residual: number[];
  readonly #rows: number[][];

  constructor(spec: ModelSpec) {
    this.#spec = spec;
    this.#forecasts = spec.embedding
      ? []
      : spec.outputs.flatMap(({ forecasts }, output) =>
          forecasts === undefined ? [] : [[output, spec.inputs.findIndex(({ name }) => name === forecasts)] as const],
        );
    const zeros = () => this.#forecasts.map(() => 0);
    this.#expected = zeros();
    this.#residual = zeros();
    this.#rows = Array.from({ length: spec.horizon }, zeros);
  }

  /**
   * Takes a sample and the prediction made from it.
   *
   * @param sample  f32[I], or raw integers in q15
   * @param prediction  f32[O], or raw integers in q15
   */
  step(sample: ArrayLike<number>, prediction: ArrayLike<number>): void {
    const row = this.#rows[this.#row] as number[];
    this.#expected = [...row];
    this.#residual = this.#forecasts.map(([output, input], j) => {
      if (this.#steps < this.#spec.horizon) return 0;
      if (this.#spec.numeric === "f32") return Math.fround(Math.fround(at(sample, input)) - at(row, j));
      const shift = (this.#spec.outputs[output]?.fraction ?? 0) - (this.#spec.inputs[input]?.fraction ?? 0);
      return sat32(sat32(Math.floor(at(sample, input) * 2 ** shift)) - at(row, j));
    });
    this.#forecasts.forEach(([output], j) => {
      row[j] = at(prediction, output);
    });
    this.#steps++;
    this.#row = (this.#row + 1) % this.#spec.horizon;
  }

  /** Per output: what was expected of the latest sample in real values, or the residual; null where nothing is known. */
  known(part: "expected" | "residual"): (number | null)[] {
    return this.#spec.outputs.map(({ fraction = 0 }, index) => {
      const j = this.#forecasts.findIndex(([output]) => output === index);
      if (j < 0 || this.#steps <= this.#spec.horizon) return null;
      return at(part === "expected" ? this.#expected : this.#residual, j) / 2 ** fraction;
    });
  }

  /** Its part of the state block. */
  state(): Uint8Array {
    if (this.#forecasts.length === 0) return new Uint8Array(0);
    const values = [...this.#expected, ...this.#residual, ...this.#rows.flat()];
    const bytes = new Uint8Array(Math.ceil((8 + 4 * values.length) / 16) * 16);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#steps, true);
    view.setUint32(4, this.#row, true);
    values.forEach((value, i) => {
      if (this.#spec.numeric === "f32") view.setFloat32(8 + 4 * i, value, true);
      else view.setInt32(8 + 4 * i, value, true);
    });
    return bytes;
  }
}
