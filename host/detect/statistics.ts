// The little statistics and linear algebra that calibrating needs, in float64. Matrices are arrays of rows.

/** A quantile by linear interpolation between sorted values, as NumPy has it; 0 <= q <= 1. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const [a, b] = [sorted[low] as number, sorted[Math.min(low + 1, sorted.length - 1)] as number];
  return a + (b - a) * (at - low);
}

/** Mean of values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** Standard deviation, divided by the count. */
function deviation(values: ArrayLike<number>): number {
  const center = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - center) ** 2;
  return Math.sqrt(sum / values.length);
}

/**
 * Middle and spread that a few outliers do not move: median, and 1.4826 times the median absolute deviation. Where many values
 * are equal that says nothing, and the standard deviation stands in; where all are, `least`.
 */
export function robust(values: Float64Array, least: (median: number) => number): { middle: number; spread: number } {
  const middle = quantile(values, 0.5);
  const mad =
    1.4826 *
    quantile(
      values.map((value) => Math.abs(value - middle)),
      0.5,
    );
  const sd = deviation(values);
  const spread = mad < 0.1 * sd ? sd : mad;
  return { middle, spread: spread > 0 ? spread : least(middle) };
}

/** Means and covariance (divided by n - 1) of rows. */
export function covariance(rows: readonly ArrayLike<number>[]): { means: number[]; matrix: number[][] } {
  const size = rows[0]?.length ?? 0;
  const means = Array.from({ length: size }, (_, i) => mean(rows.map((row) => row[i] as number)));
  const matrix = means.map(() => new Array<number>(size).fill(0));
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      const a = (row[i] as number) - (means[i] as number);
      const target = matrix[i] as number[];
      for (let j = 0; j <= i; j++) target[j] = (target[j] as number) + a * ((row[j] as number) - (means[j] as number));
    }
  }
  return { means, matrix: symmetric(matrix, rows.length - 1) };
}

/** Second moments of rows about 0. */
export function moments(rows: readonly ArrayLike<number>[]): number[][] {
  const size = rows[0]?.length ?? 0;
  const matrix = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      const target = matrix[i] as number[];
      for (let j = 0; j <= i; j++) target[j] = (target[j] as number) + (row[i] as number) * (row[j] as number);
    }
  }
  return symmetric(matrix, rows.length);
}

/** Divides the lower triangle and mirrors it. */
function symmetric(matrix: readonly number[][], divisor: number): number[][] {
  return matrix.map((row, i) => row.map((_, j) => ((i >= j ? matrix[i]?.[j] : matrix[j]?.[i]) as number) / divisor));
}

/** Lower triangular L with L Lᵀ = matrix, which is positive definite. */
function cholesky(matrix: readonly (readonly number[])[]): number[][] {
  const lower = matrix.map((row) => row.map(() => 0));
  for (let i = 0; i < matrix.length; i++) {
    const row = lower[i] as number[];
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i]?.[j] as number;
      for (let k = 0; k < j; k++) sum -= (row[k] as number) * (lower[j]?.[k] as number);
      row[j] = i === j ? Math.sqrt(sum) : sum / (lower[j]?.[j] as number);
    }
  }
  return lower;
}

/** The inverse of the Cholesky factor: W with W matrix Wᵀ = 1, lower triangular. */
export function whitening(matrix: readonly (readonly number[])[]): number[][] {
  const lower = cholesky(matrix);
  const inverse = lower.map((row) => row.map(() => 0));
  for (let column = 0; column < lower.length; column++) {
    for (let i = column; i < lower.length; i++) {
      let sum = i === column ? 1 : 0;
      for (let k = column; k < i; k++) sum -= (lower[i]?.[k] as number) * (inverse[k]?.[column] as number);
      (inverse[i] as number[])[column] = sum / (lower[i]?.[i] as number);
    }
  }
  return inverse;
}

/** x with matrix x = right; the matrix is positive definite. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const w = whitening(matrix);
  const half = w.map((row) => row.reduce((sum, value, j) => sum + value * (right[j] as number), 0));
  return right.map((_, i) => w.reduce((sum, row, j) => sum + (row[i] as number) * (half[j] as number), 0));
}
