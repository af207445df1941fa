// The tensors of a network that is trained: which there are, which of them learn, and what they start as.

import { networkOf } from "../model/network.ts";
import { tensorRules } from "../model/tensors.ts";
import { initialValues } from "./initial.ts";
import { mulberry32 } from "./random.ts";
import type { TrainerOptions, Weights } from "./types.ts";

/** A tensor of the network. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly learns: boolean;
  /** Whether weight decay takes from it. */
  readonly decays: boolean;
}

/**
 * Makes the tensors of a network, in the order of its stages. Offsets and scales are there only where `initial` has them.
 *
 * @throws {RangeError} when a tensor of `initial`, or a name, is none of this network's
 */
export function parametersOf(options: TrainerOptions): readonly Parameter[] {
  const { network, initial, frozen = [], optimizer = {} } = options;
  const rules = tensorRules({ ...network, numeric: "f32" });
  for (const name of [...frozen, ...(optimizer.noDecay ?? [])]) {
    if (!rules.has(name))
      throw new RangeError(`${name}: the network has no such tensor, expected ${[...rules.keys()]}`);
  }
  checkWeights(rules, initial ?? new Map());
  const fixed = new Set([...frozen, ...fixedTensors(options)]);
  const random = mulberry32(options.seed ?? 1);
  const parameters: Parameter[] = [];
  for (const [name, { shape, partner }] of rules) {
    const given = initial?.get(name);
    if (partner !== undefined && !given) continue;
    // Drawn even where they are given, so that what others start as does not hang on it.
    const drawn = initialValues(network, name, shape, random);
    const values = given ? Float32Array.from(given.data) : drawn;
    const decays = (optimizer.weightDecay ?? 0) > 0 && !optimizer.noDecay?.includes(name);
    parameters.push({ name, shape, values, learns: partner === undefined && !fixed.has(name), decays });
  }
  return parameters;
}

/** Tensors that are no weights, and the second of two biases that are only ever added. */
function fixedTensors({ network }: TrainerOptions): string[] {
  return networkOf(network).layers.flatMap((stage) => {
    if (stage.kind === "gru") return stage.layer.reset === "before" ? [stage.u.bias] : [];
    return stage.parameters && stage.layer.activation !== "prelu" ? [stage.parameters.name] : [];
  });
}

/** @throws {RangeError} when a tensor is none of the network's, or has another shape */
export function checkWeights(
  rules: ReadonlyMap<string, { readonly shape: readonly number[] }>,
  weights: Weights,
): void {
  for (const [name, { shape, dtype }] of weights) {
    const rule = rules.get(name);
    if (!rule) throw new RangeError(`${name}: the network has no such tensor, expected ${[...rules.keys()]}`);
    if (dtype === "F32" && shape.join() === rule.shape.join()) continue;
    throw new RangeError(`${name}: Found ${dtype} [${shape}], expected F32 [${rule.shape}]`);
  }
}
