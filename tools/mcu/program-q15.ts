// What a module does with a q15 model: calls of the functions of assembly/mcu/q15.ts, and the data that they read.

import * as format from "../../assembly/layout.ts";
import { hashBytes } from "../../host/model/hash.ts";
import { TANH_TABLE } from "../../host/model/tables.ts";
import { dataOf, inputSizeOf } from "../../host/model/tensors.ts";
import type { DenseLayerSpec, GruLayerSpec, Model } from "../../host/model/types.ts";
import { bytesOf, layerKind } from "../../host/runtime/image.ts";
import { alignTo, Layout } from "./layout.ts";
import { isProven, packDenseBytes, packGru } from "./pack.ts";
import type { Call, Pack, Program } from "./types.ts";
import type { Vectors } from "./vectors.ts";

/** Bytes of `count` i16, padded to 16: the loops take up to eight at once. */
const vectorBytes = (count: number): number => alignTo(2 * count, 16);

/** Plans the module of a q15 model. */
export function planQ15(model: Model, pack: Pack, vectors: Vectors): Program {
  return new Planner(model, pack).plan(vectors);
}

/** The places that layers share. */
interface Shared {
  readonly input: number;
  readonly output: number;
  readonly state: number;
  /** Work vectors that take turns: a dense layer never writes what it reads. */
  readonly x: readonly [number, number];
  readonly sums: number;
}

class Planner {
  readonly #model: Model;
  readonly #pack: Pack;
  /** Whether no sum of any GRU layer needs saturation. All layers use the same inner loops, so that a module has them once. */
  readonly #isProven: boolean;
  readonly #layout = new Layout(format.DEVICE_TABLE);
  readonly #calls: Call[] = [];

  constructor(model: Model, pack: Pack) {
    this.#model = model;
    this.#pack = pack;
    this.#isProven = model.spec.layers.every((layer, index) => layer.kind === "dense" || isProven(model, index, layer));
  }

  plan(vectors: Vectors): Program {
    const { spec, hash } = this.#model;
    const layout = this.#layout;
    layout.data("tanh table", tanhTable());
    const I = spec.inputs.length;
    const O = spec.outputs.length;
    const stateBytes = this.#stateBytes();
    const input = { address: layout.space("input", 4 * I), bytes: 4 * I };
    const output = { address: layout.space("output", 4 * O), bytes: 4 * O };
    const state = { address: layout.space("state", stateBytes, 16), bytes: stateBytes };
    const widths = this.#workWidths();
    const x0 = layout.space("x", vectorBytes(widths[0]), 16);
    const x1 = layout.space("y", widths[1] > 0 ? vectorBytes(widths[1]) : 0, 16);
    const sums = layout.space("work space", this.#workBytes(), 16);
    const modelHash = { address: layout.data("model hash", hashBytes(hash)), bytes: 16 };
    const tests = {
      address: layout.data("self-test", vectors.words),
      bytes: vectors.words.length,
      steps: vectors.steps,
    };
    this.#steps({ input: input.address, output: output.address, state: state.address, x: [x0, x1], sums });
    return {
      numeric: "q15",
      calls: this.#calls,
      regions: layout.regions,
      input,
      output,
      state,
      modelHash,
      vectors: tests,
      vocabulary: spec.embedding?.vocabulary ?? 0,
      memoryBytes: layout.end,
    };
  }

  #call(name: string, ...args: readonly number[]): void {
    this.#calls.push({ name, args });
  }

