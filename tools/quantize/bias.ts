/**
 * What a row's bias takes over so that rounding its weights does not move the mean of its sum.
 *
 * @param values  real value of each weight for one unit of its input
 * @param weights  the same weights as integers
 * @param unit  real value of one unit of an integer weight
 * @param mean  mean of each input, an integer
 */
export function biasCorrection(
  values: Float64Array,
  weights: ArrayLike<number>,
  unit: number,
  mean: Float64Array,
): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) {
    sum += ((values[k] as number) - (weights[k] as number) * unit) * (mean[k] as number);
  }
  return sum;
}
