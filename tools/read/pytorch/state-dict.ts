// Finds the weights of a model in what training scripts save around them.

import { showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import { PickledTensor } from "./checkpoint.ts";
import type { SourceTensor } from "./elements.ts";
import { mergePairs } from "./parametrized.ts";
import { Opaque } from "./pickle-machine.ts";

/** What wrappers put before every name: DataParallel, torch.compile, Lightning. */
const WRAPPERS = ["module.", "_orig_mod.", "model."];
/** Dictionaries that hold the state of the training. */
const TRAINING = /optim|sched|scaler|rng|callback|loops?$/i;
/** How deep a state dict may stand. */
const MAX_DEPTH = 4;

/** Tensors by name. */
export type StateDict = ReadonlyMap<string, SourceTensor>;

/** A dictionary of weights and where it stands: the keys that lead to it, joined by dots; "" is the file itself. */
export interface FoundDict {
  readonly key: string;
  readonly tensors: Map<string, SourceTensor>;
}

/**
 * Finds the dictionaries of tensors in what torch.save wrote, under whatever key they stand, but for those of optimizers.
 *
 * @throws {CliError} when there is none
 */
export function findStateDicts(root: unknown, source: string): FoundDict[] {
  if (root instanceof Opaque) {
    throw new CliError(
      `${source}: Holds an object of the class ${showKey(root.name)}, whose code is not in the file; save the weights alone: torch.save(model.state_dict(), "model.pt")`,
    );
  }
  if (!(root instanceof Map)) throw new CliError(`${source}: Holds no dictionary; save model.state_dict()`);
  const found: FoundDict[] = [];
  search(root, [], source, found);
  if (found.length > 0) return found;
  const keys = [...root].slice(0, 8).map(([key, value]) => showKey(String(key)) + kindOf(value));
  throw new CliError(
    `${source}: No dictionary of weights under the keys ${keys.join(", ") || "(none)"}; expected a state dict, alone or under any key: torch.save(model.state_dict(), "model.pt")`,
  );
}

function search(
  dictionary: ReadonlyMap<unknown, unknown>,
  path: readonly string[],
  source: string,
  found: FoundDict[],
) {
  const values = [...dictionary];
  if (values.some(([key, value]) => typeof key === "string" && isWeight(value))) {
    found.push({ key: path.join("."), tensors: openTensors(dictionary, source) });
    return;
  }
  if (path.length >= MAX_DEPTH) return;
  for (const [key, value] of values) {
    if (value instanceof Map && !TRAINING.test(String(key))) search(value, [...path, String(key)], source, found);
  }
}

/** A scalar or a vector beside other entries (a loss, the state of a generator) makes no state dict. */
const isWeight = (value: unknown) => value instanceof PickledTensor && value.shape.length >= 2;

function openTensors(dictionary: ReadonlyMap<unknown, unknown>, source: string): Map<string, SourceTensor> {
  const tensors = new Map<string, SourceTensor>();
  for (const [key, value] of dictionary) {
    const name = String(key);
    if (value instanceof PickledTensor) tensors.set(name, value.open(name));
    // Attributes beside the tensors could hold what the model computes with, and so could tensors of unknown classes.
    else if (name.endsWith("_extra_state")) throw new CliError(`${source}: ${showKey(name)} is no tensor`);
    else if (value instanceof Opaque && /rebuild|[Tt]ensor/.test(value.name)) {
      throw new CliError(
        `${source}: ${showKey(name)} is made by ${showKey(value.name)}, expected a plain tensor; save it as one, with .dense() or .detach().clone()`,
      );
    }
  }
  return tensors;
}

const kindOf = (value: unknown) => (value instanceof Opaque ? ` (${showKey(value.name)})` : "");

/** Drops what wrappers put before every name, and replaces pairs of tensors of weight_norm and pruning by the weight they stand for. */
export function normalizeNames(tensors: StateDict, source: string): Map<string, SourceTensor> {
  let entries = [...tensors].map(([name, tensor]): [string, SourceTensor] => [
    name.replaceAll(/(^|\.)_orig_mod\./g, "$1"),
    tensor,
  ]);
  for (let prefix = sharedWrapper(entries); prefix !== undefined; prefix = sharedWrapper(entries)) {
    const { length } = prefix;
    entries = entries.map(([name, tensor]) => [name.slice(length), tensor]);
  }
  const named = new Map(entries);
  if (named.size < tensors.size) throw new CliError(`${source}: Two tensors have the same name without _orig_mod`);
  mergePairs(named, source);
  return named;
}

function sharedWrapper(entries: readonly [string, SourceTensor][]): string | undefined {
  return WRAPPERS.find((prefix) => entries.length > 0 && entries.every(([name]) => name.startsWith(prefix)));
}
