// The GRU operator (onnx/docs/Operators.md): gate order zrh, here rzn; every attribute is honoured or refused.

import { type GruLayer, withHardGates } from "../network.ts";
import {
  type Axis,
  type Constant,
  constantInput,
  type Fill,
  type Part,
  type Site,
  type Stage,
  type Stream,
  streamInput,
} from "./values.ts";
import { weightsOf } from "./weights.ts";

const TORCH_REMEDY = "pass --assume-torch-gru if the model comes from torch.nn.GRU, or export it with a newer PyTorch";

/** Evaluates a GRU node: Y, every step, and Y_h, the last one. */
export function evaluateGru(site: Site): (Stream | Fill)[] {
  checkAttributes(site);
  const x = streamInput(site, 0);
  const layer = withGates(site, readLayer(site));
  checkState(site);
  site.spend(layer.W.length + layer.U.length);
  const layout = site.attributes.int("layout", 0);
  if (layout !== 0 && layout !== 1) throw site.refuse(`layout is ${layout}; it is 0 or 1`);
  if (x.axes.length !== 3) throw site.refuse(`input X has ${x.axes.length} axes; it needs 3 (time, batch, values)`);
  const order = layout === 0 ? [0, 1, 2] : [1, 0, 2];
  const [timeAxis, batch] = order.map((i) => x.axes[i] ?? []) as [Axis, Axis, Axis];
  const { time } = timeOf(site, x, timeAxis);
  const source = asFeature(site, x, layer.W.length / (3 * layer.size));
  const feature: Part = { size: layer.size };
  const stage: Stage = { op: "gru", node: site.name, previous: source.stage, layer };
  const all = { ...source, stage, feature, time, last: false };
  const y: Axis[] = layout === 0 ? [timeAxis, [], batch, [feature]] : [batch, timeAxis, [], [feature]];
  const final: Axis[] = layout === 0 ? [[], batch, [feature]] : [batch, [], [feature]];
  return [
    { ...all, axes: y },
    { ...all, axes: final, last: time !== null },
  ];
}

/** Checks that the GRU runs over the axis of time of those before it; the first GRU tells which axis that is. */
function timeOf(site: Site, x: Stream, axis: Axis): { readonly time: Part | null } {
  const parts = axis.filter(({ size }) => size !== 1);
  if (parts.length > 1) throw site.refuse("runs over several axes merged; only a sequence in one axis can be streamed");
  const [time = null] = parts;
  if (time !== null && time === x.feature) throw site.refuse("runs over the axis of the values, not of time");
  if (x.time !== undefined && (x.time !== time || x.last)) {
    throw site.refuse(
      "does not run over the same time axis as the GRU before it; only layers that see every step can be streamed",
    );
  }
  return { time };
}

/**
 * The stream with its last axis known to be the values of a sample.
 *
 * @throws {CliError} when the last axis is another one, or has another size
 */
export function asFeature(site: Site, stream: Stream, size: number | undefined): Stream {
  const axis = stream.axes.at(-1);
  if (stream.truncated)
    throw site.refuse("computes on an input that was cast to whole numbers; only an embedding looks those up");
  if (axis === undefined) throw site.refuse("its input has no axis of values");
  const parts = axis.filter((part) => part === stream.feature || part.size !== 1);
  const [only] = parts;
  if (parts.length > 1)
    throw site.refuse("mixes values with time or batch in one axis; only layers that work on one step can be streamed");
  if (only !== undefined && only === stream.time)
    throw site.refuse("works along the axis of time; only layers that work on one step can be streamed");
  const found =
    only ?? (stream.feature === undefined || stream.feature.size === 1 ? (stream.feature ?? { size: 1 }) : undefined);
  if (!found || (stream.feature && found !== stream.feature))
    throw site.refuse("works along another axis than the values of a sample");
  if (size !== undefined && found.size !== null && found.size !== size) {
    throw site.refuse(`needs ${size} values in a sample, its input has ${found.size}`);
  }
  // A size that the graph leaves open is that of the weights.
  const feature = found.size === null && size !== undefined ? { size } : found;
  const entry = stream.feature === undefined ? only : stream.entry;
  return { ...stream, entry, feature, axes: [...stream.axes.slice(0, -1), [feature]] };
}

