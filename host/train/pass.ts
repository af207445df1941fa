// A network in the memory of the kernels: forward, loss and backward over the batch at hand.

import * as format from "../../assembly/train/layout.ts";
import { type Network, networkOf } from "../model/network.ts";
import { DEFAULT_BATCH, DEFAULT_STEPS } from "./check.ts";
import { Columns } from "./columns.ts";
import type { Arena } from "./kernels.ts";
import { DenseLayer, type Flow, GruLayer, type Layer, type Parts } from "./layers.ts";
import type { Tensors } from "./tensors.ts";
import type { Batch, LossName, TrainerOptions } from "./types.ts";

const F32 = 4;
/** Columns are computed eight at a time. */
const COLUMNS = 8;

const LOSSES: Readonly<Record<LossName, number>> = {
  mse: format.LOSS_MSE,
  huber: format.LOSS_HUBER,
  binary_crossentropy: format.LOSS_BINARY,
  categorical_crossentropy: format.LOSS_CATEGORICAL,
  sparse_categorical_crossentropy: format.LOSS_SPARSE,
};

/** What decides which values dropout leaves out. */
export interface DropoutKey {
  readonly seed: number;
  readonly update: number;
}

/** The buffers of a network, and the way through them. */
export class Pass {
  readonly #arena: Arena;
  readonly #tensors: Tensors;
  readonly #options: TrainerOptions;
  readonly #network: Network;
  readonly #columns: Columns;
  readonly #layers: readonly Layer[];
  readonly #B: number;
  /** Copies of what dropout leaves in front of a layer that reads elsewhere; 0 for none. */
  readonly #dropped: readonly number[];
  /** Gradient of an embedding's rows; 0 for none. */
  readonly #dx: number;
  /** First layer that the gradient must reach. */
  readonly #lowest: number;
  /** Steps of the batch at hand. */
  #steps = 0;

  constructor(arena: Arena, tensors: Tensors, options: TrainerOptions) {
    const { batch = DEFAULT_BATCH, steps = DEFAULT_STEPS, dropout = [], loss } = options;
    [this.#arena, this.#tensors, this.#options] = [arena, tensors, options];
    this.#network = networkOf(options.network);
    this.#B = Math.ceil(batch / COLUMNS) * COLUMNS;
    this.#columns = new Columns(arena, tensors, options, this.#B, steps);
    const { input, layers } = this.#network;
    const learnsInput = input.kind === "embedding" && tensors.get(input.weight).g > 0;
    const zeros = arena.take(Math.max(input.size, ...layers.map(({ size }) => size)));
    let isBelow = learnsInput;
    this.#layers = layers.map((stage) => {
      const place = { arena, tensors, B: this.#B, steps, zeros, needsInput: isBelow };
      const layer = stage.kind === "gru" ? new GruLayer(stage, place) : new DenseLayer(stage, place);
      isBelow ||= layer.learns;
      return layer;
    });
    this.#lowest = learnsInput ? 0 : this.#layers.findIndex(({ learns }) => learns);
    this.#dx = learnsInput ? arena.take(steps * input.size * this.#B) : 0;
    this.#dropped = this.#layers.map(({ sizeIn, input: own }, k) =>
      k > 0 && (dropout[k - 1] ?? 0) > 0 && !own ? arena.take(steps * sizeIn * this.#B) : 0,
    );
    const last = this.#layers.at(-1);
    if (last instanceof DenseLayer) last.isFused = LOSSES[loss] >= format.LOSS_BINARY;
  }

