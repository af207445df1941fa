// Moments of the vectors that enter a matrix, and the factor of their Hessian that rounding by columns needs.

import type { Columns } from "../../host/quantize/rows.ts";

/** Part of the mean diagonal that is added to it: rounding must not rely on correlations that the data shows by chance. */
const DAMPING = 0.01;

/** Mean and second moments of vectors v[N] that pass by; memory N². */
export class Moments {
  readonly size: number;
  readonly #sum: Float64Array;
  /** Lower triangle of the sum of v vᵀ, row by row in a full square. */
  readonly #squares: Float64Array;
  count = 0;

  constructor(size: number) {
    this.size = size;
    this.#sum = new Float64Array(size);
    this.#squares = new Float64Array(size * size);
  }

  observe(v: Float64Array): void {
    this.count++;
    for (let i = 0; i < this.size; i++) {
      const value = v[i] as number;
      this.#sum[i] = (this.#sum[i] as number) + value;
      if (value === 0) continue;
      const row = i * this.size;
      for (let k = 0; k <= i; k++) {
        this.#squares[row + k] = (this.#squares[row + k] as number) + value * (v[k] as number);
      }
    }
  }

  /** Mean of v[k] as integers, where the real value is `integer * columns[k] + constants[k]`. */
  mean({ columns, constants }: Columns): Float64Array {
    const count = Math.max(1, this.count);
    return this.#sum.map((sum, k) => (sum / count - (constants[k] as number)) / (columns[k] as number));
  }

  /**
   * E[v vᵀ] of v as integers, N² row by row; of v less its mean when `isCentred`, for rows whose bias makes up for the mean.
   */
  hessian(signal: Columns, isCentred: boolean): Float64Array {
    const N = this.size;
    const count = Math.max(1, this.count);
    const mean = this.mean(signal);
    const real = this.#sum.map((sum) => sum / count);
    const result = new Float64Array(N * N);
    for (let i = 0; i < N; i++) {
      for (let k = 0; k <= i; k++) {
        const covariance = (this.#squares[i * N + k] as number) / count - (real[i] as number) * (real[k] as number);
        const product = isCentred ? 0 : (mean[i] as number) * (mean[k] as number);
        const units = (signal.columns[i] as number) * (signal.columns[k] as number);
        result[i * N + k] = covariance / units + product;
        result[k * N + i] = result[i * N + k] as number;
      }
    }
    return result;
  }
}

/** `H = R D Rᵀ` of a damped Hessian, its columns sorted by `order`: R is upper triangular with ones on the diagonal. */
export interface Factor {
  /** Columns in the order of rounding: the one that weighs most first. */
  readonly order: readonly number[];
  /** N² column by column: `upper[k·N + j]`, j < k, is what of column j's rounding error column k takes over. */
  readonly upper: Float64Array;
  /** D[N]: what the squared error of each column costs. */
  readonly costs: Float64Array;
}

/**
 * Factors a Hessian for rounding by columns. The same rounding as GPTQ's Cholesky factor of the inverse gives, without an inverse
 * (LDLQ: Chee et al., "QuIP", 2023, theorem 6).
 *
 * @param hessian  N² values, symmetric, no eigenvalue below 0 but for rounding; all zeros are fine
 */
export function factorHessian(hessian: Float64Array, N: number): Factor {
  const diagonal = Float64Array.from({ length: N }, (_, k) => Math.max(0, hessian[k * N + k] as number));
  const damping = (DAMPING * diagonal.reduce((sum, value) => sum + value, 0)) / N || 1;
  const order = Array.from({ length: N }, (_, k) => k).sort(
    (a, b) => (diagonal[b] as number) - (diagonal[a] as number) || a - b,
  );
  const costs = new Float64Array(N);
  // Rows of R times √D while it grows from the last column to the first.
  const root = new Float64Array(N * N);
  const rest = (j: number, k: number): number => {
    let value = hessian[(order[j] as number) * N + (order[k] as number)] as number;
    for (let m = k + 1; m < N; m++) value -= (root[j * N + m] as number) * (root[k * N + m] as number);
    return value;
  };
  const upper = new Float64Array(N * N);
  for (let k = N - 1; k >= 0; k--) {
    // Rounding can push a pivot below the damping that is added to it.
    const pivot = Math.max(damping, rest(k, k) + damping);
    const side = Math.sqrt(pivot);
    costs[k] = pivot;
    root[k * N + k] = side;
    for (let j = 0; j < k; j++) {
      root[j * N + k] = rest(j, k) / side;
      upper[k * N + j] = (root[j * N + k] as number) / side;
    }
  }
  return { order, upper, costs };
}
