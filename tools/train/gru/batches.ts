// Pieces of rows → batches: a row of a batch walks along a stretch of the data, window after window, its state carried on.

import { mulberry32 } from "../../../host/train/random.ts";
import type { Batch } from "../../../host/train/types.ts";
import { readRows } from "../data/sequences.ts";
import type { RowStore } from "../data/store.ts";
import { type Piece, stepsOf } from "../pieces.ts";
import type { Task } from "../task.ts";

/** Rows of a batch: four vectors of eight lanes. */
export const BATCH = 32;
/** Steps of a window: how far back the gradient goes. */
export const STEPS = 64;

/** What batches are made of. */
export interface BatchSource {
  readonly store: RowStore;
  readonly task: Task;
  /** Number of inputs. */
  readonly inputs: number;
  readonly pieces: readonly Piece[];
  /** Steps before a stretch that only warm up. */
  readonly lead: number;
  /** Of steps by their class, where the label is one. */
  readonly weights?: readonly number[] | undefined;
}

/** Batches of some pieces, in an order by chance or as they stand. */
export class Batches {
  readonly #source: BatchSource;
  readonly #stretches: readonly Piece[];

  constructor(source: BatchSource) {
    this.#source = source;
    this.#stretches = split(source.pieces);
  }

  /**
   * Batches of an epoch: stretches are not all of one length, so their number hangs on which of them go together.
   *
   * @param seed  of the order; undefined: as they stand
   */
  countOf(seed?: number): number {
    return this.#groupsOf(seed).reduce((sum, group) => sum + this.#windows(group), 0);
  }

  /**
   * The batches of an epoch.
   *
   * @param seed  of the order; undefined: as they stand
   * @param skip  batches at the beginning that are left out, without reading their rows
   */
  *epoch(seed?: number, skip = 0): Generator<Batch> {
    let at = 0;
    for (const group of this.#groupsOf(seed)) {
      const windows = this.#windows(group);
      for (let window = 0; window < windows; window++) {
        if (at++ >= skip) yield this.#read(group, window);
      }
    }
  }

  #groupsOf(seed: number | undefined): readonly (readonly Piece[])[] {
    const stretches = seed === undefined ? this.#stretches : shuffled(this.#stretches, seed);
    return Array.from({ length: Math.ceil(stretches.length / BATCH) }, (_, i) =>
      stretches.slice(i * BATCH, (i + 1) * BATCH),
    );
  }

  #lead = ({ lead }: Piece) => Math.min(lead, this.#source.lead);

  #windows(group: readonly Piece[]): number {
    return Math.ceil(Math.max(...group.map((piece) => this.#lead(piece) + piece.steps)) / STEPS);
  }

  #read(group: readonly Piece[], window: number): Batch {
    const { inputs: I, task, weights: ofClass } = this.#source;
    const longest = Math.max(...group.map((piece) => this.#lead(piece) + piece.steps));
    const steps = Math.min(STEPS, longest - window * STEPS);
    const O = task.targets.length;
    const inputs = new Float32Array(group.length * steps * I);
    const targets = new Float32Array(group.length * steps * O).fill(Number.NaN);
    const weights = ofClass && new Float32Array(group.length * steps);
    for (const [row, piece] of group.entries()) {
      const at = row * steps;
      this.#fill(piece, window * STEPS, {
        inputs: inputs.subarray(at * I, (at + steps) * I),
        targets: targets.subarray(at * O, (at + steps) * O),
        weights: weights?.subarray(at, at + steps),
      });
    }
    return { rows: group.length, steps, inputs, targets, carry: window > 0, ...(weights && { weights }) };
  }

  /** Fills a row of a batch from step `first` of a piece on, its lead included; what is behind its end has no target. */
  #fill(
    piece: Piece,
    first: number,
    { inputs, targets, weights }: { inputs: Float32Array; targets: Float32Array; weights: Float32Array | undefined },
  ): void {
    const { store, inputs: I, task, weights: ofClass } = this.#source;
    const O = task.targets.length;
    const lead = this.#lead(piece);
    const steps = inputs.length / I;
    const known = Math.min(steps, lead + piece.steps - first);
    if (known <= 0) return;
    const rows = readRows(store, piece.sequence, piece.from - lead + first, known + task.ahead);
    for (let t = 0; t < steps; t++) {
      const row = Math.min(t, known - 1) * store.width;
      for (let i = 0; i < I; i++) inputs[t * I + i] = rows[row + i] as number;
      if (t >= known || first + t < lead) continue;
      for (const [o, { column, ahead }] of task.targets.entries()) {
        targets[t * O + o] = rows[(t + ahead) * store.width + column] as number;
      }
      if (weights && ofClass) weights[t] = ofClass[targets[t * O] as number] as number;
    }
  }
}

/** Pieces in stretches short enough for every row of a batch to have one, if there is so much. */
function split(pieces: readonly Piece[]): readonly Piece[] {
  const length = Math.max(STEPS, STEPS * Math.floor(stepsOf(pieces) / BATCH / STEPS));
  return pieces.flatMap(({ sequence, from, steps, lead }) =>
    Array.from({ length: Math.ceil(steps / length) }, (_, i) => ({
      sequence,
      from: from + i * length,
      steps: Math.min(length, steps - i * length),
      lead: lead + i * length,
    })),
  );
}

/** The items in an order that the seed decides (Fisher and Yates). */
function shuffled<T>(items: readonly T[], seed: number): readonly T[] {
  const random = mulberry32(seed);
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [all[i], all[j]] = [all[j] as T, all[i] as T];
  }
  return all;
}
