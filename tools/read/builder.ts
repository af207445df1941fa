// Puts layers together to a network, and folds the scales and offsets between them into the weights of their neighbours.

import type { Affine, Applied, DenseLayer, GruLayer, Network } from "./network.ts";

/** x * scale + shift for each element, in double precision. */
export interface Scaling {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

type Layer = GruLayer | DenseLayer;

/** Gathers a network from its input to its output. */
export class Builder {
  readonly #layers: Layer[] = [];
  #embedding: Network["embedding"];
  #normalisation: Affine | undefined;
  #output: Affine | undefined;
  #pending: Scaling | undefined;
  /** Elements of a sample, or of the output of the last layer; undefined until something says. */
  size: number | undefined;

  constructor(size: number | undefined) {
    this.size = size;
  }

  /** Whether nothing came before. */
  get isEmpty(): boolean {
    return this.#layers.length === 0 && !this.#embedding && !this.#pending;
  }

  /** Sets the embedding, which must come first. */
  embed(vocabulary: number, size: number, weight: Float32Array): void {
    this.#embedding = { vocabulary, size, weight };
    this.size = size;
  }

  /** Scales what came before. */
  scale(next: Scaling): void {
    this.size = next.scale.length;
    const before = this.#pending;
    if (!before) {
      this.#pending = next;
      return;
    }
    this.#pending = {
      scale: before.scale.map((scale, i) => scale * at(next.scale, i)),
      shift: before.shift.map((shift, i) => shift * at(next.scale, i) + at(next.shift, i)),
    };
  }

  /** Appends a layer, W[rows][columns]; a scaling before it moves into the input, the embedding, or W and b. */
  append(layer: Layer): void {
    const scaling = this.#takePending();
    this.#layers.push(scaling ? foldBefore(layer, scaling) : layer);
    this.size = layer.size;
  }

  /** Applies a function to what came before: in the dense layer itself when it is linear, otherwise in one of its own. */
  activate(name: string, applied: Applied): void {
    if (applied.activation === "linear") return;
    const last = this.#layers.at(-1);
    if (last?.kind === "dense" && last.activation === "linear") {
      const folded = this.#pending ? foldAfter(last, this.#pending) : last;
      this.#pending = undefined;
      this.#layers[this.#layers.length - 1] = { ...folded, ...applied };
    } else this.append(diagonal(name, applied, this.size ?? 0));
  }

  /** The layers, with what is left to scale in the output. */
  finish(lastOnly: boolean, substitutions: readonly string[]): Network {
    this.#finishOutput();
    const [first] = this.#layers;
    return {
      inputs: this.#embedding || !first ? 1 : columnsOf(first),
      ...(this.#embedding && { embedding: this.#embedding }),
      ...(this.#normalisation && { normalisation: this.#normalisation }),
      layers: this.#layers,
      ...(this.#output && { output: this.#output }),
      lastOnly,
      substitutions,
    };
  }

  /** The scaling that the next layer has to absorb, if it can go nowhere else. */
  #takePending(): Scaling | undefined {
    const scaling = this.#pending;
    this.#pending = undefined;
    if (!scaling || this.#layers.length > 0) return scaling;
    if (this.#embedding) {
      const { size, weight } = this.#embedding;
      const scaled = weight.map((value, i) => value * at(scaling.scale, i % size) + at(scaling.shift, i % size));
      this.#embedding = { ...this.#embedding, weight: scaled };
      return undefined;
    }
    this.#normalisation = toNormalisation(scaling);
    return this.#normalisation ? undefined : scaling;
  }

  #finishOutput(): void {
    const scaling = this.#pending;
    const last = this.#layers.at(-1);
    if (!scaling || !last) return;
    const canScaleOutput = last.kind === "dense" && (last.activation === "linear" || last.activation === "relu");
    if (canScaleOutput && scaling.scale.every((scale) => Math.fround(scale) > 0)) {
      this.#output = { offset: Float32Array.from(scaling.shift), scale: Float32Array.from(scaling.scale) };
    } else if (last.kind === "dense" && last.activation === "linear") {
      this.#layers[this.#layers.length - 1] = foldAfter(last, scaling);
    } else this.append(diagonal("output", { activation: "linear" }, last.size));
    this.#pending = undefined;
  }
}

/** (x - offset) * scale, exact for a large offset; undefined when a scale is not positive. */
function toNormalisation({ scale, shift }: Scaling): Affine | undefined {
  const result = {
    offset: Float32Array.from(shift, (value, i) => -value / at(scale, i)),
    scale: Float32Array.from(scale),
  };
  const isValid = result.scale.every((value) => value > 0) && result.offset.every(Number.isFinite);
  return isValid ? result : undefined;
}

/** W' = W diag(scale), b' = b + W shift: the layer on scaled inputs. U is not concerned. */
function foldBefore<L extends Layer>(layer: L, { scale, shift }: Scaling): L {
  const columns = scale.length;
  const b = Float32Array.from(layer.b, (bias, row) => {
    let sum = bias;
    for (let k = 0; k < columns; k++) sum += at(layer.W, row * columns + k) * at(shift, k);
    return sum;
  });
  return { ...layer, W: layer.W.map((weight, i) => weight * at(scale, i % columns)), b };
}

/** W' = diag(scale) W, b' = scale b + shift: the outputs of a linear layer, scaled. */
function foldAfter(layer: DenseLayer, { scale, shift }: Scaling): DenseLayer {
  const columns = columnsOf(layer);
  return {
    ...layer,
    W: layer.W.map((weight, i) => weight * at(scale, Math.floor(i / columns))),
    b: layer.b.map((bias, row) => bias * at(scale, row) + at(shift, row)),
  };
}

/** Elements of a layer's input. */
const columnsOf = (layer: Layer) => layer.W.length / (layer.kind === "gru" ? 3 * layer.size : layer.size);

/** A layer that only applies a function. */
function diagonal(name: string, applied: Applied, size: number): DenseLayer {
  const W = new Float32Array(size * size);
  for (let i = 0; i < size; i++) W[i * size + i] = 1;
  return { kind: "dense", name, size, ...applied, W, b: new Float32Array(size) };
}

/** An element inside the bounds. */
const at = (values: Float32Array | Float64Array, index: number) => values[index] as number;
