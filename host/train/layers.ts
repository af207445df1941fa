// The layers of a network in the memory of the kernels: each knows its buffers and which kernels take it there and back.

import { GRU_BEFORE, GRU_HARD, GRU_ROUND } from "../../assembly/train/layout.ts";
import type { DenseStage, GruStage } from "../model/network.ts";
import { layerKind } from "../runtime/image.ts";
import type { Arena, Kernels } from "./kernels.ts";
import type { Placed, Tensors } from "./tensors.ts";

/** Vectors of B columns, one for each step. */
export interface Flow {
  /** Address of the first. */
  readonly at: number;
  /** Bytes from one to the next. */
  readonly next: number;
}

/** Work in parts: a caller may do something else between them. */
export type Parts = Generator<undefined, void>;

/** A layer. Steps are counted from `from`: those before it are of no consequence. */
export interface Layer {
  readonly size: number;
  readonly sizeIn: number;
  /** Where its input is to be; absent where it reads that of others. */
  readonly input: Flow | undefined;
  /** Where its output is. */
  readonly output: Flow;
  /** Gradient of its output, contiguous. */
  readonly d: number;
  /** Whether one of its tensors learns. */
  readonly learns: boolean;
  /** Makes of the weights what the kernels read. */
  pack(): void;
  forward(x: Flow, from: number, steps: number): Parts;
  /** Makes of `d` the gradients of its tensors, and that of its input in `dx` unless that is 0. */
  backward(x: Flow, dx: number, from: number, steps: number): Parts;
}

/** What the layers of a trainer share. */
export interface Place {
  readonly arena: Arena;
  readonly tensors: Tensors;
  /** Columns, a multiple of 8. */
  readonly B: number;
  /** Most steps. */
  readonly steps: number;
  /** Zeros, as many as the widest vector has elements. */
  readonly zeros: number;
  /** Whether a layer behind the input needs its gradient. */
  readonly needsInput: boolean;
}

const F32 = 4;
/**
 * Places of a cache that share an address modulo WAY_BYTES are few: the gradients of weights read the same rows of all steps, which lie
 * WAY_SHIFT apart in it.
 */
const WAY_BYTES = 4096;
const WAY_SHIFT = 512;
/** Steps of a GRU layer in one part. */
const STEPS_AT_ONCE = 16;

/** A GRU layer (assembly/train/gru.ts). */
export class GruLayer implements Layer {
  readonly size: number;
  readonly sizeIn: number;
  readonly input: Flow;
  readonly output: Flow;
  readonly d: number;
  readonly learns: boolean;
  /** Address and numbers of h before the first step. */
  readonly start: number;
  readonly #kernels: Kernels;
  readonly #place: Place;
  readonly #stage: GruStage;
  readonly #t: Readonly<Record<"W" | "U" | "b" | "c", Placed>>;
  readonly #at: Readonly<
    Record<"v" | "a" | "sums" | "rz" | "wn" | "un" | "bias" | "ut" | "unt" | "wt" | "dh" | "dq", number>
  >;
  /** Bytes from the sums of a step to those of the next. */
  readonly #aNext: number;
  /** Whether h is rounded to Q15 after every step. */
  isRounded = false;

