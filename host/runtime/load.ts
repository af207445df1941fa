import { parseModel } from "../model/model.ts";
import type { Model } from "../model/types.ts";
import { createRuntime } from "./runtime.ts";
import { checkSelftest } from "./selftest.ts";

/** How to load a model. */
export interface LoadOptions {
  /** Whether to run the test vectors in the file; default true. */
  readonly verify?: boolean;
  /** Greatest size of the file in bytes; default 512 MiB. */
  readonly maxBytes?: number;
}

/**
 * Reads a model file and proves it by its own test vectors.
 *
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md or fails its self-test
 */
export async function loadModel(bytes: Uint8Array, options: LoadOptions = {}): Promise<Model> {
  const model = parseModel(bytes, options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes });
  if (options.verify ?? true) checkSelftest(model, createRuntime(model).createSession());
  return model;
}
