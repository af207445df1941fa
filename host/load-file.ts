import { ModelFormatError } from "./model/errors.ts";
import { MAX_FILE_BYTES } from "./model/limits.ts";
import type { Model } from "./model/types.ts";
import { FileRefusal, readRegularFile } from "./regular-file.ts";
import { type LoadOptions, loadModel as loadModelFrom } from "./runtime/load.ts";
import type { ModelSource } from "./runtime/source.ts";

/**
 * Loads a model and proves it by its own test vectors.
 *
 * @param source  the path or `file:` URL of a model file; or what the library for browsers takes: bytes, a Response, a Blob, or an
 *   address of another scheme to fetch
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md or fails its self-test; `field` is the path when it is not read: too
 *   large, no regular file, or not beginning like a model file
 * @throws {TypeError} when the source is of no kind that is taken, or a Response whose body was read before
 * @throws {Error} when the file cannot be read or fetched
 */
export async function loadModel(source: ModelSource, options: LoadOptions = {}): Promise<Model> {
  const file = fileOf(source);
  if (file === undefined) return loadModelFrom(source, options);
  return loadModelFrom(readModelFile(file, options.maxBytes ?? MAX_FILE_BYTES), options);
}

/** The file that a source names; undefined when it names none. */
function fileOf(source: ModelSource): string | URL | undefined {
  if (typeof source === "string") {
    if (/^file:\/\//i.test(source)) return new URL(source);
    return /^(https?:\/\/|data:|blob:)/i.test(source) ? undefined : source;
  }
  return source instanceof URL && source.protocol === "file:" ? source : undefined;
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
