// The model that is tuned, and which parts of it stay.

import { networkOf } from "../../../host/model/network.ts";
import type { Model } from "../../../host/model/types.ts";
import { CliError } from "../../errors.ts";
import { readModel } from "../../files.ts";

/** What of a model learns: everything, the layers behind its last GRU, or only normalisation and detector. */
export const PARTS = ["all", "head", "calibration"] as const;
export type TunedPart = (typeof PARTS)[number];

/**
 * Reads a model that can be tuned.
 *
 * @throws {CliError} when it cannot be
 */
export async function readSource(file: string): Promise<Model> {
  const model = await readModel(file, { verify: true });
  const { spec } = model;
  if (spec.numeric !== "f32") {
    throw new CliError(
      `--from: ${file} is quantized, and rounded weights do not learn; give the f32 model it was made of`,
    );
  }
  if (spec.embedding !== undefined) throw new CliError(`--from: ${file} takes tokens, expected readings`);
  const last = spec.layers.at(-1);
  if (last?.kind === "dense" && last.activation === "softmax") {
    throw new CliError(`--from: ${file} tells classes, expected forecasts or a number`);
  }
  return model;
}

/** Names of the tensors that stay as they are. */
export function frozenTensors({ spec, tensors }: Model, part: TunedPart): string[] {
  if (part !== "head") return [];
  const { layers } = networkOf(spec);
  const lastGru = layers.findLastIndex(({ kind }) => kind === "gru");
  const inFront = layers.slice(0, lastGru + 1).map(({ name }) => `${name}.`);
  return [...tensors.keys()].filter((name) => inFront.some((start) => name.startsWith(start)));
}

/** The model without what is made anew: test vectors, detector, skill. */
export function bareModel({ spec, tensors, ...rest }: Model): Model {
  const { selftest: _, detector: __, skill: ___, ...bare } = spec;
  const kept = [...tensors].filter(([name]) => !name.startsWith("selftest."));
  const { detector: ____, ...others } = rest;
  return { ...others, spec: bare, tensors: new Map(kept) };
}
