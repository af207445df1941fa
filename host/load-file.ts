import { ModelFormatError } from "./model/errors.ts";
import { MAX_FILE_BYTES } from "./model/limits.ts";
import type { Model } from "./model/types.ts";
import { FileRefusal, readRegularFile } from "./regular-file.ts";
import { type LoadOptions, loadModel as loadModelBytes } from "./runtime/load.ts";

/**
 * Loads a model from its bytes or from a file, and proves it by its own test vectors.
 *
 * @param source  bytes, or the path or file URL of a model file
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md or fails its self-test; `field` is the path when it is not read: too
 *   large, no regular file, or not beginning like a model file
 * @throws {Error} when the file cannot be read
 */
export async function loadModel(source: Uint8Array | string | URL, options: LoadOptions = {}): Promise<Model> {
  if (source instanceof Uint8Array) return loadModelBytes(source, options);
  return loadModelBytes(readModelFile(source, options.maxBytes ?? MAX_FILE_BYTES), options);
}

function readModelFile(source: string | URL, maxBytes: number): Uint8Array {
  try {
    return readRegularFile(source, maxBytes, checkHead);
  } catch (error) {
    if (!(error instanceof FileRefusal)) throw error;
    const text = error.message.charAt(0).toLowerCase() + error.message.slice(1);
    throw new ModelFormatError(`${source}`, text, { cause: error });
  }
}

/** A safetensors file begins with the length of its header and the header, a JSON object; shorter files say more by being parsed. */
function checkHead(head: Uint8Array): void {
  if (head.length > 8 && head[8] !== 0x7b)
    throw new FileRefusal("Is no safetensors file: its header does not begin with {");
}
