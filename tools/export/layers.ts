// The weights of a model in the order of the framework that they came from. Values are moved, never computed, with one exception:
// Keras keeps one bias for a reset-before layer, the sum of both.

import { type GruStage, type LayerStage, networkOf } from "../../host/model/network.ts";
import type { Model } from "../../host/model/types.ts";
import { CliError } from "../errors.ts";

/** Frameworks that weights can be written for. */
export type ExportFormat = "pytorch" | "keras-npz";

/** A tensor in single precision, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Tensors by name, and the layers that they belong to, as the framework's code would write them. */
export interface Exported {
  readonly tensors: ReadonlyMap<string, FloatTensor>;
  readonly layers: readonly string[];
}

/** Tensors beside the layers, which neither framework keeps in a GRU or a dense layer: handed over as they are. */
const OTHERS = ["input.offset", "input.scale", "skip.W", "output.offset", "output.scale"];

/**
 * Turns an f32 model into the tensors of a framework.
 *
 * @throws {CliError} when the model is not f32, or has a layer that the framework cannot express
 */
export function exportWeights(model: Model, to: ExportFormat): Exported {
  if (model.spec.numeric !== "f32") {
    throw new CliError(`Model ${model.id} is ${model.spec.numeric}; export the f32 model that it was made from`);
  }
  const { tensors, layers } = to === "pytorch" ? exportPytorch(model) : exportKeras(model);
  for (const name of OTHERS.filter((other) => model.tensors.has(other))) {
    const { shape } = take(model, name);
    tensors.set(name, take(model, name));
    layers.push(`${name} [${shape.join(", ")}], as in the model file`);
  }
  return { tensors, layers };
}

interface Draft {
  readonly tensors: Map<string, FloatTensor>;
  readonly layers: string[];
}

/** A state dict: rows r, z, n and [out, in] as here. GRU layers in a row with equal H are the layers of one nn.GRU. */
function exportPytorch(model: Model): Draft {
  const { input, layers } = networkOf(model.spec);
  const draft: Draft = { tensors: new Map(), layers: [] };
  const name = counter((kind, count) => (count === 0 ? kind : `${kind}${count + 1}`));
  if (input.kind === "embedding") {
    draft.tensors.set("embedding.weight", take(model, input.weight));
    draft.layers.push(`embedding: nn.Embedding(${input.vocabulary}, ${input.size})`);
  }
  const put = (key: string, tensor: string) => draft.tensors.set(key, take(model, tensor));
  for (let index = 0; index < layers.length; ) {
    const stage = layers[index] as LayerStage;
    if (stage.kind === "dense") {
      const fc = name("fc");
      put(`${fc}.weight`, stage.w.weight);
      put(`${fc}.bias`, stage.w.bias);
      const { activation } = stage.layer;
      const then = activation === "linear" ? "" : `, then ${activation}`;
      draft.layers.push(`${fc}: nn.Linear(${stage.sizeIn}, ${stage.size})${then}`);
      index++;
    } else {
      const gru = name("gru");
      const stack = stackFrom(layers, stage);
      for (const [level, { w, u }] of stack.entries()) {
        put(`${gru}.weight_ih_l${level}`, w.weight);
        put(`${gru}.weight_hh_l${level}`, u.weight);
        put(`${gru}.bias_ih_l${level}`, w.bias);
        put(`${gru}.bias_hh_l${level}`, u.bias);
      }
      draft.layers.push(`${gru}: nn.GRU(${stage.sizeIn}, ${stage.size}, num_layers=${stack.length}, batch_first=True)`);
      index += stack.length;
    }
  }
  return draft;
}

/** The GRU layers from `first` on that one nn.GRU holds. */
function stackFrom(layers: readonly LayerStage[], first: GruStage): readonly GruStage[] {
  const stack: GruStage[] = [];
  for (const stage of layers.slice(first.index)) {
    if (stage.kind !== "gru" || stage.size !== first.size) break;
    refuseHardGates(stage);
    if (stage.layer.reset === "before") {
      throw new CliError(`${stage.name}: Reset-before, which nn.GRU does not compute; use --to keras-npz`);
    }
    stack.push(stage);
  }
  return stack;
}

