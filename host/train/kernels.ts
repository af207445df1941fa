// The kernels that train (assembly/train/module.ts): an instance for each trainer, whose memory holds all of it.

import { TRAIN_SCALAR, TRAIN_SIMD } from "../../build/train.ts";
import { compileModule } from "../runtime/compile.ts";
import { align16 } from "../runtime/image.ts";

const PAGE_BYTES = 65536;

/** Functions of the module; addresses, sizes and counts are i32. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  activations(a: number, y: number, p: number, size: number, B: number, steps: number, kind: number): void;
  activations_back(
    ...from: [
      a: number,
      y: number,
      d: number,
      p: number,
      g: number,
      size: number,
      B: number,
      steps: number,
      kind: number,
    ]
  ): void;
  clear(at: number, bytes: number): void;
  dropout(
    ...from: [
      to: number,
      toNext: number,
      from: number,
      fromNext: number,
      bytes: number,
      steps: number,
      key: number,
      threshold: number,
      scale: number,
    ]
  ): void;
  gather(w: number, tokens: number, x: number, next: number, size: number, steps: number, B: number): void;
  gru_backward(
    ...from: [
      v: number,
      a: number,
      aNext: number,
      dy: number,
      dh: number,
      dq: number,
      ut: number,
      unt: number,
      N: number,
      H: number,
      B: number,
      steps: number,
      flags: number,
    ]
  ): void;
  gru_forward(
    ...from: [
      v: number,
      a: number,
      aNext: number,
      rz: number,
      wn: number,
      un: number,
      bias: number,
      N: number,
      H: number,
      B: number,
      steps: number,
      flags: number,
    ]
  ): void;
  limit(g: number, count: number, factor: number, most: number): void;
  loss(
    ...from: [
      y: number,
      target: number,
      weight: number,
      d: number,
      size: number,
      B: number,
      kind: number,
      delta: number,
      factor: number,
    ]
  ): number;
  outer(
    ...from: [
      d: number,
      dNext: number,
      x: number,
      xNext: number,
      g: number,
      gNext: number,
      rows: number,
      columns: number,
      steps: number,
      B: number,
    ]
  ): void;
  pack(to: number, w: number, rows: number, columns: number, K: number, first: number, factor: number): void;
  packAside(to: number, w: number, rows: number, columns: number, K: number, first: number): void;
  packBias(to: number, b: number, c: number, H: number, factor: number, before: number): void;
  products(
    ...from: [
      w: number,
      x: number,
      xNext: number,
      y: number,
      yNext: number,
      bias: number,
      rows: number,
      K: number,
      B: number,
      steps: number,
      split: number,
    ]
  ): void;
  scaled(to: number, w: number, count: number, factor: number): void;
  scatter(g: number, tokens: number, d: number, size: number, steps: number, B: number): void;
  spread(to: number, toNext: number, from: number, fromNext: number, bytes: number, steps: number): void;
  squares(g: number, count: number): number;
  sums(d: number, dNext: number, g: number, rows: number, steps: number, B: number): void;
  update(
    ...from: [
      w: number,
      g: number,
      m: number,
      v: number,
      count: number,
      first: number,
      second: number,
      rate: number,
      scale: number,
      epsilon: number,
      decay: number,
    ]
  ): void;
}

const compiled = new Map<string, WebAssembly.Module>();

/** An instance and its memory, handed out from the bottom and never taken back. */
export class Arena {
  readonly kernels: Kernels;
  #end: number;

  /** @throws {Error} when the page's Content-Security-Policy forbids WebAssembly */
  constructor(simd: boolean) {
    const base64 = simd ? TRAIN_SIMD : TRAIN_SCALAR;
    let module = compiled.get(base64);
    if (!module) {
      module = compileModule(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
      compiled.set(base64, module);
    }
    this.kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
    this.#end = align16(this.kernels.__heap_base.value as number);
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.#end;
  }

  /**
   * Takes `count` numbers of four bytes, all zero, at a multiple of 16 bytes.
   *
   * @throws {RangeError} when there is no more memory
   */
  take(count: number): number {
    const at = this.#end;
    this.#end = at + align16(4 * count);
    const { memory } = this.kernels;
    const missing = Math.ceil((this.#end - memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) memory.grow(missing);
    return at;
  }

  /** The numbers at an address. A view is good until the next `take`. */
  view(at: number, count: number): Float32Array {
    return new Float32Array(this.kernels.memory.buffer, at, count);
  }
}
