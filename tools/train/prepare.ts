// Pieces of rows → normalised samples and answers.

import type { RowStore } from "./data/store.ts";
import { Moments } from "./moments.ts";
import type { Scaling } from "./normalise.ts";
import { type Piece, readPiece } from "./pieces.ts";
import type { Task } from "./task.ts";

/** What turns rows into what is learned from. */
export interface View {
  readonly store: RowStore;
  readonly task: Task;
  /** Of the inputs. */
  readonly inputs: readonly Scaling[];
  /** Of the outputs, in the order of the targets. */
  readonly outputs: readonly Scaling[];
}

/** A piece, read. */
export interface Stretch {
  /** Rows as they were read, from the lead to the last answer, f32[rows][width]. */
  readonly rows: Float32Array;
  /** Normalised samples, f64[rows][I]. */
  readonly x: Float64Array;
  /** Normalised answers, f64[steps][O]. */
  readonly y: Float64Array;
  /** Row of the first step. */
  readonly first: number;
  readonly steps: number;
}

/** Reads a piece. */
export function readStretch({ store, task, inputs, outputs }: View, piece: Piece): Stretch {
  const rows = readPiece(store, piece, task.ahead);
  const { width } = store;
  const count = rows.length / width;
  const x = new Float64Array(count * inputs.length);
  for (let t = 0; t < count; t++) {
    for (const [i, { offset, scale }] of inputs.entries()) {
      x[t * inputs.length + i] = ((rows[t * width + i] as number) - offset) * scale;
    }
  }
  const first = piece.lead;
  const y = new Float64Array(piece.steps * outputs.length);
  for (let s = 0; s < piece.steps; s++) {
    for (const [o, { column, ahead }] of task.targets.entries()) {
      const { offset, scale } = outputs[o] as Scaling;
      y[s * outputs.length + o] = ((rows[(first + s + ahead) * width + column] as number) - offset) * scale;
    }
  }
  return { rows, x, y, first, steps: piece.steps };
}

/** Moments of pieces; steps with less than `lags` rows up to them are left out. */
export function momentsOf(view: View, pieces: readonly Piece[], lags: number): Moments {
  const moments = new Moments(view.inputs.length, lags, view.outputs.length);
  for (const piece of pieces) {
    const { x, y, first, steps } = readStretch(view, piece);
    const missing = Math.max(0, lags - 1 - first);
    moments.add(x, y.subarray(missing * view.outputs.length), first + missing, steps - missing);
  }
  return moments;
}
