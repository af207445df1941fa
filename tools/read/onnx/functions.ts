// Functions of single values: activations, bounds, and activations that exporters write as several nodes.

import type { Applied } from "../network.ts";
import { asFeature } from "./gru.ts";
import { constantInput, product, type Site, type Stage, type Stream, streamInput } from "./values.ts";
import { weightsOf } from "./weights.ts";

/** A bound that no sum in single precision reaches, in the place of none. */
const NO_BOUND = 3.4028234663852886e38;

const HARD_SWISH =
  "x times bounds of x is supported as HardSwish only, x · min(max(x / 6 + 0.5, 0), 1); train with it, with SiLU or ReLU in its place";

/** Evaluates a function of the values; nothing when the node is none of those known here. */
export function applyFunction(site: Site): Stream | undefined {
  const { attributes } = site;
  const apply = (applied: Applied) => activate(site, streamInput(site, 0), applied);
  switch (site.op) {
    case "Sigmoid":
      return apply({ activation: "sigmoid" });
    case "Tanh":
      return apply({ activation: "tanh" });
    case "Relu":
      return apply({ activation: "relu" });
    case "Softplus":
      return apply({ activation: "softplus" });
    case "LeakyRelu":
      return apply({ activation: "prelu", parameters: [[attributes.float("alpha", 0.01)]] });
    case "Elu":
      return apply({ activation: "elu", parameters: [[attributes.float("alpha", 1)]] });
    case "Gelu":
      return apply({ activation: attributes.text("approximate", "none") === "tanh" ? "gelu_tanh" : "gelu" });
    case "PRelu":
      return parametricRelu(site);
    case "Clip":
      return clip(site, streamInput(site, 0), boundOf(site, 1, "min"), boundOf(site, 2, "max"));
    case "Min":
    case "Max":
      return extreme(site);
    case "HardSigmoid":
      return hardSigmoid(site);
    case "HardSwish":
      return apply({ activation: "hardswish" });
    case "Erf": {
      const stream = streamInput(site, 0);
      return { ...stream, stage: { op: "erf", node: site.name, previous: stream.stage } };
    }
    case "Softmax":
      return softmax(site);
    default:
      return undefined;
  }
}

function activate(site: Site, stream: Stream, applied: Applied): Stream {
  return { ...stream, stage: { op: "activation", node: site.name, previous: stream.stage, ...applied } };
}

function softmax(site: Site): Stream {
  const stream = asFeature(site, streamInput(site, 0), undefined);
  const rank = stream.axes.length;
  const axis = site.attributes.int("axis", site.opset < 13 ? 1 : -1);
  if ((axis < 0 ? axis + rank : axis) !== rank - 1) {
    throw site.refuse(
      `axis is ${axis} of ${rank} axes; only a softmax over the values of a sample (axis -1) can be streamed`,
    );
  }
  return activate(site, stream, { activation: "softmax" });
}

function parametricRelu(site: Site): Stream {
  const slope = constantInput(site, 1, "the slope");
  const size = slope.dims.at(-1) ?? 1;
  if (product(slope.dims) !== size || size < 1)
    throw site.refuse(`the slope has shape [${slope.dims.join(", ")}]; it needs one number for each value of a sample`);
  const stream = streamInput(site, 0);
  const source = size > 1 ? asFeature(site, stream, size) : stream;
  return activate(site, source, { activation: "prelu", parameters: [weightsOf(site, slope)] });
}

/** max(0, min(1, alpha x + beta)). */
function hardSigmoid(site: Site): Stream {
  const { attributes } = site;
  const stream = streamInput(site, 0);
  const scaled: Stage = {
    op: "scale",
    node: site.name,
    previous: stream.stage,
    by: Float32Array.of(attributes.float("alpha", 0.2)),
  };
  const by = Float32Array.of(attributes.float("beta", 0.5));
  return clip(site, { ...stream, stage: { op: "add", node: site.name, previous: scaled, by } }, 0, 1);
}

/** A bound of a Clip: an attribute before opset 11, then an input; undefined where there is none. */
function boundOf(site: Site, index: number, name: "min" | "max"): number | undefined {
  if (site.opset < 11) return site.attributes.has(name) ? site.attributes.float(name, 0) : undefined;
  const value = site.input(index);
  if (value === undefined) return undefined;
  if (value.kind === "fill") return value.value;
  return single(site, index, name);
}

function single(site: Site, index: number, what: string): number {
  const { data } = constantInput(site, index, what);
  const [value] = data;
  if (value === undefined || data.length !== 1 || Number.isNaN(value))
    throw site.refuse(`${what} has ${data.length} elements; one number is supported`);
  return value;
}

/** Min or Max of the stream and one number. */
function extreme(site: Site): Stream {
  const at = site.input(0)?.kind === "stream" ? 0 : 1;
  const stream = streamInput(site, at);
  if (site.input(2) !== undefined) throw site.refuse("has more than 2 inputs; a stream and one number are supported");
  const bound = single(site, 1 - at, "the other operand");
  return site.op === "Max" ? clip(site, stream, bound, undefined) : clip(site, stream, undefined, bound);
}

