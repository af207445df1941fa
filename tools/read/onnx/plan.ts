// How to run the source of a network: what each axis of its input and of its output is, and which states it carries.

import { int64 } from "../protobuf.ts";
import type { ModelProto } from "./proto.ts";
import type { Stage, Stream, Value } from "./values.ts";
import type { Walked } from "./walk.ts";

/** The size of an axis; null when the run decides. */
export type Size = number | null;

/** An axis of the input: steps in time, the values of a sample, or streams that do not meet. */
export interface InputAxis {
  readonly role: "time" | "values" | "batch";
  readonly size: Size;
}

/** A state that the caller hands from run to run. */
export interface PlanState {
  readonly name: string;
  /** Element type of ONNX (TensorProto.DataType). */
  readonly elementType: number;
  readonly sizes: readonly Size[];
  /** The output with its next value; undefined when there is none, so that only zeros can be given. */
  readonly output: string | undefined;
}

/** How a source is run. */
export interface OnnxPlan {
  readonly input: { readonly name: string; readonly elementType: number; readonly axes: readonly InputAxis[] };
  readonly states: readonly PlanState[];
  readonly output: {
    readonly name: string;
    /** The axes that are not of size 1, slowest first; a number is a batch axis, by the input's axis that it comes from. */
    readonly axes: readonly ("time" | "values" | number)[];
  };
}

/** Tells how to run the graph of which a walk found this; undefined when its output has an axis of unknown origin. */
export function planOf(graph: NonNullable<ModelProto["graph"]>, walked: Walked): OnnxPlan | undefined {
  const { output, outputName, values } = walked;
  const input = values.get(output.input);
  if (input?.kind !== "stream") return undefined;
  const { time, entry, feature } = output;
  const isToken = firstStage(output)?.op === "embedding";
  const axes = input.axes.map(([part]): InputAxis => {
    const size = part?.size ?? null;
    if (part !== undefined && part === time) return { role: "time", size };
    return { role: part !== undefined && part === entry && !isToken ? "values" : "batch", size };
  });
  const outputAxes: ("time" | "values" | number)[] = [];
  for (const part of output.axes.flat()) {
    if (part.size === 1) continue;
    const origin = input.axes.findIndex((axis) => axis.includes(part));
    if (part === time) outputAxes.push("time");
    else if (part === feature) outputAxes.push("values");
    else if (origin >= 0) outputAxes.push(origin);
    else return undefined;
  }
  return {
    input: { name: output.input, elementType: typeOf(graph, output.input).elementType, axes },
    states: [...walked.states].map(([name, stages]) => ({
      name,
      ...typeOf(graph, name),
      output: graph.output.find((one) => isSame(stagesOf(values.get(one.name)), stages))?.name,
    })),
    output: { name: outputName, axes: outputAxes },
  };
}

function firstStage({ stage }: Stream): Stage | null {
  let first = stage;
  while (first?.previous) first = first.previous;
  return first;
}

function typeOf(
  graph: NonNullable<ModelProto["graph"]>,
  name: string,
): { readonly elementType: number; readonly sizes: readonly Size[] } {
  const tensor = graph.input.find((one) => one.name === name)?.type?.tensorType;
  const sizes = (tensor?.shape?.dim ?? []).map(({ dimValue }) => (int64(dimValue) > 0 ? int64(dimValue) : null));
  return { elementType: tensor?.elemType ?? 0, sizes };
}

/** The GRUs whose states a value holds and nothing else. */
function stagesOf(value: Value | undefined): readonly Stage[] {
  if (value?.kind === "stack") return value.items.flatMap(({ stage }) => stage ?? []);
  return value?.kind === "stream" && value.stage?.op === "gru" ? [value.stage] : [];
}

const isSame = (a: readonly Stage[], b: readonly Stage[]) =>
  a.length > 0 && a.length === b.length && a.every((stage, index) => stage === b[index]);
