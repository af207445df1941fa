// Typed access to the attributes of a layer. An attribute that nobody knows is refused: it may change what the layer computes.

import { CliError, showJson } from "../../errors.ts";
import type { LayerConfig } from "./layer-config.ts";

/** Attributes that do not change what a trained layer computes. */
const HARMLESS =
  /^(name|trainable|dtype|batch_shape|batch_input_shape|input_shape|input_dtype|sparse|ragged|optional|seed|unroll|implementation|stateful|momentum|renorm_momentum|input_length|input_dim|embeddings_initializer|synchronized|zero_output_for_mask|build_config|\w+_(initializer|regularizer|constraint))$/;

const MAX_SIZE = 65_535;

/** Reads attributes of one layer, and remembers which were asked for. */
export class Attributes {
  readonly #layer: LayerConfig;
  readonly #known = new Set<string>();

  constructor(layer: LayerConfig) {
    this.#layer = layer;
  }

  /** The error of an attribute that cannot be honoured, with its remedy. */
  refusal(name: string, remedy: string): CliError {
    const value = showJson(this.#layer.attributes[name], 100);
    return new CliError(`${this.#layer.where}: ${name} is ${value}; ${remedy}`);
  }

  /** The value itself. */
  raw(name: string): unknown {
    this.#known.add(name);
    return this.#layer.attributes[name];
  }

  /** A whole number of 1..65535. */
  size(name: string): number {
    const value = this.raw(name);
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_SIZE) return value;
    throw this.refusal(name, `expected a whole number of 1 to ${MAX_SIZE}`);
  }

  /** A number; `fallback` when it is absent or null. */
  number(name: string, fallback: number): number {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.refusal(name, "expected a number");
  }

  /** A truth value; `fallback` when it is absent. */
  flag(name: string, fallback: boolean): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.refusal(name, "expected true or false");
  }

  /** Refuses a flag that is set. */
  refuseFlag(name: string, remedy: string): void {
    if (this.flag(name, false)) throw this.refusal(name, remedy);
  }

  /** Marks attributes that need no look. */
  ignore(...names: string[]): void {
    for (const name of names) this.#known.add(name);
  }

  /** Name of the policy by which the layer computes, as `mixed_float16`; float32 when it has none. */
  get policy(): string {
    return policyOf(this.#layer.attributes.dtype);
  }

  /** Refuses attributes that were not asked for, unless they are off. */
  finish(): void {
    this.#checkDtype();
    for (const [name, value] of Object.entries(this.#layer.attributes)) {
      if (this.#known.has(name) || HARMLESS.test(name) || value === null || value === false) continue;
      throw this.refusal(
        name,
        "this attribute is not known; rebuild the layer without it and load the weights into it",
      );
    }
  }

  /** Accepts floating-point policies; weights of quantized ones are codes. */
  #checkDtype(): void {
    if (/^(mixed_)?(float(16|32|64)|bfloat16)$/.test(this.policy)) return;
    throw this.refusal("dtype", "convert the model before it is quantized");
  }
}

/** Name of a policy, which Keras stores as a text or as an object. */
export function policyOf(dtype: unknown): string {
  const policy = dtype as { class_name?: unknown; config?: { name?: unknown } } | string | null | undefined;
  const name = typeof policy === "object" && policy !== null ? policy.config?.name : policy;
  return name === undefined || name === null ? "float32" : String(name);
}
