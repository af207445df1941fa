// The functions that may follow a layer, as the command line and maps name them: `relu`, `leaky_relu:0.2`.

import type { Activation } from "../../host/model/types.ts";
import type { Applied } from "./network.ts";

/** What a name stands for. */
interface Known {
  readonly activation: Activation;
  /** Values of its parameters where the name comes alone, as PyTorch has them. */
  readonly defaults: readonly number[];
}

const KNOWN: Readonly<Record<string, Known>> = {
  linear: { activation: "linear", defaults: [] },
  relu: { activation: "relu", defaults: [] },
  tanh: { activation: "tanh", defaults: [] },
  sigmoid: { activation: "sigmoid", defaults: [] },
  leaky_relu: { activation: "prelu", defaults: [0.01] },
  elu: { activation: "elu", defaults: [1] },
  gelu: { activation: "gelu", defaults: [] },
  gelu_tanh: { activation: "gelu_tanh", defaults: [] },
  silu: { activation: "silu", defaults: [] },
  softplus: { activation: "softplus", defaults: [] },
  hardtanh: { activation: "hardtanh", defaults: [-1, 1] },
  relu6: { activation: "hardtanh", defaults: [0, 6] },
  hardswish: { activation: "hardswish", defaults: [] },
  hardsigmoid: { activation: "hardsigmoid", defaults: [1 / 6, 0.5] },
  softmax: { activation: "softmax", defaults: [] },
};

/** Names of all functions; `linear` is none. */
export const FUNCTION_NAMES: readonly string[] = Object.keys(KNOWN);

/**
 * Those that a reference chooses from first. The others cut values off at bounds; within them they are one of these, so that a reference
 * that stays inside does not tell them apart.
 */
export const COMMON_FUNCTIONS: readonly string[] = FUNCTION_NAMES.filter(
  (name) => !["hardtanh", "relu6"].includes(name),
);

/** Reads a name with its parameters, `NAME` or `NAME:value:value`; undefined when there is no such function. */
export function parseFunction(text: string): Applied | undefined {
  const [name = "", ...texts] = text.split(":");
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known === undefined) return undefined;
  const values = texts.map((value) => (value.trim() === "" ? Number.NaN : Number(value)));
  if (!values.every(Number.isFinite) || ![0, known.defaults.length].includes(values.length)) return undefined;
  const parameters = known.defaults.map((value, index) => [values[index] ?? value]);
  return { activation: known.activation, ...(parameters.length > 0 && { parameters }) };
}
