import { showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import { PickledTensor } from "./checkpoint.ts";
import type { SourceTensor } from "./elements.ts";

/** Where training scripts put the state dict of the model. */
const NESTED = ["state_dict", "model_state_dict"];
/** What wrappers put before every name: DataParallel, torch.compile, Lightning. */
const WRAPPERS = ["module.", "_orig_mod.", "model."];

/** Tensors by name. */
export type StateDict = ReadonlyMap<string, SourceTensor>;

/**
 * Finds the state dict in what torch.save wrote.
 *
 * @throws {CliError} when there is none
 */
export function findStateDict(root: unknown, source: string): Map<string, SourceTensor> {
  if (!(root instanceof Map)) throw new CliError(`${source}: Holds no dictionary; save model.state_dict()`);
  const nested = NESTED.map((key) => root.get(key)).find((value) => value instanceof Map);
  const dictionary: Map<unknown, unknown> = nested ?? root;
  const tensors = new Map<string, SourceTensor>();
  for (const [key, value] of dictionary) {
    if (value instanceof PickledTensor) tensors.set(String(key), value.open(String(key)));
    // Attributes beside the tensors (`_extra_state`) could hold what the model computes with.
    else if (String(key).endsWith("_extra_state"))
      throw new CliError(`${source}: ${showKey(String(key))} is no tensor`);
  }
  if (tensors.size > 0) return tensors;
  const keys = [...dictionary.keys()].slice(0, 8).map((key) => showKey(String(key)));
  throw new CliError(
    `${source}: No tensors in the dictionary with the keys ${keys.join(", ") || "(none)"}; expected a state dict, or one under ${NESTED.join(" or ")}`,
  );
}

/** Drops what wrappers put before every name, and replaces weight_norm's pairs of tensors by the weight they stand for. */
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
  mergeWeightNorm(named, source);
  return named;
}

function sharedWrapper(entries: readonly [string, SourceTensor][]): string | undefined {
  return WRAPPERS.find((prefix) => entries.length > 0 && entries.every(([name]) => name.startsWith(prefix)));
}

/** `parametrizations.NAME.original0/1` (torch.nn.utils.parametrizations) or `NAME_g`, `NAME_v` (torch.nn.utils.weight_norm). */
const MAGNITUDE = /^(?<path>.*\.)?(?:parametrizations\.(?<name>[^.]+)\.original0|(?<old>weight[^.]*)_g)$/;

function mergeWeightNorm(tensors: Map<string, SourceTensor>, source: string): void {
  for (const [key, magnitude] of [...tensors]) {
    const groups = MAGNITUDE.exec(key)?.groups;
    if (groups === undefined) continue;
    const directionKey = groups.name === undefined ? key.replace(/_g$/, "_v") : key.replace(/0$/, "1");
    const direction = tensors.get(directionKey);
    if (direction === undefined) continue;
    const name = `${groups.path ?? ""}${groups.name ?? groups.old}`;
    if (tensors.has(name)) throw new CliError(`${source}: ${showKey(name)} stands beside its own weight_norm`);
    tensors.delete(key);
    tensors.delete(directionKey);
    tensors.set(name, normalizedWeight(magnitude, direction, `${source}: ${showKey(name)}`));
  }
}

/** w = g · v / |v|, the norm over rows (dim 0, the default), columns (dim 1) or the whole (dim None), as the shape of g says. */
function normalizedWeight(magnitude: SourceTensor, direction: SourceTensor, where: string): SourceTensor {
  const [rows = 0, columns = 0] = direction.shape;
  const shape = magnitude.shape.join("x");
  const isWhole = shape === "";
  const byRow = shape === `${rows}x1`;
  if (direction.shape.length !== 2 || !(isWhole || byRow || shape === `1x${columns}`)) {
    throw new CliError(
      `${where}: Parametrization is not weight_norm of a matrix; remove it before saving, with torch.nn.utils.parametrize.remove_parametrizations`,
    );
  }
  const groupOf = (i: number) => (isWhole ? 0 : byRow ? Math.floor(i / columns) : i % columns);
  const read = () => {
    const [g, v] = [magnitude.read(), direction.read()];
    const squares = new Float64Array(g.length);
    v.forEach((value, i) => {
      squares[groupOf(i)] = (squares[groupOf(i)] as number) + value * value;
    });
    return v.map((value, i) => {
      const weight = ((g[groupOf(i)] as number) * value) / Math.sqrt(squares[groupOf(i)] as number);
      if (!Number.isFinite(weight)) throw new CliError(`${where}: weight_norm of a zero vector is not finite`);
      return weight;
    });
  };
  return { dtype: direction.dtype, shape: direction.shape, read };
}
