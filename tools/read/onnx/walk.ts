// The walk through the graph in its (topological) order. A node that is not understood leaves a fault behind, which is thrown only when the
// output needs its value.

import { CliError } from "../../errors.ts";
import { int64 } from "../protobuf.ts";
import { plumb } from "./axes.ts";
import { type Cell, evaluateCell, findCells } from "./cell.ts";
import { fold } from "./constants.ts";
import { evaluateGru } from "./gru.ts";
import { compute } from "./heads.ts";
import { chooseOutput, notesOn } from "./outputs.ts";
import type { ModelProto, NodeProto, ValueInfoProto } from "./proto.ts";
import { nameOf, type Surroundings, siteOf } from "./site.ts";
import { fedStages, refuseSharedStates, stateInputs } from "./states.ts";
import { isInteger, readTensor } from "./tensors.ts";
import { axisOf, type Constant, type Site, type Stack, type Stage, type Stream, type Value } from "./values.ts";

type Graph = NonNullable<ModelProto["graph"]>;

/** Element types of ONNX (TensorProto.DataType). */
const FLOAT16 = 10;
const BFLOAT16 = 16;

/** The greatest count of layers, of inputs and of outputs. */
const MAX_LAYERS = 256;

/** What a walk finds. */
export interface Walked {
  /** The stream at the output with the predictions, and the name of that output. */
  readonly output: Stream;
  readonly outputName: string;
  /** Inputs that are initial states, each with the layers that it feeds, in the order of the graph. */
  readonly states: ReadonlyMap<string, readonly Stage[]>;
  /** What is known of every value of the graph. */
  readonly values: ReadonlyMap<string, Value>;
  /** What the user should know of how the graph was read, one line each. */
  readonly notes: readonly string[];
  /** The precision of its weights, where that is less than single: what is not cast is computed in it. */
  readonly precision?: "float16" | "bfloat16";
}

/** Walks a graph from its inputs to its output. */
export function walk(graph: Graph, around: Omit<Surroundings, "values">): Walked {
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  // Before IR version 4 the weights are among the inputs.
  const inputs = graph.input.filter(({ name }) => !initializers.has(name));
  if (inputs.length > MAX_LAYERS || graph.output.length > MAX_LAYERS) {
    throw new CliError(
      `${around.path} has ${inputs.length} inputs and ${graph.output.length} outputs; at most ${MAX_LAYERS} are read`,
    );
  }
  const { nodes, cells } = findCells(graph.node);
  const live = liveNodes(nodes, graph.output);
  const values = new Map<string, Value>();
  for (const tensor of graph.initializer) values.set(tensor.name, initializerOf(tensor, around));
  const states = stateInputs(live, inputs);
  for (const input of inputs) {
    const { name } = input;
    values.set(name, states.has(name) ? { kind: "fill", value: 0, state: name } : inputOf(input, around));
  }
  refuseSharedStates(live, states, around);
  const surroundings = { ...around, values };
  for (const node of live) {
    const results = evaluate(node, surroundings, cells.get(node));
    for (const [index, name] of node.output.entries()) {
      const missing = new CliError(
        `${around.path}: node "${nameOf(node)}" (${node.opType}): output ${index} is used, which is not supported`,
      );
      if (name) values.set(name, results[index] ?? { kind: "fault", error: missing });
    }
  }
  const { name: outputName, value: output, states: returned } = chooseOutput(graph.output, values, around.path);
  const notes = notesOn(graph, live, [...states], returned);
  const precision = precisionOf(graph, live);
  return {
    output,
    outputName,
    states: fedStages(states, live, values),
    values,
    notes,
    ...(precision && { precision }),
  };
}

/** Nodes that compute with weights in the precision of these. */
const COMPUTING = ["GRU", "MatMul", "Gemm"];

