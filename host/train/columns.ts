// Batches in the memory of the kernels: rows of the batch become columns, f32[T][..][B], so that one instruction computes four of them.

import { type InputStage, type Network, networkOf } from "../model/network.ts";
import type { Arena } from "./kernels.ts";
import type { Flow } from "./layers.ts";
import type { Tensors } from "./tensors.ts";
import type { Batch, TrainerOptions } from "./types.ts";

const F32 = 4;

/** What is known of a batch's targets. */
interface Counted {
  /** What the losses are divided by. */
  readonly weight: number;
}

/** Inputs, targets and weights of the batch at hand. */
export class Columns {
  readonly #arena: Arena;
  readonly #tensors: Tensors;
  readonly #options: TrainerOptions;
  readonly #network: Network;
  readonly #B: number;
  /** Samples before the first step that the window of a skip sees. */
  readonly #lead: number;
  readonly #x: number;
  readonly #tokens: number;
  /** Addresses of targets and weights of all steps. */
  readonly targets: number;
  readonly weights: number;
  /** Elements of a target. */
  readonly #width: number;
  readonly #isLast: boolean;

  /** @param B  columns, a multiple of 8 */
  constructor(arena: Arena, tensors: Tensors, options: TrainerOptions, B: number, steps: number) {
    [this.#arena, this.#tensors, this.#options, this.#B] = [arena, tensors, options, B];
    this.#network = networkOf(options.network);
    const { input, skip, output } = this.#network;
    this.#lead = Math.max(0, (skip?.length ?? 1) - 1);
    this.#isLast = options.targets === "last";
    this.#width = options.loss === "sparse_categorical_crossentropy" ? 1 : output.size;
    this.#x = arena.take((this.#lead + steps) * input.size * B);
    this.#tokens = input.kind === "embedding" ? arena.take(steps * B) : 0;
    this.targets = arena.take(steps * this.#width * B);
    this.weights = arena.take(steps * B);
  }

  /** Bytes of a step's targets. */
  get targetNext(): number {
    return this.#width * this.#B * F32;
  }

  /** Bytes of a step's weights. */
  get weightNext(): number {
    return this.#B * F32;
  }

  /** x of every step. */
  get input(): Flow {
    const next = this.#network.input.size * this.#B * F32;
    return { at: this.#x + this.#lead * next, next };
  }

  /** The window of the skip: at every step all samples that it sees. */
  get window(): Flow {
    return { at: this.#x, next: this.input.next };
  }

  /** Address of the tokens. */
  get tokens(): number {
    return this.#tokens;
  }

  /** The samples that the next batch's windows begin with, after `steps` steps. */
  lead(steps: number): Float32Array {
    const size = this.#network.input.size * this.#B;
    return this.#arena.view(this.#x + steps * size * F32, this.#lead * size);
  }

  /** Puts inputs into the memory; columns without a row get zeros. */
  fill({ rows, steps, inputs }: Pick<Batch, "rows" | "steps" | "inputs">): void {
    const { input } = this.#network;
    if (input.kind === "embedding") {
      const tokens = new Int32Array(this.#arena.kernels.memory.buffer, this.#tokens, steps * this.#B).fill(0);
      for (let row = 0; row < rows; row++) {
        for (let t = 0; t < steps; t++) tokens[t * this.#B + row] = inputs[row * steps + t] as number;
      }
      const { w } = this.#tensors.get(input.weight);
      const { at, next } = this.input;
      this.#arena.kernels.gather(w, this.#tokens, at, next, input.size, steps, this.#B);
      return;
    }
    this.#fillSamples(input, rows, steps, inputs);
  }

  #fillSamples({ size, offset, scale }: InputStage, rows: number, steps: number, inputs: ArrayLike<number>): void {
    const x = this.#arena.view(this.input.at, steps * size * this.#B);
    if (rows < this.#B) x.fill(0);
    const [offsets, scales] = [this.#tensors.find(offset), this.#tensors.find(scale)];
    const { fround } = Math;
    const B = this.#B;
    const shift = Float32Array.from({ length: size }, (_, i) => -(offsets?.[i] ?? 0));
    const factor = Float32Array.from({ length: size }, (_, i) => scales?.[i] ?? 1);
    let to = 0;
    for (let at = 0; at < steps * size; at++) {
      const o = shift[at % size] as number;
      const f = factor[at % size] as number;
      let from = at;
      for (let row = 0; row < rows; row++) {
        // Every operation in single precision, as the runtime has them.
        x[to + row] = fround(fround(fround(fround(inputs[from] as number) + o) * f) + 0);
        from += steps * size;
      }
      to += B;
    }
  }

  /** Puts targets and weights into the memory. */
  aim(batch: Batch): Counted {
    const { rows, steps, mean = "weights" } = batch;
    const w = this.#arena.view(this.weights, steps * this.#B).fill(0);
    const to = this.#arena.view(this.targets, steps * this.#width * this.#B);
    if (rows < this.#B) to.fill(0);
    const back = this.#scaling();
    const isWhole = this.#width < this.#network.output.size || this.#options.loss === "categorical_crossentropy";
    let weight = 0;
    for (let row = 0; row < rows; row++) {
      for (let t = this.#isLast ? steps - 1 : 0; t < steps; t++) {
        const place = this.#isLast ? row : row * steps + t;
        const own = Math.fround(batch.weights?.[place] ?? 1);
        w[t * this.#B + row] = own;
        let known = 0;
        for (let o = 0; o < this.#width; o++) {
          const target = back(batch.targets[place * this.#width + o] as number, o);
          to[(t * this.#width + o) * this.#B + row] = target;
          if (!Number.isNaN(target)) known++;
        }
        const counted = isWhole ? Number(known === this.#width) : known;
        weight += mean === "count" ? counted : counted * own;
      }
    }
    return { weight };
  }

  /** A target in the units of the last layer. */
  #scaling(): (target: number, output: number) => number {
    const { output } = this.#network;
    const [offset, scale] = [this.#tensors.find(output.offset), this.#tensors.find(output.scale)];
    if (!offset || !scale || this.#width < output.size) return (target) => target;
    return (target, o) => (target - (offset[o] as number)) / (scale[o] as number);
  }

  /** The predictions at `y` in real units, row by row. */
  read(y: Flow, rows: number, steps: number): Float32Array {
    const { output } = this.#network;
    const [offset, scale] = [this.#tensors.find(output.offset), this.#tensors.find(output.scale)];
    const first = this.#isLast ? steps - 1 : 0;
    const to = new Float32Array(rows * (steps - first) * output.size);
    const { fround } = Math;
    let at = 0;
    const memory = this.#arena.view(0, this.#arena.kernels.memory.buffer.byteLength / F32);
    for (let row = 0; row < rows; row++) {
      for (let t = first; t < steps; t++) {
        for (let o = 0; o < output.size; o++) {
          const value = memory[(y.at + t * y.next) / F32 + o * this.#B + row] as number;
          to[at++] = fround(fround(fround(value + 0) * (scale?.[o] ?? 1)) + (offset?.[o] ?? 0));
        }
      }
    }
    return to;
  }
}
