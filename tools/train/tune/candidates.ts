// What a model becomes: its weights learned further, or its offsets and scales those of other readings.

import { parseModel, serializeModel } from "../../../host/model/model.ts";
import type { Model, Tensor } from "../../../host/model/types.ts";
import type { Weights } from "../../../host/train/types.ts";
import { f32Tensor } from "../assemble-model.ts";
import { Batches } from "../gru/batches.ts";
import type { Problem } from "../gru/problem.ts";
import type { Scaling } from "../normalise.ts";
import type { Prepared } from "../prepared.ts";

/** Steps before a stretch that only warm up, beside the window of the skip. */
const WARM_STEPS = 64;

/** Learning further: the network as it is, from its own weights. */
export function tuneProblem({ view, parts }: Prepared, model: Model, frozen: readonly string[]): Problem {
  const { inputs, outputs, layers, skip } = model.spec;
  const lead = (skip?.length ?? 1) - 1 + WARM_STEPS;
  const source = { store: view.store, task: view.task, inputs: inputs.length, lead };
  const network = { inputs, outputs, layers, ...(skip && { skip }) };
  const finish = (weights: Weights) => withTensors(model, weights);
  return {
    loss: "mse",
    fit: new Batches({ ...source, pieces: parts.fit }),
    stop: new Batches({ ...source, pieces: parts.stop }),
    start: () => ({ network, initial: model.tensors, frozen, finish }),
  };
}

/**
 * The same weights for readings of another middle and spread: what was the usual value of an input becomes that of the data, and
 * forecasts of an input move with it. Undefined where the model does not normalise, or an output is no forecast.
 */
export function rescaledModel({ view }: Prepared, model: Model): Model | undefined {
  const offsets = model.tensors.get("input.offset");
  const scales = model.tensors.get("input.scale");
  if (offsets === undefined || scales === undefined) return undefined;
  if (view.task.targets.some(({ column }) => column >= view.inputs.length)) return undefined;
  // A reading x of before is factor x + shift now.
  const moved = view.inputs.map(({ offset, scale }: Scaling, i) => {
    const factor = (scales.data[i] as number) / scale;
    return { factor, shift: offset - factor * (offsets.data[i] as number) };
  });
  const outputs = view.task.targets.map(({ column }) => moved[column] as (typeof moved)[0]);
  const at = (name: string, o: number, otherwise: number) => (model.tensors.get(name)?.data[o] as number) ?? otherwise;
  const vector = (values: readonly number[]) => f32Tensor([values.length], values);
  return withTensors(
    model,
    new Map([
      ["input.offset", vector(view.inputs.map(({ offset }) => offset))],
      ["input.scale", vector(view.inputs.map(({ scale }) => scale))],
      ["output.offset", vector(outputs.map(({ factor, shift }, o) => factor * at("output.offset", o, 0) + shift))],
      ["output.scale", vector(outputs.map(({ factor }, o) => factor * at("output.scale", o, 1)))],
    ]),
  );
}

/** The model with some tensors replaced or added; the file's numbers are those of single precision. */
function withTensors({ spec, tensors }: Model, more: ReadonlyMap<string, Tensor>): Model {
  return parseModel(serializeModel(spec, new Map([...tensors, ...more])));
}
