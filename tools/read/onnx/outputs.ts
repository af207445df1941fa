// Which output of a graph a model answers with, and what may stand beside it.

import { CliError } from "../../errors.ts";
import type { ModelProto, NodeProto, ValueInfoProto } from "./proto.ts";
import { isInteger } from "./tensors.ts";
import type { Stack, Stage, Stream, Value } from "./values.ts";

const depth = (stream: Stream) => {
  let count = 0;
  for (let stage = stream.stage; stage; stage = stage.previous) count++;
  return count;
};

/** The output with the predictions, and the names of the others; these may only be states of GRUs on its chain. */
export function chooseOutput(
  outputs: readonly ValueInfoProto[],
  values: ReadonlyMap<string, Value>,
  path: string,
): { readonly name: string; readonly value: Stream; readonly states: readonly string[] } {
  const streams: { readonly name: string; readonly value: Stream | Stack }[] = [];
  for (const { name } of outputs) {
    const value = values.get(name);
    if (value?.kind === "fault") throw value.error;
    if (value?.kind === "stream" || value?.kind === "stack") streams.push({ name, value });
    else throw new CliError(`${path}: output "${name}" does not depend on the model's input; remove it`);
  }
  const chains = streams.filter((one): one is { name: string; value: Stream } => one.value.kind === "stream");
  const [main] = chains.sort((a, b) => depth(b.value) - depth(a.value) || Number(a.value.last) - Number(b.value.last));
  if (!main)
    throw new CliError(
      `${path}: outputs only the last states of several layers together; output the last layer's state`,
    );
  const chain = new Set<Stage>();
  for (let stage: Stage | null = main.value.stage; stage; stage = stage.previous) chain.add(stage);
  const isState = ({ stage, last, time }: Stream) =>
    stage?.op === "gru" && chain.has(stage) && (last || time === null || stage === main.value.stage);
  for (const { name, value } of streams) {
    if (value === main.value || (value.kind === "stack" ? value.items : [value]).every(isState)) continue;
    throw new CliError(
      `${path}: has outputs "${main.name}" and "${name}" of different branches; keep one, beside states of the GRU`,
    );
  }
  return { ...main, states: streams.flatMap(({ name, value }) => (value === main.value ? [] : [name])) };
}

/** Says what of the graph has no part in its output, or another one in a stream. */
export function notesOn(
  graph: NonNullable<ModelProto["graph"]>,
  live: readonly NodeProto[],
  given: readonly string[],
  returned: readonly string[],
): string[] {
  const used = new Set(live.flatMap(({ input }) => input));
  const unused = graph.initializer
    .filter((tensor) => !used.has(tensor.name) && !isInteger(tensor))
    .map(({ name }) => name);
  const rest = unused.length > 0 ? [`Left out: ${listed(unused)}, which the output of the source does not need`] : [];
  const initial = given.map(
    (name) =>
      `Input "${name.slice(0, 80)}" of the source is left out: it is an initial state. The model starts from zeros, and each session keeps its state from sample to sample`,
  );
  const final = returned.map(
    (name) =>
      `Output "${name.slice(0, 80)}" of the source is left out: it is a state, which each session keeps from sample to sample`,
  );
  return [...initial, ...final, ...rest];
}

/** Names in a line; of many the first. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => `"${name.slice(0, 80)}"`);
  return [...shown, ...(names.length > 8 ? [`${names.length - 8} more`] : [])].join(", ");
}
