// A `.keras` file is a zip of config.json, metadata.json and model.weights.h5.

import { CliError } from "../../errors.ts";
import { readZip } from "../zip.ts";

/** The parts of a `.keras` archive. */
export interface KerasArchive {
  /** Text of config.json. */
  readonly config: string;
  /** Version of Keras that wrote it, when the archive says so. */
  readonly version?: string;
  /** Bytes of model.weights.h5. */
  readonly weights: Uint8Array;
}

/** Whether the bytes start like a zip archive. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b;
}

/**
 * Unpacks a `.keras` file.
 *
 * @throws {CliError} when it is damaged, a part is missing, or it is too large
 */
export function readArchive(bytes: Uint8Array, path: string): KerasArchive {
  const parts = readZip(bytes, path);
  const part = (name: string) => {
    const found = parts.get(name);
    if (!found)
      throw new CliError(`${path}: Not a .keras file: ${name} is missing; save it with model.save("x.keras")`);
    return found;
  };
  const weights = part("model.weights.h5");
  const config = decodeText(part("config.json"), `${path}: config.json`);
  const metadata = parts.get("metadata.json");
  const version = metadata && versionIn(decodeText(metadata, `${path}: metadata.json`));
  return { config, weights, ...(version !== undefined && { version }) };
}

/** UTF-8 text; refuses anything else. */
function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CliError(`${where}: Not UTF-8 text; copy or save the file again`, { cause });
  }
}

/** `keras_version` in a JSON text; undefined when it says none. */
export function versionIn(text: string): string | undefined {
  try {
    const version: unknown = JSON.parse(text).keras_version;
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