/** Slope and offset of hard gates are in the weights; no framework has them so. */
function refuseHardGates({ name, layer }: GruStage): void {
  if (layer.gates !== "hard") return;
  throw new CliError(`${name}: Hard gates, whose slope became part of the weights; take the weights from the source`);
}

/** Kernels [in, out] with columns z, r, h, as `layer.get_weights()` gives them. */
function exportKeras(model: Model): Draft {
  const { input, layers } = networkOf(model.spec);
  const draft: Draft = { tensors: new Map(), layers: [] };
  const name = counter((kind, count) => (count === 0 ? kind : `${kind}_${count}`));
  if (input.kind === "embedding") {
    draft.tensors.set("embedding/embeddings", take(model, input.weight));
    draft.layers.push(`embedding: Embedding(${input.vocabulary}, ${input.size})`);
  }
  const data = (tensor: string) => take(model, tensor).data;
  const put = (key: string, values: Float32Array, ...shape: number[]) =>
    draft.tensors.set(key, { shape, data: values });
  for (const stage of layers) {
    const { size: H, sizeIn, w } = stage;
    if (stage.kind === "dense") {
      const dense = name("dense");
      put(`${dense}/kernel`, transpose(data(w.weight), H, sizeIn), sizeIn, H);
      put(`${dense}/bias`, data(w.bias), H);
      draft.layers.push(`${dense}: Dense(${H}, activation="${stage.layer.activation}")`);
    } else {
      refuseHardGates(stage);
      const gru = name("gru");
      const { u } = stage;
      const isAfter = stage.layer.reset === "after";
      put(`${gru}/kernel`, transpose(swapGates(data(w.weight), H * sizeIn), 3 * H, sizeIn), sizeIn, 3 * H);
      put(`${gru}/recurrent_kernel`, transpose(swapGates(data(u.weight), H * H), 3 * H, H), H, 3 * H);
      const [b, c] = [swapGates(data(w.bias), H), swapGates(data(u.bias), H)];
      if (isAfter) put(`${gru}/bias`, concatenate(b, c), 2, 3 * H);
      else put(`${gru}/bias`, addBiases(b, c), 3 * H);
      draft.layers.push(`${gru}: GRU(${H}, reset_after=${isAfter ? "True" : "False"}, return_sequences=True)`);
    }
  }
  return draft;
}

/** Exchanges the first two of three blocks of `size` values: rzn to zrn. */
function swapGates(values: Float32Array, size: number): Float32Array {
  const swapped = values.slice();
  swapped.set(values.subarray(size, 2 * size), 0);
  swapped.set(values.subarray(0, size), size);
  return swapped;
}

function transpose(values: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(values, (_, at) => values[(at % rows) * columns + Math.floor(at / rows)] as number);
}

function concatenate(b: Float32Array, c: Float32Array): Float32Array {
  const both = new Float32Array(b.length + c.length);
  both.set(b);
  both.set(c, b.length);
  return both;
}

/** b + c; where c is 0, the very bits of b (−0 + 0 would be 0). */
function addBiases(b: Float32Array, c: Float32Array): Float32Array {
  return b.map((value, index) => (c[index] === 0 ? value : value + (c[index] as number)));
}

function take(model: Model, name: string): FloatTensor {
  const tensor = model.tensors.get(name);
  if (!(tensor?.data instanceof Float32Array)) throw new TypeError(`Model ${model.id} has no F32 tensor ${name}`);
  return { shape: tensor.shape, data: tensor.data };
}

/** Names layers of a kind one after the other. */
function counter(format: (kind: string, count: number) => string): (kind: string) => string {
  const counts = new Map<string, number>();
  return (kind) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return format(kind, count);
  };
}
