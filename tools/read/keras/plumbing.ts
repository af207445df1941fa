// Layers that pick or reshape: `x[:, -1]`, and Flatten after the last step.

import { CliError } from "../../errors.ts";
import type { Attributes } from "./attributes.ts";
import type { Context } from "./context.ts";
import type { LayerConfig } from "./layer-config.ts";

/** Flatten of one step's values changes nothing. */
export function addFlatten(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("data_format");
  if (context.rank === 2) return;
  throw new CliError(
    `${layer.where}: Flattens all steps of a window into one vector, so that the layers after it need the whole window at once; train with return_sequences=False in the GRU before it`,
  );
}

/** `x[:, -1]` of Keras 3. */
export function addGetItem(layer: LayerConfig, _attributes: Attributes, context: Context): void {
  const [call] = Array.isArray(layer.calls) ? layer.calls : [];
  const { args } = (call ?? {}) as { args?: unknown };
  takeLastStep(layer, Array.isArray(args) ? args[1] : undefined, context);
}

/** `x[:, -1]` of Keras 2. */
export function addSlicing(layer: LayerConfig, attributes: Attributes, context: Context): void {
  attributes.ignore("function");
  const { calls } = layer;
  const parts: unknown[] = Array.isArray(calls) ? calls.flat(2) : [];
  const keywords = parts.find((part) => typeof part === "object" && part !== null && "slice_spec" in part);
  takeLastStep(layer, (keywords as { slice_spec?: unknown } | undefined)?.slice_spec, context);
}

function takeLastStep(layer: LayerConfig, spec: unknown, context: Context): void {
  const items: unknown[] = Array.isArray(spec) ? spec : [];
  const [batch, step, ...values] = items;
  const takesLast = step === -1 && isWhole(batch) && values.length < 2 && values.every(isWhole);
  if (context.rank !== 3 || !takesLast) {
    throw new CliError(
      `${layer.where}: Takes a part of a tensor; only the last step of a sequence is read, as x[:, -1] or x[:, -1, :]`,
    );
  }
  context.rank = 2;
}

/** A slice without bounds, as both versions store it. */
function isWhole(item: unknown): boolean {
  if (typeof item !== "object" || item === null) return false;
  const { config, ...own } = item as { config?: unknown };
  const slice = (config ?? own) as { start?: unknown; stop?: unknown; step?: unknown };
  return slice.start == null && slice.stop == null && (slice.step == null || slice.step === 1);
}
