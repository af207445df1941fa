// Weights that a state dict holds in two parts: weight_norm (magnitude and direction) and pruning (values and mask).

import { showKey } from "../../../host/model/json.ts";
import { CliError } from "../../errors.ts";
import type { SourceTensor } from "./elements.ts";

/**
 * Replaces pairs of tensors by the weights that they stand for, in place.
 *
 * @throws {CliError} when a weight stands beside its own pair, or a pair does not fit
 */
export function mergePairs(tensors: Map<string, SourceTensor>, source: string): void {
  mergeWeightNorm(tensors, source);
  mergePruned(tensors, source);
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

/** torch.nn.utils.prune: the weight NAME is NAME_orig * NAME_mask. */
function mergePruned(tensors: Map<string, SourceTensor>, source: string): void {
  for (const [key, values] of [...tensors]) {
    const name = key.replace(/_orig$/, "");
    const mask = tensors.get(`${name}_mask`);
    if (name === key || mask === undefined) continue;
    const where = `${source}: ${showKey(name)}`;
    if (tensors.has(name)) throw new CliError(`${where} stands beside its own _orig and _mask; see prune.remove`);
    if (values.shape.join() !== mask.shape.join()) {
      const shapes = `[${values.shape.join(", ")}] and [${mask.shape.join(", ")}]`;
      throw new CliError(`${where}: _orig and _mask have the shapes ${shapes}, expected the same`);
    }
    tensors.delete(key);
    tensors.delete(`${name}_mask`);
    const read = () => {
      const factors = mask.read();
      return values.read().map((value, i) => value * (factors[i] as number));
    };
    tensors.set(name, { dtype: values.dtype, shape: values.shape, read });
  }
}
