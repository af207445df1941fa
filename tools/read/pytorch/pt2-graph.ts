// The graph of an exported program as a chain of layers, in the words of `--layers`.

import { isObject, showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import type { SourceTensor } from "./elements.ts";

type Json = Readonly<Record<string, unknown>>;

/** A node of the graph. */
interface Node {
  readonly operator: string;
  /** Arguments by name: `{as_tensor: {name}}`, `{as_int: 1}`, … */
  readonly args: ReadonlyMap<string, Json>;
  readonly output: string;
}

/** Functions of one tensor, by operator; the text is that of `--layers`. */
const FUNCTIONS: Readonly<Record<string, (node: Node) => string>> = {
  relu: () => "relu",
  relu_: () => "relu",
  tanh: () => "tanh",
  sigmoid: () => "sigmoid",
  gelu: ({ args }) => (args.get("approximate")?.as_string === "tanh" ? "gelu_tanh" : "gelu"),
  silu: () => "silu",
  silu_: () => "silu",
  softmax: () => "softmax",
  _softmax: () => "softmax",
};

/** Operators that hand on their first argument, in evaluation. */
const NOTHING = [
  "dropout",
  "dropout_",
  "feature_dropout",
  "clone",
  "contiguous",
  "detach",
  "detach_",
  "alias",
  "_to_copy",
];
/** Operators that make constants: the first state. */
const CONSTANTS = ["zeros", "zeros_like", "new_zeros", "full"];

/**
 * Follows the graph of an exported program from its input to its output.
 *
 * @param tensors  the weights, by the names that stand in the signature of the graph
 * @throws {CliError} that names the first operator that is no part of a chain of layers
 */
export function graphChain(
  program: Json,
  tensors: ReadonlyMap<string, SourceTensor>,
  source: string,
): { layers: string[]; lastOnly: boolean } {
  const { graph, names } = unwrap(program, source);
  const nodes = list(graph.nodes).map(readNode);
  const constants = new Set<string>();
  const layers: string[] = [];
  let current: string | undefined;
  let lastOnly = false;
  for (const node of nodes) {
    const { operator } = node;
    const input = tensorName(node.args.get("input") ?? node.args.get("self") ?? node.args.get("indices"));
    if (CONSTANTS.includes(operator)) {
      constants.add(node.output);
      continue;
    }
    current ??= input;
    const initial = tensorName(node.args.get("hx"));
    if (input === undefined || input !== current || (initial !== undefined && !constants.has(initial)))
      throw refusal(operator, source);
    const weight = names.get(tensorName(node.args.get("weight")) ?? firstOf(node.args.get("params")) ?? "");
    const step = operator === "select" || operator === "slice";
    if (step) lastOnly ||= isLastStep(node);
    if (weight !== undefined && tensors.has(weight))
      layers.push(blockName(weight) + (operator === "embedding" ? ":embedding" : ""));
    else if (Object.hasOwn(FUNCTIONS, operator)) layers.push((FUNCTIONS[operator] as (node: Node) => string)(node));
    else if (!NOTHING.includes(operator) && !(step && isLastStep(node))) throw refusal(operator, source);
    current = node.output;
  }
  const [output] = list(graph.outputs);
  if (current === undefined || tensorName(isObject(output) ? output : undefined) !== current)
    throw refusal("output", source);
  return { layers, lastOnly };
}

const refusal = (operator: string, source: string) =>
  new CliError(
    `${source}: The program computes ${showKey(operator)} beside its layers; known is one chain of GRU, linear, embedding, batch norm and functions from zero states. Say the chain with --layers if it is one, and prove it with --reference`,
  );

/** nn.GRU and nn.Linear stand under the name of their module. */
const blockName = (weight: string) => weight.slice(0, Math.max(0, weight.lastIndexOf("."))) || "gru";

/** `x[:, -1]`: select(dim 1, index -1). */
function isLastStep({ operator, args }: Node): boolean {
  return operator === "select" && args.get("dim")?.as_int === 1 && args.get("index")?.as_int === -1;
}

function unwrap(program: Json, source: string) {
  const module_ = isObject(program.graph_module) ? program.graph_module : {};
  const { graph, signature } = module_;
  if (!isObject(graph) || !isObject(signature)) {
    throw new CliError(`${source}: The graph of the exported program has another form than is known; give --layers`);
  }
  const names = new Map<string, string>();
  for (const spec of list(signature.input_specs)) {
    const entry = isObject(spec) ? (spec.parameter ?? spec.buffer) : undefined;
    if (!isObject(entry) || !isObject(entry.arg)) continue;
    names.set(String(entry.arg.name), String(entry.parameter_name ?? entry.buffer_name));
  }
  return { graph, names };
}

function readNode(value: unknown): Node {
  const { target, inputs, outputs } = isObject(value) ? value : {};
  const args = new Map<string, Json>();
  for (const input of list(inputs)) {
    if (isObject(input) && isObject(input.arg)) args.set(String(input.name), input.arg);
  }
  const [first] = list(outputs);
  const operator = /^torch\.ops\.aten\.(\w+)/.exec(String(target))?.[1] ?? String(target);
  return { operator, args, output: tensorName(isObject(first) ? first : undefined) ?? "" };
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function tensorName(arg: Json | undefined): string | undefined {
  const tensor = arg?.as_tensor;
  return isObject(tensor) && typeof tensor.name === "string" ? tensor.name : undefined;
}

function firstOf(arg: Json | undefined): string | undefined {
  const [first] = list(arg?.as_tensors);
  return isObject(first) && typeof first.name === "string" ? first.name : undefined;
}
