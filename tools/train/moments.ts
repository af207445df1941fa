// Second moments of the last L samples and the answers: all that a linear law needs, whatever the number of rows.

/**
 * Sums over steps of x x', x y' and y y', x the last L normalised samples, newest first (entry a·I + i is input i, a steps ago), and y
 * the normalised answers. With x newest first, the moments of fewer lags stand in the leading corner.
 */
export class Moments {
  readonly inputs: number;
  readonly lags: number;
  readonly outputs: number;
  /** Entries of x. */
  readonly size: number;
  steps = 0;
  /** Sum of x x', f64[size][size]. */
  readonly xx: Float64Array;
  /** Sum of x y', f64[size][outputs]. */
  readonly xy: Float64Array;
  /** Sums of x, y, and y². */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly yy: Float64Array;

  constructor(inputs: number, lags: number, outputs: number) {
    this.inputs = inputs;
    this.lags = lags;
    this.outputs = outputs;
    this.size = inputs * lags;
    this.xx = new Float64Array(this.size * this.size);
    this.xy = new Float64Array(this.size * outputs);
    this.x = new Float64Array(this.size);
    this.y = new Float64Array(outputs);
    this.yy = new Float64Array(outputs);
  }

  /**
   * Adds the steps of a stretch of rows that have L - 1 rows before them.
   *
   * @param x      normalised samples, f64[rows][I]
   * @param y      normalised answers of the steps, f64[steps][outputs]
   * @param first  row of the first step; L - 1 at least
   */
  add(x: Float64Array, y: Float64Array, first: number, steps: number): void {
    if (steps <= 0) return;
    if (first < this.lags - 1) throw new RangeError(`Step in row ${first}, expected ${this.lags - 1} rows before it`);
    this.steps += steps;
    this.#addProducts(x, first, steps);
    this.#addAnswers(x, y, first, steps);
  }

  /** Blocks of newest against older samples by summing, all others by shifting: (a + 1, b + 1) sums over the rows one earlier. */
  #addProducts(x: Float64Array, first: number, steps: number): void {
    const { inputs: I, lags: L, size, xx } = this;
    const own = new Float64Array(size * size);
    for (let b = 0; b < L; b++) {
      for (let t = first; t < first + steps; t++) {
        for (let i = 0; i < I; i++) {
          const left = x[t * I + i] as number;
          const row = i * size + b * I;
          for (let j = 0; j < I; j++) own[row + j] = (own[row + j] as number) + left * (x[(t - b) * I + j] as number);
        }
      }
    }
    const last = first + steps - 1;
    for (let a = 1; a < L; a++) {
      for (let i = 0; i < I; i++) {
        const row = (a * I + i) * size;
        const above = row - I * size;
        const entering = x[(first - a) * I + i] as number;
        const leaving = x[(last - a + 1) * I + i] as number;
        for (let k = 0; k < a * I; k++) own[row + k] = own[k * size + a * I + i] as number;
        for (let b = a; b < L; b++) {
          for (let j = 0; j < I; j++) {
            const k = b * I + j;
            own[row + k] =
              (own[above + k - I] as number) +
              entering * (x[(first - b) * I + j] as number) -
              leaving * (x[(last - b + 1) * I + j] as number);
          }
        }
      }
    }
    for (let k = 0; k < own.length; k++) xx[k] = (xx[k] as number) + (own[k] as number);
  }

  #addAnswers(x: Float64Array, y: Float64Array, first: number, steps: number): void {
    const { inputs: I, lags: L, outputs: O } = this;
    for (let s = 0; s < steps; s++) {
      const t = first + s;
      for (let o = 0; o < O; o++) {
        const value = y[s * O + o] as number;
        this.y[o] = (this.y[o] as number) + value;
        this.yy[o] = (this.yy[o] as number) + value * value;
      }
      for (let a = 0; a < L; a++) {
        for (let i = 0; i < I; i++) {
          const k = a * I + i;
          const value = x[(t - a) * I + i] as number;
          this.x[k] = (this.x[k] as number) + value;
          for (let o = 0; o < O; o++) {
            this.xy[k * O + o] = (this.xy[k * O + o] as number) + value * (y[s * O + o] as number);
          }
        }
      }
    }
  }

  /** The moments of some entries of x and one answer, in the order of `entries`. */
  pick(entries: readonly number[], output: number): Moments {
    const picked = new Moments(1, entries.length, 1);
    picked.steps = this.steps;
    for (const [row, from] of entries.entries()) {
      picked.x[row] = this.x[from] as number;
      picked.xy[row] = this.xy[from * this.outputs + output] as number;
      for (const [column, to] of entries.entries()) {
        picked.xx[row * entries.length + column] = this.xx[from * this.size + to] as number;
      }
    }
    picked.y[0] = this.y[output] as number;
    picked.yy[0] = this.yy[output] as number;
    return picked;
  }
}
