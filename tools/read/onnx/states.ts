// The states that a graph takes from its caller: a stream carries these itself.

import { CliError } from "../../errors.ts";
import { CELL_OP } from "./cell.ts";
import type { NodeProto, ValueInfoProto } from "./proto.ts";
import { nameOf } from "./site.ts";
import type { Stage, Value } from "./values.ts";

const CARRIERS = [
  "Identity",
  "Cast",
  "Slice",
  "Gather",
  "Unsqueeze",
  "Squeeze",
  "Transpose",
  "Reshape",
  "Split",
  "Expand",
];

/** The inputs of the graph that feed nothing but the initial states of GRUs: a stream carries these itself. */
export function stateInputs(nodes: readonly NodeProto[], inputs: readonly ValueInfoProto[]): Set<string> {
  const states = new Set<string>();
  for (const { name } of inputs) {
    const carried = new Set([name]);
    let feeds = 0;
    const isState = nodes.every((node) =>
      node.input.every((source, index) => {
        if (!carried.has(source)) return true;
        const isInitial = (node.opType === "GRU" && index === 5) || (node.opType === CELL_OP && index === 1);
        if (isInitial) feeds++;
        else if (CARRIERS.includes(node.opType) && index === 0) for (const made of node.output) carried.add(made);
        else return node.opType === "Shape";
        return true;
      }),
    );
    if (isState && feeds > 0) states.add(name);
  }
  return states;
}

/** One state cannot be carried for two layers. */
export function refuseSharedStates(
  nodes: readonly NodeProto[],
  states: ReadonlySet<string>,
  { path }: { readonly path: string },
): void {
  const seen = new Set<string>();
  for (const node of nodes) {
    const state = node.input[node.opType === "GRU" ? 5 : 1] ?? "";
    if ((node.opType !== "GRU" && node.opType !== CELL_OP) || !states.has(state)) continue;
    if (seen.has(state)) {
      throw new CliError(
        `${path}: node "${nameOf(node)}" (${node.opType}): shares its state "${state}" with another layer; give each layer its own`,
      );
    }
    seen.add(state);
  }
}

/** The layers that each state feeds. */
export function fedStages(
  states: ReadonlySet<string>,
  nodes: readonly NodeProto[],
  values: ReadonlyMap<string, Value>,
): Map<string, Stage[]> {
  const fed = new Map([...states].map((name): [string, Stage[]] => [name, []]));
  for (const { opType, input, output } of nodes) {
    const state = values.get((opType === "GRU" ? input[5] : opType === CELL_OP && input[1]) || "");
    const made = values.get(output.find((name) => name !== "") ?? "");
    if (state?.kind !== "fill" || state.state === undefined || made?.kind !== "stream" || !made.stage) continue;
    fed.get(state.state)?.push(made.stage);
  }
  return fed;
}