/** What a function keeps within by itself. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  sigmoid: [0, 1],
  softmax: [0, 1],
  tanh: [-1, 1],
  relu: [0, Number.POSITIVE_INFINITY],
};

/** min(max(x, least), most): joined with a function that has bounds already, nothing where these are narrower. */
function clip(site: Site, stream: Stream, min: number | undefined, max: number | undefined): Stream {
  const least = min ?? Number.NEGATIVE_INFINITY;
  const most = max ?? Number.POSITIVE_INFINITY;
  const { stage } = stream;
  const range = rangeOf(stage);
  if (range && least <= range[0] && most >= range[1]) return stream;
  const inner = stage?.op === "activation" && ["relu", "hardtanh"].includes(stage.activation) ? stage : undefined;
  const bound = (value: number) => Math.min(Math.max(value, least), most);
  const [from, to] = (inner && range) ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const source = inner ? { ...stream, stage: inner.previous } : stream;
  return activate(site, source, bounded(bound(from), bound(to)));
}

function rangeOf(stage: Stage | null): readonly [number, number] | undefined {
  if (stage?.op !== "activation") return undefined;
  if (stage.activation !== "hardtanh") return RANGES[stage.activation];
  const unbounded = (value = 0) => (Math.abs(value) === NO_BOUND ? Math.sign(value) * Number.POSITIVE_INFINITY : value);
  return [unbounded(stage.parameters?.[0]?.[0]), unbounded(stage.parameters?.[1]?.[0])];
}

function bounded(least: number, most: number): Applied {
  if (least === 0 && most === Number.POSITIVE_INFINITY) return { activation: "relu" };
  const finite = (value: number) => Math.min(Math.max(value, -NO_BOUND), NO_BOUND);
  return { activation: "hardtanh", parameters: [[finite(least)], [finite(most)]] };
}

/**
 * A product of two values that were made from the same one, x: SiLU, which is x σ(x), GELU, x (1 + erf(x / √2)) / 2, or HardSwish.
 * Nothing for any other.
 *
 * @throws {CliError} for x times other bounds of x
 */
export function productOf(site: Site, a: Stream, b: Stream): Stream | undefined {
  const seen = new Set<Stage | null>([null]);
  for (let { stage } = a; stage; stage = stage.previous) seen.add(stage);
  let base = b.stage;
  while (!seen.has(base)) base = base?.previous ?? null;
  const [one, other] = [stagesAbove(a.stage, base), stagesAbove(b.stage, base)];
  const isSame = a.axes.length === b.axes.length && a.last === b.last && a.feature === b.feature;
  if (!isSame) return undefined;
  for (const [x, f] of [
    [one, other],
    [other, one],
  ] as const) {
    const factor = factorOf(x);
    if (factor === undefined) continue;
    const found = gateOf(f);
    if (found?.activation === "hardtanh") throw site.refuse(HARD_SWISH);
    if (!found) continue;
    const applied = activate(site, { ...a, stage: base }, { activation: found.activation });
    const by = Float32Array.of(factor * found.factor);
    return by[0] === 1 ? applied : { ...applied, stage: { op: "scale", node: site.name, previous: applied.stage, by } };
  }
  return undefined;
}

/** The stages that made a value from that of `base`, the oldest first. */
function stagesAbove(top: Stage | null, base: Stage | null): Stage[] {
  const stages: Stage[] = [];
  for (let stage = top; stage && stage !== base; stage = stage.previous) stages.unshift(stage);
  return stages;
}

/** The number by which the stages multiply; undefined when they do anything else. */
function factorOf(stages: readonly Stage[]): number | undefined {
  let factor = 1;
  for (const stage of stages) {
    if (stage.op !== "scale" || stage.by.length !== 1) return undefined;
    factor *= stage.by[0] ?? 1;
  }
  return factor;
}

/** What x times this is: `factor` times the activation. */
function gateOf(
  stages: readonly Stage[],
): { readonly activation: Applied["activation"]; readonly factor: number } | undefined {
  const [first, second, third] = stages;
  const isBounded = (stage: Stage | undefined) => stage?.op === "activation" && stage.activation === "hardtanh";
  if (stages.some(isBounded)) return hardSwishOf(stages) ?? { activation: "hardtanh", factor: 1 };
  if (first?.op === "activation" && first.activation === "sigmoid") {
    const factor = factorOf(stages.slice(1));
    return factor === undefined ? undefined : { activation: "silu", factor };
  }
  if (!isNear(first, "scale", Math.SQRT1_2) || second?.op !== "erf" || !isNear(third, "add", 1)) return undefined;
  const factor = factorOf(stages.slice(3));
  // 1 + erf is twice the normal distribution function, which GELU has.
  return factor === undefined ? undefined : { activation: "gelu", factor: 2 * factor };
}

function isNear(stage: Stage | undefined, op: "scale" | "add", value: number): boolean {
  return stage?.op === op && stage.by.length === 1 && Math.abs((stage.by[0] ?? 0) - value) < 1e-6;
}

/** HardSwish as exporters write it: x · min(max(x / 6 + ½, 0), 1), or x · min(max(x + 3, 0), 6) before it is divided by 6. */
function hardSwishOf(stages: readonly Stage[]) {
  const [first, second] = stages;
  const isUnit = isNear(first, "scale", 1 / 6) && isNear(second, "add", 0.5);
  if (!isUnit && !isNear(first, "add", 3)) return undefined;
  const [bounds = null, ...behind] = stages.slice(isUnit ? 2 : 1);
  const [least, most] = rangeOf(bounds) ?? [];
  if (least !== 0 || most !== (isUnit ? 1 : 6)) return undefined;
  const factor = factorOf(behind);
  return factor === undefined ? undefined : ({ activation: "hardswish", factor: factor * (isUnit ? 1 : 6) } as const);
}
