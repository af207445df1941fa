// What a model is measured by besides its loss, as Keras has it.

import type { LossName } from "../types.ts";
import type { MetricName } from "./compile.ts";

/** A sum of measurements and how many there are. */
export interface Measured {
  readonly sum: number;
  readonly count: number;
}

/**
 * Measures predictions f32[places][O] against targets. Accuracy is the part of places whose greatest output is that of the target, behind
 * binary cross-entropy the part of outputs on the right side of ½, else the part that is equal.
 */
export function measure(
  metric: MetricName,
  loss: LossName,
  outputs: number,
  predictions: Float32Array,
  targets: ArrayLike<number>,
): Measured {
  const isSparse = loss === "sparse_categorical_crossentropy";
  if (metric === "accuracy" && (isSparse || loss === "categorical_crossentropy")) {
    return classes(outputs, predictions, targets, isSparse);
  }
  let [sum, count] = [0, 0];
  predictions.forEach((y, i) => {
    const t = targets[i] as number;
    if (Number.isNaN(t)) return;
    count++;
    if (metric === "mae") sum += Math.abs(y - t);
    else if (metric === "mse") sum += (y - t) ** 2;
    else sum += Number(loss === "binary_crossentropy" ? Number(y > 0.5) === t : y === t);
  });
  return { sum, count };
}

function classes(outputs: number, predictions: Float32Array, targets: ArrayLike<number>, isSparse: boolean): Measured {
  let [sum, count] = [0, 0];
  for (let at = 0; at < predictions.length; at += outputs) {
    const target = isSparse ? (targets[at / outputs] as number) : greatest(targets, at, outputs);
    if (Number.isNaN(target)) continue;
    count++;
    sum += Number(greatest(predictions, at, outputs) === target);
  }
  return { sum, count };
}

/** Place of the first greatest of some numbers; NaN where one of them is. */
function greatest(values: ArrayLike<number>, from: number, count: number): number {
  let best = 0;
  for (let i = 0; i < count; i++) {
    const value = values[from + i] as number;
    if (Number.isNaN(value)) return Number.NaN;
    if (value > (values[from + best] as number)) best = i;
  }
  return best;
}
