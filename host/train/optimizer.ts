// What the host knows of Adam: its numbers for one update. The arithmetic over the weights is elsewhere.

import type { OptimizerOptions } from "./types.ts";

/** Adam of Kingma and Ba, with the defaults of Keras 3. */
export type Adam = Required<Omit<OptimizerOptions, "clipNorm" | "clipTensorNorm" | "clipValue" | "noDecay">>;

/** Fills in the defaults. */
export function adamOf(options: OptimizerOptions = {}): Adam {
  const {
    learningRate = 1e-3,
    beta1 = 0.9,
    beta2 = 0.999,
    epsilon = 1e-7,
    epsilonTo = "moment",
    weightDecay = 0,
  } = options;
  return { learningRate, beta1, beta2, epsilon, epsilonTo, weightDecay };
}

/** The factors of one update: `w -= rate · m / (√v · scale + epsilon)`. */
export interface AdamStep {
  readonly rate: number;
  readonly scale: number;
  readonly epsilon: number;
}

/** The factors of update `count`, the first being 1. Powers by multiplication: Math.pow is no exact operation. */
export function adamStep(adam: Adam, learningRate: number, count: number): AdamStep {
  const [first, second] = [1 - power(adam.beta1, count), Math.sqrt(1 - power(adam.beta2, count))];
  if (adam.epsilonTo === "moment") return { rate: (learningRate * second) / first, scale: 1, epsilon: adam.epsilon };
  return { rate: learningRate / first, scale: 1 / second, epsilon: adam.epsilon };
}

/** base^count by repeated squaring, the same bits on every machine. */
function power(base: number, count: number): number {
  let result = 1;
  for (let square = base, left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