function checkAttributes(site: Site): void {
  const { attributes } = site;
  const direction = attributes.text("direction", "forward");
  if (direction !== "forward") {
    const remedy = "train a GRU that runs forward only";
    throw site.refuse(`direction is ${direction}, which needs samples of the future and cannot be streamed; ${remedy}`);
  }
  if (attributes.has("clip")) throw site.refuse("clip is set, which is not supported; export the model without it");
  const activations = attributes.texts("activations");
  const [gate = "Sigmoid", candidate = "Tanh"] = activations;
  const asked = activations.join(", ");
  const gates = gate.toLowerCase();
  if (activations.length > 2 || !["sigmoid", "hardsigmoid"].includes(gates) || candidate.toLowerCase() !== "tanh") {
    throw site.refuse(
      `activations are ${asked}; only Sigmoid or HardSigmoid, then Tanh, are supported: train with those`,
    );
  }
  if (
    gates === "sigmoid" &&
    (attributes.floats("activation_alpha").length > 0 || attributes.floats("activation_beta").length > 0)
  ) {
    throw site.refuse(
      "activation_alpha or activation_beta is set, which Sigmoid and Tanh do not have; export the model without them",
    );
  }
  if (site.input(4) !== undefined) {
    throw site.refuse("sequence_lens is given; a stream has no length: export the model without packed sequences");
  }
}

function checkState(site: Site): void {
  const state = site.input(5);
  const isZero =
    state === undefined ||
    (state.kind === "fill" && state.value === 0) ||
    (state.kind === "constant" && state.data.every((v) => v === 0));
  if (!isZero)
    throw site.refuse(
      "initial_h is not zero; a stream starts from zeros: export the model without a learned or computed initial state",
    );
}

/** The layer with the gates that `activations` names; HardSigmoid is max(0, min(1, alpha x + beta)). */
function withGates(site: Site, layer: GruLayer): GruLayer {
  const { attributes } = site;
  const [gate = "Sigmoid"] = attributes.texts("activations");
  if (gate.toLowerCase() !== "hardsigmoid") return layer;
  if (site.substitute(`HardSigmoid gates (activations ${attributes.texts("activations").join(", ")}) by Sigmoid`)) {
    return layer;
  }
  const [alpha = 0.2, ...more] = attributes.floats("activation_alpha");
  const [beta = 0.5, ...others] = attributes.floats("activation_beta");
  if (more.length + others.length > 0) {
    throw site.refuse("activation_alpha or activation_beta has several values; expected one, for HardSigmoid");
  }
  return withHardGates(layer, alpha, beta);
}

function readLayer(site: Site): GruLayer {
  const W = constantInput(site, 1, "W");
  const R = constantInput(site, 2, "R");
  const size = site.attributes.int("hidden_size", R.dims[2] ?? 0);
  const inputs = W.dims[2] ?? 0;
  expectShape(site, "W", W, [1, 3 * size, inputs]);
  expectShape(site, "R", R, [1, 3 * size, size]);
  if (size < 1 || inputs < 1) throw site.refuse(`hidden_size ${size} over ${inputs} values is empty`);
  const bias = site.input(3) === undefined ? undefined : readBias(site, size);
  return {
    kind: "gru",
    name: site.name,
    size,
    reset: resetOf(site),
    W: toRzn(weightsOf(site, W), size * inputs),
    U: toRzn(weightsOf(site, R), size * size),
    b: toRzn(bias?.subarray(0, 3 * size) ?? new Float32Array(3 * size), size),
    c: toRzn(bias?.subarray(3 * size) ?? new Float32Array(3 * size), size),
  };
}

function readBias(site: Site, size: number): Float32Array {
  const value = site.input(3);
  if (value?.kind === "fill") return new Float32Array(6 * size).fill(value.value);
  const B = constantInput(site, 3, "B");
  expectShape(site, "B", B, [1, 6 * size]);
  return weightsOf(site, B);
}

function resetOf(site: Site): GruLayer["reset"] {
  const flag = site.attributes.int("linear_before_reset", 0);
  if (flag !== 0) return "after";
  if (site.producer !== "pytorch") return "before";
  if (site.assumeTorchGru) return "after";
  throw site.refuse(
    `linear_before_reset is 0 in a model of PyTorch, whose GRU always has 1: a known fault of its exporter; ${TORCH_REMEDY}`,
  );
}

function expectShape(site: Site, what: string, { dims, name }: Constant, expected: readonly number[]): void {
  if (dims.length === expected.length && dims.every((size, i) => size === expected[i])) return;
  throw site.refuse(`${what} ("${name}") has shape [${dims.join(", ")}], expected [${expected.join(", ")}]`);
}

/** Gate blocks zrh in the order rzn. */
function toRzn(zrh: Float32Array, block: number): Float32Array {
  const rzn = zrh.slice();
  rzn.set(zrh.subarray(block, 2 * block), 0);
  rzn.set(zrh.subarray(0, block), block);
  return rzn;
}
