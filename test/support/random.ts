import type { Random } from "../../tools/random.ts";

export { mulberry32, type Random } from "../../tools/random.ts";

/** A number between -limit and limit, uniform. */
export const uniform = (random: Random, limit: number): number => (2 * random() - 1) * limit;

/** An integer from min to max, both included. */
export const integer = (random: Random, min: number, max: number): number =>
  min + Math.floor(random() * (max - min + 1));

/** A normal number with mean 0 and standard deviation 1, cut at three: twelve uniform ones added. */
export function gaussian(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return Math.max(-3, Math.min(3, sum));
}