  constructor(stage: GruStage, place: Place) {
    const { arena, tensors, B, steps } = place;
    const { sizeIn: N, size: H } = stage;
    [this.size, this.sizeIn, this.#stage, this.#place, this.#kernels] = [H, N, stage, place, arena.kernels];
    const [W, U, b, c] = [stage.w.weight, stage.u.weight, stage.w.bias, stage.u.bias].map((name) => tensors.get(name));
    this.#t = { W, U, b, c } as Record<"W" | "U" | "b" | "c", Placed>;
    this.learns = Object.values(this.#t).some(({ g }) => g > 0);
    const isBefore = stage.layer.reset === "before";
    const bytes = 4 * H * B * F32;
    this.#aNext = bytes + ((WAY_BYTES + WAY_SHIFT - (bytes % WAY_BYTES)) % WAY_BYTES);
    this.#at = {
      v: arena.take((steps + 1) * (N + H) * B),
      a: arena.take((steps * this.#aNext) / F32),
      sums: arena.take(4 * H),
      rz: arena.take(2 * H * (N + H)),
      wn: arena.take(H * N),
      un: isBefore ? this.#t.U.w + 2 * H * H * F32 : arena.take(H * H),
      bias: arena.take(4 * H),
      ut: arena.take((isBefore ? 2 : 3) * H * H),
      unt: isBefore ? arena.take(H * H) : 0,
      wt: place.needsInput ? arena.take(3 * H * N) : 0,
      dh: arena.take(H * B),
      dq: isBefore ? arena.take(H * B) : 0,
    };
    const next = (N + H) * B * F32;
    this.start = this.#at.v + N * B * F32;
    this.input = { at: this.#at.v, next };
    this.output = { at: this.start + next, next };
    this.d = arena.take(steps * H * B);
  }

  /** Address of h after `steps` steps. */
  hidden(steps: number): number {
    return this.start + steps * this.input.next;
  }

  get #flags(): number {
    const { reset, gates } = this.#stage.layer;
    return (reset === "before" ? GRU_BEFORE : 0) | (gates ? GRU_HARD : 0) | (this.isRounded ? GRU_ROUND : 0);
  }

  pack(): void {
    const { pack, packAside, packBias } = this.#kernels;
    const { W, U, b, c } = this.#t;
    const { rz, wn, un, bias, ut, unt, wt } = this.#at;
    const [N, H] = [this.sizeIn, this.size];
    const isBefore = this.#stage.layer.reset === "before";
    const half = this.#stage.layer.gates === "hard" ? 1 : 0.5;
    const [Wn, Un] = [W.w + 2 * H * N * F32, U.w + 2 * H * H * F32];
    pack(rz, W.w, 2 * H, N, N + H, 0, half);
    pack(rz, U.w, 2 * H, H, N + H, N, half);
    pack(wn, Wn, H, N, N, 0, 1);
    packBias(bias, b.w, c.w, H, half, Number(isBefore));
    if (!isBefore) pack(un, Un, H, H, H, 0, 1);
    packAside(ut, U.w, isBefore ? 2 * H : 3 * H, H, isBefore ? 2 * H : 3 * H, 0);
    if (isBefore) packAside(unt, Un, H, H, H, 0);
    if (wt === 0) return;
    packAside(wt, Wn, H, N, 3 * H, 0);
    packAside(wt, W.w, 2 * H, N, 3 * H, H);
  }

  *forward(_x: Flow, _from: number, steps: number): Parts {
    const { v, a, rz, wn, un, bias } = this.#at;
    const [N, H, B] = [this.sizeIn, this.size, this.#place.B];
    for (let t = 0; t < steps; t += STEPS_AT_ONCE) {
      const count = Math.min(STEPS_AT_ONCE, steps - t);
      const [vt, at] = [v + t * this.input.next, a + t * this.#aNext];
      this.#kernels.gru_forward(vt, at, this.#aNext, rz, wn, un, bias, N, H, B, count, this.#flags);
      yield;
    }
  }

  *backward(_x: Flow, dx: number, from: number, steps: number): Parts {
    const { a, wt, dh } = this.#at;
    const { B, zeros } = this.#place;
    const [N, H, k] = [this.sizeIn, this.size, this.#kernels];
    if (from > 0) k.clear(this.d, from * H * B * F32);
    k.clear(dh, H * B * F32);
    for (let end = steps; end > 0; end -= STEPS_AT_ONCE) {
      this.#back(Math.max(0, end - STEPS_AT_ONCE), end);
      yield;
    }
    if (dx > 0) k.products(wt, a, this.#aNext, dx, N * B * F32, zeros, N, 3 * H, B, steps, 0);
    yield;
    yield* this.#gradients(steps);
  }

  /** Goes back from step `end` to step `start`. */
  #back(start: number, end: number): void {
    const { v, a, ut, unt, dh, dq } = this.#at;
    const [N, H, B] = [this.sizeIn, this.size, this.#place.B];
    const part = H * B * F32;
    const [vt, at, dt] = [v + start * this.input.next, a + start * this.#aNext, this.d + start * part];
    this.#kernels.gru_backward(vt, at, this.#aNext, dt, dh, dq, ut, unt, N, H, B, end - start, this.#flags);
  }

  /** Gradients of the tensors, from those of the sums in a: n, r, z, and of U_n h + c_n. */
  *#gradients(steps: number): Parts {
    const { outer, scaled, sums } = this.#kernels;
    const { W, U, b, c } = this.#t;
    const [N, H, B] = [this.sizeIn, this.size, this.#place.B];
    const part = H * B * F32;
    const next = this.#aNext;
    const { at: x, next: xNext } = this.input;
    const n = this.#at.a;
    const rz = n + part;
    const isBefore = this.#stage.layer.reset === "before";
    if (W.g > 0) {
      outer(rz, next, x, xNext, W.g, N * F32, 2 * H, N, steps, B);
      outer(n, next, x, xNext, W.g + 2 * H * N * F32, N * F32, H, N, steps, B);
    }
    yield;
    if (U.g > 0) outer(rz, next, this.start, xNext, U.g, H * F32, isBefore ? 2 * H : 3 * H, H, steps, B);
    if (U.g > 0 && isBefore) outer(n, next, n + 3 * part, next, U.g + 2 * H * H * F32, H * F32, H, H, steps, B);
    yield;
    if (b.g + c.g === 0) return;
    const [all, R, Z] = [this.#at.sums, H * F32, 2 * H * F32];
    sums(n, next, all, 4 * H, steps, B);
    if (b.g > 0) scaled(b.g, all + R, 2 * H, 1);
    if (b.g > 0) scaled(b.g + Z, all, H, 1);
    if (c.g > 0) scaled(c.g, all + R, 3 * H, 1);
  }
}

/** A dense layer (assembly/train/dense.ts). */
export class DenseLayer implements Layer {
  readonly size: number;
  readonly sizeIn: number;
  readonly input = undefined;
  readonly output: Flow;
  readonly d: number;
  readonly learns: boolean;
  readonly #kernels: Kernels;
  readonly #place: Place;
  readonly #stage: DenseStage;
  readonly #kind: number;
  readonly #W: Placed;
  readonly #b: Placed;
  readonly #p: Placed | undefined;
  /** Sums and values; one buffer where the sums are not looked at again. */
  readonly #a: number;
  readonly #y: number;
  /** Weights and biases as the products read them. */
  readonly #w: number;
  readonly #bias: number;
  readonly #wt: number;
  /** Whether `d` is that of the sums already, from a loss behind this layer's activation. */
  isFused = false;

  constructor(stage: DenseStage, place: Place) {
    const { arena, tensors, B, steps } = place;
    const { sizeIn: N, size: M } = stage;
    [this.size, this.sizeIn, this.#stage, this.#place, this.#kernels] = [M, N, stage, place, arena.kernels];
    this.#kind = layerKind(stage.layer);
    this.#W = tensors.get(stage.w.weight);
    this.#b = tensors.get(stage.w.bias);
    this.#p = stage.parameters && tensors.get(stage.parameters.name);
    this.learns = [this.#W, this.#b, this.#p].some((tensor) => (tensor?.g ?? 0) > 0);
    this.#y = arena.take(steps * M * B);
    this.#a = ONLY_Y.includes(stage.layer.activation) ? this.#y : arena.take(steps * M * B);
    const isHalved = stage.layer.activation === "sigmoid";
    this.#w = isHalved ? arena.take(M * N) : this.#W.w;
    this.#bias = isHalved ? arena.take(M) : this.#b.w;
    this.#wt = place.needsInput ? arena.take(M * N) : 0;
    this.output = { at: this.#y, next: M * B * F32 };
    this.d = arena.take(steps * M * B);
  }

  pack(): void {
    const { scaled, packAside } = this.#kernels;
    if (this.#w !== this.#W.w) {
      scaled(this.#w, this.#W.w, this.#W.count, 0.5);
      scaled(this.#bias, this.#b.w, this.#b.count, 0.5);
    }
    if (this.#wt > 0) packAside(this.#wt, this.#W.w, this.size, this.sizeIn, this.size, 0);
  }

  *forward(x: Flow, from: number, steps: number): Parts {
    const [N, M, B] = [this.sizeIn, this.size, this.#place.B];
    const skipped = from * this.output.next;
    const [a, y] = [this.#a + skipped, this.#y + skipped];
    const { products, activations } = this.#kernels;
    products(this.#w, x.at + from * x.next, x.next, a, this.output.next, this.#bias, M, N, B, steps - from, 1);
    yield;
    if (this.#kind > 0) activations(a, y, this.#p?.w ?? 0, M, B, steps - from, this.#kind);
    yield;
  }

  *backward(x: Flow, dx: number, from: number, steps: number): Parts {
    const [N, M, B] = [this.sizeIn, this.size, this.#place.B];
    const { next } = this.output;
    const [a, y, d] = [this.#a, this.#y, this.d].map((at) => at + from * next) as [number, number, number];
    const count = steps - from;
    const k = this.#kernels;
    if (!this.isFused) {
      const slopes = (this.#stage.layer.activation === "prelu" && this.#p?.g) || 0;
      if (slopes > 0) k.clear(slopes, Math.ceil(M / 4) * 16);
      k.activations_back(a, y, d, this.#p?.w ?? 0, slopes, M, B, count, this.#kind);
    }
    yield;
    const nextIn = N * B * F32;
    if (dx > 0) k.products(this.#wt, d, next, dx + from * nextIn, nextIn, this.#place.zeros, N, M, B, count, 0);
    yield;
    if (this.#W.g > 0) k.outer(d, next, x.at + from * x.next, x.next, this.#W.g, N * F32, M, N, count, B);
    yield;
    if (this.#b.g > 0) k.sums(d, next, this.#b.g, M, count, B);
  }
}

/** Activations whose slope is known from the value. */
const ONLY_Y: readonly string[] = ["linear", "sigmoid", "tanh", "relu", "softmax"];
