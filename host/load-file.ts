import { readFile, stat } from "node:fs/promises";
import { ModelFormatError } from "./model/errors.ts";
import { MAX_FILE_BYTES } from "./model/limits.ts";
import type { Model } from "./model/types.ts";
import { type LoadOptions, loadModel as loadModelBytes } from "./runtime/load.ts";

/**
 * Loads a model from its bytes or from a file, and proves it by its own test vectors.
 *
 * @param source  bytes, or the path or file URL of a model file
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md or fails its self-test; `field` is the path when it is too large
 * @throws {Error} when the file cannot be read
 */
export async function loadModel(source: Uint8Array | string | URL, options: LoadOptions = {}): Promise<Model> {
  if (source instanceof Uint8Array) return loadModelBytes(source, options);
  const limit = options.maxBytes ?? MAX_FILE_BYTES;
  // Asked before reading: a file of many gigabytes must not fill the memory first.
  const { size } = await stat(source);
  if (size > limit) throw new ModelFormatError(`${source}`, `file has ${size} bytes, at most ${limit} are accepted`);
  return loadModelBytes(await readFile(source), options);
}