  /** GRU layers, in order. */
  get #gru(): readonly GruLayer[] {
    return this.#layers.filter((layer) => layer instanceof GruLayer);
  }

  /** Rounds h as the q15 form does, or no longer. */
  round(isRounded: boolean): void {
    for (const layer of this.#gru) layer.isRounded = isRounded;
  }

  /** Makes of the weights what the kernels read: after every change of them. */
  pack(): void {
    for (const layer of this.#layers) layer.pack();
  }

  /** First step that layer k computes: behind the last GRU layer only the last step counts where it alone has a target. */
  #from(k: number): number {
    if (this.#options.targets !== "last") return 0;
    return this.#layers.slice(k).some((layer) => layer instanceof GruLayer) ? 0 : this.#steps - 1;
  }

  /** Runs the network over the batch. Dropout only where there is a key. */
  *forward(batch: Pick<Batch, "rows" | "steps" | "inputs" | "carry">, key?: DropoutKey): Parts {
    this.#carry(batch);
    this.#steps = batch.steps;
    this.#columns.fill(batch);
    let x = this.#columns.input;
    for (const [k, layer] of this.#layers.entries()) {
      x = this.#enter(layer, k, x, key);
      yield* layer.forward(x, this.#from(k), this.#steps);
      x = layer.output;
    }
    const { skip, output } = this.#network;
    if (!skip) return;
    const { at, next } = this.#columns.window;
    const { w } = this.#tensors.get(skip.w.weight);
    this.#arena.kernels.products(w, at, next, x.at, x.next, 0, output.size, skip.w.columns, this.#B, this.#steps, 1);
  }

  /** What layer k reads, x, put where it reads it. */
  #enter(layer: Layer, k: number, x: Flow, key: DropoutKey | undefined): Flow {
    const bytes = layer.sizeIn * this.#B * F32;
    const isDropped = key !== undefined && k > 0 && this.#rate(k - 1) > 0;
    const to = layer.input ?? (isDropped ? { at: this.#dropped[k] as number, next: bytes } : x);
    const { spread, dropout } = this.#arena.kernels;
    if (isDropped) dropout(to.at, to.next, x.at, x.next, bytes, this.#steps, ...this.#chances(k - 1, key));
    else if (to !== x) spread(to.at, to.next, x.at, x.next, bytes, this.#steps);
    return to;
  }

  #rate(layer: number): number {
    return this.#options.dropout?.[layer] ?? 0;
  }

  /** Key, threshold and scale of the dropout behind a layer. */
  #chances(layer: number, { seed, update }: DropoutKey): [key: number, threshold: number, scale: number] {
    const rate = this.#rate(layer);
    const key = Math.imul(seed, 0x85ebca6b) ^ Math.imul(update, 0xc2b2ae35) ^ Math.imul(layer + 1, 0x27d4eb2f);
    return [key, Math.round(rate * 2 ** 32), 1 / (1 - rate)];
  }

  /** State before the first step: zeros, or where the batch before ended. */
  #carry({ rows, carry = false }: Pick<Batch, "rows" | "carry">): void {
    const keeps = (column: number) => column < rows && (typeof carry === "boolean" ? carry : carry[column] === true);
    const isAny = typeof carry === "boolean" ? carry : carry.some(Boolean);
    const move = (to: Float32Array, from: Float32Array) => {
      if (!isAny) to.fill(0);
      else for (let i = 0; i < to.length; i++) to[i] = keeps(i % this.#B) ? (from[i] as number) : 0;
    };
    move(this.#columns.lead(0), this.#columns.lead(this.#steps).slice());
    for (const { start, size, hidden } of this.#states()) {
      move(this.#arena.view(start, size), this.#arena.view(hidden, size));
    }
  }

  #states() {
    return this.#gru.map((layer) => ({
      start: layer.start,
      size: layer.size * this.#B,
      hidden: layer.hidden(this.#steps),
    }));
  }

  /** The state at the end of the batch: what the next one may go on with. */
  state(): readonly Float32Array[] {
    const hidden = this.#states().map(({ hidden, size }) => this.#arena.view(hidden, size));
    return [this.#columns.lead(this.#steps), ...hidden];
  }

  /** Makes the state that of a batch of no steps, to be written into {@link state}. */
  rewind(): void {
    this.#steps = 0;
  }

  /** Losses of the batch that went forward, added; writes their gradient, divided by `divisor` or else by the weight that is answered. */
  loss(batch: Batch): { sum: number; weight: number } {
    const { weight } = this.#columns.aim(batch);
    const { loss, delta = 1 } = this.#options;
    const { output, d, size } = this.#layers.at(-1) as Layer;
    const first = this.#options.targets === "last" ? this.#steps - 1 : 0;
    const { targets, weights, targetNext, weightNext } = this.#columns;
    let sum = 0;
    for (let t = first; t < this.#steps; t++) {
      const own = d + t * size * this.#B * F32;
      const [y, target, w] = [output.at + t * output.next, targets + t * targetNext, weights + t * weightNext];
      sum += this.#arena.kernels.loss(
        y,
        target,
        w,
        own,
        size,
        this.#B,
        LOSSES[loss],
        delta,
        weight > 0 ? 1 / weight : 0,
      );
    }
    return { sum, weight };
  }

  /** Makes gradients of the loss that was taken. */
  *backward(key?: DropoutKey): Parts {
    const first = this.#options.targets === "last" ? this.#steps - 1 : 0;
    this.#skipBack(first);
    for (let k = this.#layers.length - 1; k >= Math.max(0, this.#lowest) && this.#lowest >= 0; k--) {
      const layer = this.#layers[k] as Layer;
      const below = this.#layers[k - 1];
      const dx = k > this.#lowest ? (below?.d ?? 0) : k === 0 ? this.#dx : 0;
      const isDropped = key !== undefined && k > 0 && this.#rate(k - 1) > 0;
      const bytes = layer.sizeIn * this.#B * F32;
      const x = layer.input ?? (isDropped ? { at: this.#dropped[k] as number, next: bytes } : this.#below(k));
      // A GRU layer passes a gradient to every step; only what stands behind the last of them may start later.
      const from = layer instanceof GruLayer ? this.#lateStart(k, first) : this.#from(k);
      yield* layer.backward(x, dx, from, this.#steps);
      if (!isDropped || dx === 0) continue;
      this.#arena.kernels.dropout(dx, bytes, dx, bytes, bytes, this.#steps, ...this.#chances(k - 1, key));
    }
    if (this.#dx > 0) this.#embeddingBack();
  }

  /** First step of GRU layer k whose output has a gradient. */
  #lateStart(k: number, first: number): number {
    return this.#layers.slice(k + 1).some((layer) => layer instanceof GruLayer) ? 0 : first;
  }

  /** What layer k read. */
  #below(k: number): Flow {
    return this.#layers[k - 1]?.output ?? this.#columns.input;
  }

  #skipBack(first: number): void {
    const { skip } = this.#network;
    const { d, size } = this.#layers.at(-1) as Layer;
    if (!skip) return;
    const { g } = this.#tensors.get(skip.w.weight);
    if (g === 0) return;
    const { at, next } = this.#columns.window;
    const dNext = size * this.#B * F32;
    const { columns, rows } = skip.w;
    const count = this.#steps - first;
    const from = [d + first * dNext, at + first * next] as const;
    this.#arena.kernels.outer(from[0], dNext, from[1], next, g, columns * F32, rows, columns, count, this.#B);
  }

  #embeddingBack(): void {
    const { input } = this.#network;
    if (input.kind !== "embedding") return;
    const { g, count } = this.#tensors.get(input.weight);
    const { clear, scatter } = this.#arena.kernels;
    clear(g, Math.ceil(count / 4) * 16);
    scatter(g, this.#columns.tokens, this.#dx, input.size, this.#steps, this.#B);
  }

  /** Predictions of the batch that went forward. */
  predictions(rows: number): Float32Array {
    return this.#columns.read((this.#layers.at(-1) as Layer).output, rows, this.#steps);
  }
}
