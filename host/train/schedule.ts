// Learning rates over the updates of a run. Only exact operations of IEEE 754, so that a run has the same bits on every machine.

/** Learning rate of an update, the first being 0. */
export type Schedule = (update: number) => number;

/** Always the same. */
export const constant =
  (rate: number): Schedule =>
  () =>
    rate;

/**
 * Falls along half a cosine from `rate` to `least` in `updates` updates, and stays there.
 *
 * @param least  default 0
 */
export function cosine(rate: number, updates: number, least = 0): Schedule {
  return (update) => least + ((rate - least) * (1 + halfCosine(Math.min(1, update / updates)))) / 2;
}

/** Is `factor` of itself after every `every` updates. */
export function steps(rate: number, every: number, factor: number): Schedule {
  return (update) => {
    let value = rate;
    for (let left = Math.floor(update / every); left > 0 && value > 0; left--) value *= factor;
    return value;
  };
}

/** Rises evenly to another schedule's in `updates` updates, from one part of it. */
export function warmUp(updates: number, then: Schedule): Schedule {
  return (update) => then(update) * Math.min(1, (update + 1) / (updates + 1));
}

/** cos(π part) by its series in π (part - ½), for 0 <= part <= 1; within 1e-9. Engines round Math.cos as they like. */
function halfCosine(part: number): number {
  const x = Math.PI * (part - 0.5);
  const q = x * x;
  let sum = 0;
  for (let k = 15; k >= 1; k -= 2) sum = 1 - (q / ((k + 1) * (k + 2))) * (k === 15 ? 1 : sum);
  return -x * sum;
}