  #stateBytes(): number {
    const { spec } = this.#model;
    const window = (spec.skip?.length ?? 0) * spec.inputs.length;
    return spec.layers.reduce(
      (sum, layer) => sum + (layer.kind === "gru" ? vectorBytes(layer.size) : 0),
      vectorBytes(window),
    );
  }

  /** Greatest number of elements in each of the two work vectors. */
  #workWidths(): readonly [number, number] {
    const widths: [number, number] = [inputSizeOf(this.#model.spec), 0];
    let turn: 0 | 1 = 0;
    for (const layer of this.#model.spec.layers) {
      // What is open goes from the sums to the output.
      if (layer.kind === "gru" || layer.shift_x === undefined) continue;
      turn = turn === 0 ? 1 : 0;
      widths[turn] = Math.max(widths[turn], layer.size);
    }
    return widths;
  }

  #workBytes(): number {
    const { spec } = this.#model;
    const perLayer = spec.layers.map((layer) => {
      if (layer.kind === "dense") return 4 * alignTo(layer.size, 4);
      return 96 + (layer.reset === "after" ? 1 : 2) * vectorBytes(layer.size);
    });
    return Math.max(4 * spec.outputs.length, ...perLayer);
  }

  #steps(shared: Shared): void {
    const { spec } = this.#model;
    const { state, sums, output } = shared;
    const window = (spec.skip?.length ?? 0) * spec.inputs.length;
    this.#input(shared, window);
    let x = shared.x[0];
    let turn: 0 | 1 = 0;
    let sizeIn = inputSizeOf(spec);
    let h = state + vectorBytes(window);
    spec.layers.forEach((layer, index) => {
      const isLast = index === spec.layers.length - 1;
      if (layer.kind === "gru") {
        this.#gru(index, layer, x, sizeIn, h, sums);
        x = h;
        h += vectorBytes(layer.size);
        if (isLast) this.#call("widen", x, sums, layer.size);
      } else {
        turn = turn === 0 ? 1 : 0;
        this.#dense(index, layer, x, sizeIn, shared.x[turn], sums, isLast);
        x = shared.x[turn];
      }
      sizeIn = layer.size;
    });
    const O = spec.outputs.length;
    const words = new Int32Array(2 * O);
    words.set(dataOf(this.#model, "output.offset"));
    words.set(dataOf(this.#model, "output.multiplier"), O);
    this.#call("output", sums, this.#layout.data("output", bytesOf(words)), output, O);
    if (spec.skip) this.#skip(window, state, sums, output);
  }

  #input({ input, state, x }: Shared, window: number): void {
    const { spec } = this.#model;
    const size = inputSizeOf(spec);
    if (spec.embedding) {
      const rows = this.#layout.data("embedding", embeddingRows(this.#model, size), 8);
      const args = [input, rows, spec.embedding.vocabulary, alignTo(2 * size, 8), x[0]];
      this.#calls.push({ name: "embed", args, hasStatus: true });
      return;
    }
    const offset = this.#layout.data("input offset", bytesOf(dataOf(this.#model, "input.offset")));
    this.#call("input", input, offset, x[0], size);
    if (window > 0) this.#call("push", state, x[0], 2 * (window - size), 2 * size);
  }

  #gru(index: number, layer: GruLayerSpec, x: number, sizeIn: number, h: number, sums: number): void {
    const packed = packGru(this.#model, index, layer, sizeIn, this.#pack);
    const data = this.#layout.data(`layer ${index}, GRU`, packed.bytes, 8);
    const name = `gru_${layer.reset}_${this.#pack}${this.#isProven ? "" : "_sat"}`;
    this.#call(name, data, x, h, sums, packed.overX, packed.overH);
  }

  #dense(
    index: number,
    layer: DenseLayerSpec,
    x: number,
    sizeIn: number,
    y: number,
    sums: number,
    isLast: boolean,
  ): void {
    const { size, activation } = layer;
    const name = `layers.${index}`;
    const columns = alignTo(sizeIn, 4);
    const [b, W] = [dataOf(this.#model, `${name}.b`), dataOf(this.#model, `${name}.W`)];
    const isBytes = this.#pack === "bytes";
    const rows = isBytes ? packDenseBytes(b, W, sizeIn) : affineRows(b, W, sizeIn, columns, Int8Array);
    const data = this.#layout.data(`layer ${index}, dense`, rows, 8);
    const affine = isBytes ? "affine_bytes" : "affine";
    this.#call(affine, data, x, x + 2 * columns, sums, isBytes ? alignTo(size, 4) : size);
    if (isLast && activation === "linear") return;
    if (isLast && activation === "relu") {
      this.#call("relu", sums, size);
      return;
    }
    const multipliers = Int16Array.from(dataOf(this.#model, `${name}.W.multiplier`));
    const m = this.#layout.data(`layer ${index}, multipliers`, bytesOf(multipliers));
    this.#call("activate", sums, m, y, size, layer.shift_x ?? 0, layerKind(layer));
    if (activation === "softmax") this.#call("softmax", sums, size);
  }

  #skip(window: number, state: number, sums: number, output: number): void {
    const O = this.#model.spec.outputs.length;
    const columns = alignTo(window, 4);
    const rows = affineRows(new Int32Array(O), dataOf(this.#model, "skip.W"), window, columns, Int16Array);
    const multipliers = Int32Array.from(dataOf(this.#model, "skip.multiplier"));
    this.#call("affine16", this.#layout.data("skip", rows), state, state + 2 * columns, sums, O);
    this.#call("add_skip", sums, this.#layout.data("skip multipliers", bytesOf(multipliers)), output, O);
  }
}

/** The entries of the tanh table from v >> 8 = -83 to 82. */
function tanhTable(): Uint8Array {
  const first = -format.DEVICE_TABLE_OFFSET / 256;
  const values = Array.from({ length: 2 * format.DEVICE_TABLE_ENTRIES }, (_, i) => {
    const entry = (first + (i >> 1)) & 255;
    return TANH_TABLE[2 * entry + (i & 1)] as number;
  });
  return bytesOf(Int16Array.from(values));
}

/** Biases, then rows padded with zeros to `columns` elements. */
function affineRows(
  biases: ArrayLike<number>,
  weights: ArrayLike<number>,
  sizeIn: number,
  columns: number,
  type: Int8ArrayConstructor | Int16ArrayConstructor,
): Uint8Array {
  const padded = new type(biases.length * columns);
  for (let row = 0; row < biases.length; row++) {
    for (let k = 0; k < sizeIn; k++) padded[row * columns + k] = weights[row * sizeIn + k] as number;
  }
  const bytes = new Uint8Array(4 * biases.length + padded.byteLength);
  bytes.set(bytesOf(Int32Array.from(biases)));
  bytes.set(bytesOf(padded), 4 * biases.length);
  return bytes;
}

/** Rows of the embedding, padded to four elements. */
function embeddingRows(model: Model, size: number): Uint8Array {
  const rows = dataOf(model, "embedding.weight");
  const stride = alignTo(size, 4);
  const padded = new Int16Array((rows.length / size) * stride);
  for (let row = 0; row * size < rows.length; row++) {
    for (let i = 0; i < size; i++) padded[row * stride + i] = rows[row * size + i] as number;
  }
  return bytesOf(padded);
}