/** The precision of the weights that GRUs and dense layers take as they are stored; undefined for single and double. */
function precisionOf(graph: Graph, live: readonly NodeProto[]): Walked["precision"] {
  const types = new Map(graph.initializer.map(({ name, dataType }) => [name, dataType]));
  const weights = live.filter(({ opType }) => COMPUTING.includes(opType)).flatMap(({ input }) => input.slice(1, 3));
  const has = (type: number) => weights.some((name) => types.get(name) === type);
  if (has(BFLOAT16)) return "bfloat16";
  return has(FLOAT16) ? "float16" : undefined;
}

function initializerOf(tensor: Graph["initializer"][number], around: Omit<Surroundings, "values">): Value {
  try {
    return readTensor(tensor, around.path, around.readExternal);
  } catch (error) {
    return faultOf(error);
  }
}

/** A CliError as a fault; anything else is a fault of this program and goes on. */
function faultOf(error: unknown): Value {
  if (error instanceof CliError) return { kind: "fault", error };
  throw error;
}

/** The nodes that the outputs need, in the order of the file. */
function liveNodes(nodes: readonly NodeProto[], outputs: readonly ValueInfoProto[]): NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const node of nodes) for (const name of node.output) if (name) makers.set(name, node);
  const live = new Set<NodeProto>();
  const open = outputs.map(({ name }) => name);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = makers.get(name);
    if (!node || live.has(node)) continue;
    live.add(node);
    for (const source of node.input) open.push(source);
  }
  return nodes.filter((node) => live.has(node));
}

function inputOf({ name, type }: ValueInfoProto, { path }: { readonly path: string }): Value {
  const shape = type?.tensorType?.shape;
  if (!shape || shape.dim.length > 16) {
    return faultOf(
      new CliError(`${path}: input "${name}" has no shape; export the model with the shapes of its inputs`),
    );
  }
  const axes = shape.dim.map(({ dimValue }) => [{ size: int64(dimValue) > 0 ? int64(dimValue) : null }]);
  const whole = isInteger({ dataType: type.tensorType?.elemType ?? 0 });
  return { kind: "stream", input: name, axes, last: false, whole, stage: null };
}

function evaluate(node: NodeProto, around: Surroundings, cell: Cell | undefined): Value[] {
  const site = siteOf(node, around);
  try {
    if (node.domain !== "" && node.domain !== "ai.onnx") {
      throw site.refuse(
        `is an operator of ${node.domain}; only operators of ONNX itself are supported: export without that extension`,
      );
    }
    if (cell) return [evaluateCell(site, cell)];
    const results = dispatch(site);
    if (results) return results;
    throw unknownOperator(site);
  } catch (error) {
    const fault = faultOf(error);
    return node.output.map(() => fault);
  }
}

function dispatch(site: Site): Value[] | undefined {
  if (site.op === "GRU") return evaluateGru(site);
  // Before its inputs, whose own faults would say less.
  if (site.op === "Loop" || site.op === "Scan") throw site.refuse(loopIn(site));
  if (site.op === "Constant") return [constantOf(site)];
  if (site.op === "ConstantOfShape") return [{ kind: "fill", value: site.attributes.tensor("value")?.data[0] ?? 0 }];
  const first = site.input(0);
  if (first?.kind === "stack" || (site.op === "Concat" && first?.kind === "stream")) return overStack(site);
  const second = site.op === "Expand" ? undefined : site.input(1);
  if (first?.kind === "stream" || second?.kind === "stream") {
    const result =
      (site.op === "Gather" && second?.kind === "stream" ? undefined : plumbed(site, first)) ?? compute(site);
    return result && [result];
  }
  return fold(site);
}

const plumbed = (site: Site, first: Value | undefined) => (first?.kind === "stream" ? plumb(site) : undefined);

