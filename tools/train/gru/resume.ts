// A search between two calls of the command: a file beside the model.

import type { Tensor } from "../../../host/model/types.ts";
import type { Weights } from "../../../host/train/types.ts";
import { CliError } from "../../errors.ts";
import { readFileIfExists } from "../../files.ts";
import type { SavedSearch } from "./search.ts";

const KIND = "rivulet search 1";

/** Name of the file of a search whose model is to be `output`. */
export const resumeFile = (output: string): string => `${output}.resume`;

/** The bytes of the file of a search. @param identity what data and options the search is of */
export function writeSearch(search: SavedSearch, identity: string): Uint8Array {
  const replacer = (_: string, value: unknown) => {
    if (value instanceof Map) return { map: [...value] };
    if (value instanceof Float32Array) return { f32: base64(value) };
    if (value instanceof Uint8Array) return { bytes: base64(value) };
    return value;
  };
  return Buffer.from(JSON.stringify({ kind: KIND, identity, search }, replacer));
}

/**
 * Reads a search that was broken off.
 *
 * @throws {CliError} when there is none, or one of other data or options
 */
export function readSearch(output: string, identity: string): SavedSearch {
  const file = resumeFile(output);
  const bytes = readFileIfExists(file);
  if (bytes === undefined) throw new CliError(`${file}: There is no search to go on with; leave --resume out`);
  const parsed = parse(bytes);
  if (parsed?.kind !== KIND) throw new CliError(`${file}: Is damaged, or of another version; leave --resume out`);
  if (parsed.identity !== identity) {
    throw new CliError(`${file}: Is of other data or options; call it with those of before, or leave --resume out`);
  }
  return parsed.search;
}

function parse(bytes: Uint8Array): { kind: string; identity: string; search: SavedSearch } | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes), (_, value) => {
      if (typeof value?.f32 === "string") return new Float32Array(fromBase64(value.f32).buffer);
      if (typeof value?.bytes === "string") return fromBase64(value.bytes);
      if (Array.isArray(value?.map)) return new Map<string, Tensor>(value.map) satisfies Weights;
      return value;
    });
  } catch {
    return undefined;
  }
}

const base64 = ({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");

/** Bytes in a buffer of their own, as typed arrays need it. */
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, "base64"));
