// What a module does with a q15 model: calls of the functions of assembly/mcu/q15.ts, and the data that they read.

import * as format from "../../assembly/layout.ts";
import { forecastsOf, ringBytes } from "../../host/model/forecasts.ts";
import { hashBytes } from "../../host/model/hash.ts";
import {
  type DenseStage,
  type EmbeddingStage,
  type GruStage,
  type Network,
  networkOf,
  type SkipStage,
} from "../../host/model/network.ts";
import { TANH_TABLE } from "../../host/model/tables.ts";
import { dataOf } from "../../host/model/tensors.ts";
import type { Model } from "../../host/model/types.ts";
import { bytesOf, layerKind, packForecasts } from "../../host/runtime/image.ts";
import { placeRing } from "./forecasts.ts";
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
  readonly #network: Network;
  readonly #pack: Pack;
  /** Whether no sum of any GRU layer needs saturation. All layers use the same inner loops, so that a module has them once. */
  readonly #isProven: boolean;
  readonly #layout = new Layout(format.MCU_TABLE);
  readonly #calls: Call[] = [];

  constructor(model: Model, pack: Pack) {
    this.#model = model;
    this.#pack = pack;
    this.#network = networkOf(model.spec);
    this.#isProven = this.#network.layers.every((stage) => stage.kind === "dense" || isProven(model, stage));
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
    const ring = placeRing(spec, state.address + stateBytes - alignTo(ringBytes(spec), 16));
    this.#steps({ input: input.address, output: output.address, state: state.address, x: [x0, x1], sums });
    return {
      numeric: "q15",
      calls: this.#calls,
      regions: layout.regions,
      input,
      output,
      state,
      ...(ring && { ring }),
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
    const kept = this.#network.state.reduce((sum, elements) => sum + vectorBytes(elements), 0);
    return kept + alignTo(ringBytes(this.#model.spec), 16);
  }

  /** Greatest number of elements in each of the two work vectors. */
  #workWidths(): readonly [number, number] {
    const widths: [number, number] = [this.#network.input.size, 0];
    let turn: 0 | 1 = 0;
    for (const stage of this.#network.layers) {
      // What is open goes from the sums to the output.
      if (stage.kind === "gru" || stage.isOpen) continue;
      turn = turn === 0 ? 1 : 0;
      widths[turn] = Math.max(widths[turn], stage.size);
    }
    return widths;
  }

  #workBytes(): number {
    const perLayer = this.#network.layers.map((stage) => {
      if (stage.kind === "dense") return 4 * alignTo(stage.size, 4);
      return 96 + (stage.layer.reset === "after" ? 1 : 2) * vectorBytes(stage.size);
    });
    return Math.max(4 * this.#network.output.size, ...perLayer);
  }

  #steps(shared: Shared): void {
    const { layers, skip, output: end } = this.#network;
    const { state, sums, output } = shared;
    this.#input(shared);
    let x = shared.x[0];
    let turn: 0 | 1 = 0;
    let h = state + vectorBytes(skip?.w.columns ?? 0);
    for (const stage of layers) {
      if (stage.kind === "gru") {
        this.#gru(stage, x, h, sums);
        x = h;
        h += vectorBytes(stage.size);
      } else {
        turn = turn === 0 ? 1 : 0;
        this.#dense(stage, x, shared.x[turn], sums);
        x = shared.x[turn];
      }
    }
    if (layers.at(-1)?.kind === "gru") this.#call("widen", x, sums, end.size);
    const words = new Int32Array(2 * end.size);
    words.set(dataOf(this.#model, end.offset));
    words.set(dataOf(this.#model, end.multiplier), end.size);
    this.#call("output", sums, this.#layout.data("output", bytesOf(words)), output, end.size);
    if (skip) this.#skip(skip, state, sums, output);
    const { spec } = this.#model;
    const forecasts = forecastsOf(spec);
    if (forecasts.length === 0) return;
    // h is the address behind the states of the GRU layers.
    const map = this.#layout.data("forecasts", packForecasts(spec.horizon, forecasts));
    this.#call("residuals", map, h, shared.input, output);
  }

  #input({ input, state, x }: Shared): void {
    const { input: stage, skip } = this.#network;
    if (stage.kind === "embedding") {
      const rows = this.#layout.data("embedding", embeddingRows(this.#model, stage), 8);
      const args = [input, rows, stage.vocabulary, alignTo(2 * stage.size, 8), x[0]];
      this.#calls.push({ name: "embed", args, hasStatus: true });
      return;
    }
    const { size } = stage;
    const offset = this.#layout.data("input offset", bytesOf(dataOf(this.#model, stage.offset)));
    this.#call("input", input, offset, x[0], size);
    if (skip) this.#call("push", state, x[0], 2 * (skip.w.columns - size), 2 * size);
  }

  #gru(stage: GruStage, x: number, h: number, sums: number): void {
    const { index, layer } = stage;
    const packed = packGru(this.#model, stage, this.#pack);
    const data = this.#layout.data(`layer ${index}, GRU`, packed.bytes, 8);
    const name = `gru_${layer.reset}_${this.#pack}${this.#isProven ? "" : "_sat"}`;
    this.#call(name, data, x, h, sums, packed.overX, packed.overH);
  }

  #dense({ index, layer, sizeIn, size, isOpen, w }: DenseStage, x: number, y: number, sums: number): void {
    const { activation } = layer;
    const columns = alignTo(sizeIn, 4);
    const [biases, weights] = [dataOf(this.#model, w.bias), dataOf(this.#model, w.weight)];
    const isBytes = this.#pack === "bytes";
    const rows = isBytes
      ? packDenseBytes(biases, weights, sizeIn)
      : affineRows(biases, weights, sizeIn, columns, Int8Array);
    const data = this.#layout.data(`layer ${index}, dense`, rows, 8);
    const affine = isBytes ? "affine_bytes" : "affine";
    this.#call(affine, data, x, x + 2 * columns, sums, isBytes ? alignTo(size, 4) : size);
    if (isOpen) {
      if (activation === "relu") this.#call("relu", sums, size);
      return;
    }
    const multipliers = Int16Array.from(dataOf(this.#model, w.multiplier as string));
    const m = this.#layout.data(`layer ${index}, multipliers`, bytesOf(multipliers));
    this.#call("activate", sums, m, y, size, layer.shift_x ?? 0, layerKind(layer));
    if (activation === "softmax") this.#call("softmax", sums, size);
  }

  #skip({ w }: SkipStage, state: number, sums: number, output: number): void {
    const columns = alignTo(w.columns, 4);
    const weights = dataOf(this.#model, w.weight);
    const rows = affineRows(new Int32Array(w.rows), weights, w.columns, columns, Int16Array);
    const multipliers = Int32Array.from(dataOf(this.#model, w.multiplier as string));
    this.#call("affine16", this.#layout.data("skip", rows), state, state + 2 * columns, sums, w.rows);
    this.#call("add_skip", sums, this.#layout.data("skip multipliers", bytesOf(multipliers)), output, w.rows);
  }
}

/** The entries of the tanh table from v >> 8 = -83 to 82. */
function tanhTable(): Uint8Array {
  const first = -format.MCU_TABLE_OFFSET / 256;
  const values = Array.from({ length: 2 * format.MCU_TABLE_ENTRIES }, (_, i) => {
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
function embeddingRows(model: Model, { size, weight }: EmbeddingStage): Uint8Array {
  const rows = dataOf(model, weight);
  const stride = alignTo(size, 4);
  const padded = new Int16Array((rows.length / size) * stride);
  for (let row = 0; row * size < rows.length; row++) {
    for (let i = 0; i < size; i++) padded[row * stride + i] = rows[row * size + i] as number;
  }
  return bytesOf(padded);
}
