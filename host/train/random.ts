/** A seeded source of numbers in [0, 1). */
export type Random = () => number;

/**
 * Makes the generator mulberry32: each call answers a number in [0, 1) with 32 random bits, the same on every machine.
 *
 * @param seed  any integer; taken modulo 2^32
 */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let hash = Math.imul(state ^ (state >>> 15), state | 1);
    hash ^= hash + Math.imul(hash ^ (hash >>> 7), hash | 61);
    return ((hash ^ (hash >>> 14)) >>> 0) / 2 ** 32;
  };
}
