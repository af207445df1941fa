// Names the modules that no GRU chain has, by the names and shapes of the weights that are left over.

import { showKey } from "../../../host/model/json.ts";
import type { Weights } from "./weights.ts";

const CHAIN = "Rivulet runs GRU layers with dense ones around them";

/** What a module is taken for, and the nearest way that works. */
function describe(weights: Weights, path: string): string | undefined {
  const shape = (part: string) => weights.shapeOf(`${path}${part}`);
  const has = (part: string) => weights.has(`${path}${part}`);
  if (has("in_proj_weight") || has("q_proj.weight")) {
    return "nn.MultiheadAttention: it looks at the whole sequence at every step and cannot be streamed; train without it";
  }
  if (shape("weight").length >= 3) {
    const axes = shape("weight").length - 2;
    return `nn.Conv${axes}d: a convolution needs a window of samples; train without it, with its features as inputs of the model`;
  }
  if (shape("weight").length === 1 && has("bias")) {
    return "nn.LayerNorm (or GroupNorm): it divides by the deviation of the values of each step, which no weight can take in; train with nn.BatchNorm1d, which is folded into its neighbours, or without";
  }
  if (shape("weight").length === 1) {
    return "nn.RMSNorm, nn.LayerNorm without bias or nn.PReLU with a slope for each value; the file does not say which: for nn.PReLU, give --map with activation: prelu and slope in its dense layer; train without the others";
  }
  return undefined;
}

/**
 * Refuses modules that are known by their weights, but not computed.
 *
 * @throws {CliError} that names the module, and the nearest way that works
 */
export function refuseUnknown(weights: Weights): void {
  for (const name of weights.unused) {
    const path = name.slice(0, name.lastIndexOf(".") + 1);
    const found = describe(weights, path);
    if (found === undefined) continue;
    const own = weights.unused.filter((other) => other.slice(0, other.lastIndexOf(".") + 1) === path);
    const shapes = own.slice(0, 4).map((other) => `${showKey(other)} [${weights.shapeOf(other).join(", ")}]`);
    throw weights.fail(`${path.slice(0, -1) || "The model"} (${shapes.join(", ")}) is ${found}. ${CHAIN}`);
  }
}
