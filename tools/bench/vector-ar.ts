// A linear model of all channels: the next reading of each from the last rows of all. The yardstick for what a network earns.

import { mean, robust, solve } from "../../host/detect/statistics.ts";

/** Ridge, as share of the diagonal. */
const RIDGE = 0.01;

/** Predicts every channel one row ahead from the last rows of all channels; fitted by ridge regression of the change. */
export class VectorAr {
  readonly #lags: number;
  readonly #middles: readonly number[];
  readonly #spreads: readonly number[];
  /** Per channel: weights of the lags of all channels, newest first, and a constant. */
  readonly #weights: readonly (readonly number[])[];

  /** @param columns  readings of each channel to fit to */
  constructor(columns: readonly Float64Array[], lags: number) {
    this.#lags = lags;
    const units = columns.map((values) => robust(values, (middle) => Math.max(Math.abs(middle) / 1000, 1e-9)));
    this.#middles = units.map(({ middle }) => middle);
    this.#spreads = units.map(({ spread }) => spread);
    const rows = columns[0]?.length ?? 0;
    const size = lags * columns.length + 1;
    const gram = Array.from({ length: size }, () => new Float64Array(size));
    const right = columns.map(() => new Float64Array(size));
    for (let t = lags; t < rows; t++) {
      const features = this.#features(columns, t);
      for (const [i, a] of features.entries()) {
        const target = gram[i] as Float64Array;
        for (let j = 0; j < size; j++) target[j] = (target[j] as number) + a * (features[j] as number);
        for (const [c, values] of columns.entries()) {
          const own = right[c] as Float64Array;
          own[i] = (own[i] as number) + a * (this.#unit(values, c, t) - this.#unit(values, c, t - 1));
        }
      }
    }
    const diagonal = mean(gram.map((row, i) => row[i] as number));
    for (const [i, row] of gram.entries()) row[i] = (row[i] as number) * (1 + RIDGE) + 1e-6 * diagonal;
    const matrix = gram.map((row) => Array.from(row));
    this.#weights = right.map((values) => solve(matrix, Array.from(values)));
  }

  /** What is predicted for row t of each channel, from the rows before; the reading before where there are too few. */
  predict(columns: readonly Float64Array[], t: number): number[] {
    if (t < this.#lags) return columns.map((values) => values[Math.max(t - 1, 0)] as number);
    const features = this.#features(columns, t);
    return columns.map((values, c) => {
      const weights = this.#weights[c] as readonly number[];
      const change = features.reduce((sum, value, i) => sum + value * (weights[i] as number), 0);
      const unit = this.#unit(values, c, t - 1) + change;
      return (this.#middles[c] as number) + (this.#spreads[c] as number) * unit;
    });
  }

  /** Beyond 8 spreads a reading counts as 8: linear models run away with spikes. */
  #unit(values: Float64Array, c: number, t: number): number {
    const z = ((values[t] as number) - (this.#middles[c] as number)) / (this.#spreads[c] as number);
    return Math.min(Math.max(z, -8), 8);
  }

  #features(columns: readonly Float64Array[], t: number): number[] {
    const lagged = columns.flatMap((values, c) =>
      Array.from({ length: this.#lags }, (_, j) => this.#unit(values, c, t - 1 - j)),
    );
    return [...lagged, 1];
  }
}

/** The raw residuals of a linear model over all rows. */
export function residualsOf(columns: readonly Float64Array[], model: VectorAr): Float64Array[] {
  const rows = columns[0]?.length ?? 0;
  const residuals = columns.map(() => new Float64Array(rows));
  for (let t = 0; t < rows; t++) {
    for (const [c, value] of model.predict(columns, t).entries()) {
      const difference = Math.round((columns[c]?.[t] as number) - value);
      (residuals[c] as Float64Array)[t] = Math.min(Math.max(difference, -(2 ** 30)), 2 ** 30);
    }
  }
  return residuals;
}
