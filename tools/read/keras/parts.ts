// What the readers of several layers need.

import { CliError } from "../../errors.ts";
import type { Attributes } from "./attributes.ts";
import { refuseCustom } from "./config.ts";
import type { Hdf5Dataset } from "./hdf5.ts";
import type { LayerConfig } from "./layer-config.ts";

/**
 * The layer or cell inside of a layer; its weights are stored with the outer one.
 *
 * @throws {CliError} when it is none of the classes
 */
export function inner(
  layer: LayerConfig,
  attributes: Attributes,
  name: string,
  classes: readonly string[],
): LayerConfig {
  const value = attributes.raw(name) as { class_name?: unknown; config?: unknown } | null | undefined;
  const { class_name: className, config } = value ?? {};
  if (value) refuseCustom({ ...value }, layer.where);
  if (typeof className !== "string" || !classes.includes(className)) {
    throw new CliError(
      `${layer.where}: ${name} is ${String(className).slice(0, 80)}; only ${classes.join(", ")} of Keras is read in a ${layer.className}`,
    );
  }
  if (typeof config !== "object" || config === null) throw new CliError(`${layer.where}: ${name} has no config`);
  return { ...layer, className, attributes: config as LayerConfig["attributes"] };
}

/** The name of an activation, which old and new versions of Keras store as a string; missing or null is linear. */
export function activationOf(attributes: Attributes, name: string): string {
  const value = attributes.raw(name) ?? "linear";
  if (typeof value === "string") return value;
  throw attributes.refusal(name, "expected the name of an activation of Keras");
}

/** Refuses weights of another shape than the configuration says. */
export function checkShape(
  layer: LayerConfig,
  name: string,
  { shape }: Hdf5Dataset,
  expected: readonly number[],
): void {
  if (shape.length === expected.length && shape.every((size, i) => size === expected[i])) return;
  throw new CliError(
    `${layer.where}: ${name} has the shape [${shape.join(", ")}], expected [${expected.join(", ")}]; the weights belong to another model`,
  );
}
