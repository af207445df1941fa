/** A seeded source of numbers in [0, 1): mulberry32. */
export type Random = () => number;

/** Makes a seeded source; equal seeds give equal numbers on every machine. */
export function mulberry32(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

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