/** The tensor, number or numbers in a Constant node. */
function constantOf(site: Site): Constant {
  const { attributes, name } = site;
  const tensor = attributes.tensor("value");
  if (tensor) return { ...tensor, name: tensor.name || name };
  const ints = attributes.has("value_int") ? [attributes.int("value_int", 0)] : attributes.ints("value_ints");
  const floats = attributes.has("value_float")
    ? [attributes.float("value_float", 0)]
    : attributes.floats("value_floats");
  const scalar = attributes.has("value_int") || attributes.has("value_float");
  const data = ints ? Float64Array.from(ints) : Float32Array.from(floats);
  if (data.length === 0) throw site.refuse("holds no numbers; only tensors, integers and floats are supported");
  return { kind: "constant", name, dims: scalar ? [] : [data.length], data, integer: ints !== undefined };
}

/** Last states of layers, joined along axis 0 and taken apart again. */
function overStack(site: Site): Value[] | undefined {
  const first = site.input(0);
  if (site.op === "Concat") {
    const items: Stream[] = [];
    for (let index = 0; ; index++) {
      const value = site.input(index);
      if (value === undefined) break;
      if (value.kind === "stream") items.push(value);
      else if (value.kind === "stack" && items.length <= MAX_LAYERS) items.push(...value.items);
      else throw site.refuse("joins the stream with something else; only one chain of layers can be converted");
    }
    if (items.length === 1) return items;
    const areStates = items.every(({ stage, axes }) => stage?.op === "gru" && axes[0]?.length === 0);
    const axis = site.attributes.int("axis", 0);
    if (!areStates || axis !== 0 || items.length > MAX_LAYERS)
      throw site.refuse("joins branches; only one chain of layers can be converted");
    return [{ kind: "stack", items }];
  }
  if (first?.kind !== "stack") return undefined;
  return site.op === "Identity" ? [first] : [fromStack(site, first)];
}

function fromStack(site: Site, { items }: Stack): Stream {
  const at = site.input(1);
  if (site.op !== "Gather" || at?.kind !== "constant" || at.data.length !== 1 || site.attributes.int("axis", 0) !== 0) {
    throw site.refuse("works on the last states of several layers together; take one layer's state, as in h[-1]");
  }
  const item = items[axisOf(site, at.data[0] ?? 0, items.length)];
  if (!item) throw site.refuse("takes a layer that is not there");
  return at.dims.length === 1 ? item : { ...item, axes: item.axes.slice(1) };
}

/** What a loop over steps is, by the operators of its body, and what to do. */
function loopIn(site: Site): string {
  const body = site.attributes.operators("body");
  const count = (op: string) => body.filter((one) => one === op).length;
  const isRecurrent = count("Sigmoid") > 0 && count("Tanh") > 0;
  // An LSTM applies tanh to its candidate and to its cell; a GRU to its candidate alone.
  if (isRecurrent && count("Tanh") > 1)
    return "is a loop over steps with an LSTM in it; only GRU networks can be converted";
  const what = isRecurrent ? "is a GRU that the exporter left as a loop over steps" : "is a loop over steps";
  return `${what}, and loops are not read; convert the source model itself: save the Keras model as .keras, or the weights of the PyTorch model as .safetensors, and give rivulet that file`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  LSTM: "only GRU networks can be converted",
  RNN: "only GRU networks can be converted",
  If: "export the model without branches",
  ReduceMean: "a mean over the sequence cannot be streamed",
  ReduceMax: "a maximum over the sequence cannot be streamed",
  Split:
    "gates that are computed apart are read only as PyTorch exports nn.GRUCell; export one step of nn.GRUCell, or nn.GRU",
  ArgMax: "cut the graph before this node and take the greatest output yourself",
  LayerNormalization: "train without it, or with BatchNormalization before the GRU",
  DequantizeLinear: "convert the float model and quantize it with rivulet quantize",
};

function unknownOperator(site: Site): CliError {
  const remedy =
    REMEDIES[site.op] ?? "rewrite the model with GRU, Gemm, MatMul, Add, Gather, Softmax, Sigmoid, Tanh, Relu";
  return site.refuse(`operator ${site.op} is not supported here; ${remedy}`);
}
