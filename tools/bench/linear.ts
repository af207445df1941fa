const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);

/**
 * Forecasts the next reading as a weighted sum of the last ones and a constant, fitted by least squares: the yardstick for what a
 * linear model can do.
 *
 * @param readings  f64[T]
 * @param known  the weights are fitted on so many of the readings, from the first on
 * @returns the forecast made at each reading, f64[T]; before there are enough readings, the reading itself
 * @throws {RangeError} when the readings do not determine the weights
 */
export function forecastLinear(readings: readonly number[], known: number, lags: number): number[] {
  // Numbers near zero keep the equations well conditioned.
  const centre = readings.slice(0, known).reduce((sum, value) => sum + value, 0) / known;
  const lastReadings = (t: number) => [1, ...readings.slice(t - lags + 1, t + 1).map((value) => value - centre)];
  const rows = Array.from({ length: known - lags }, (_, i) => {
    return [...lastReadings(i + lags - 1), (readings[i + lags] as number) - centre];
  });
  const columns = Array.from({ length: lags + 2 }, (_, k) => rows.map((row) => row[k] as number));
  const equations = columns.slice(0, -1).map((column) => columns.map((other) => dot(column, other)));
  const weights = solve(equations);
  return readings.map((value, t) => (t < lags - 1 ? value : centre + dot(weights, lastReadings(t))));
}

/** Solves n linear equations, each n factors and the right side, by elimination. */
function solve(equations: readonly (readonly number[])[]): number[] {
  const size = (row: readonly number[]) => Math.abs(row[0] as number);
  const pivot = equations.reduce((best, row) => (size(row) > size(best) ? row : best));
  const [factor = 0, ...others] = pivot;
  if (factor === 0) throw new RangeError("The readings do not determine the weights");
  const rest = equations
    .filter((row) => row !== pivot)
    .map(([first = 0, ...row]) => row.map((value, k) => value - (first / factor) * (others[k] as number)));
  const solved = rest.length > 0 ? solve(rest) : [];
  return [((others.at(-1) as number) - dot(solved, others)) / factor, ...solved];
}
