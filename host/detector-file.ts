import { type DetectorFile, parseDetector } from "./detect/file.ts";
import { ModelFormatError } from "./model/errors.ts";
import { FileRefusal, readRegularFile } from "./regular-file.ts";

/** Longest file of a detector, bytes: 64 channels take less than 100 KB. */
const MOST_BYTES = 1 << 20;

/**
 * Reads a detector from a file of `rivulet calibrate`.
 *
 * @throws {ModelFormatError} when it breaks a rule of FORMAT.md 8, or is too large for a detector
 * @throws {Error} when it cannot be read
 */
export function loadDetector(path: string): DetectorFile {
  let bytes: Uint8Array;
  try {
    bytes = readRegularFile(path, MOST_BYTES);
  } catch (error) {
    if (!(error instanceof FileRefusal)) throw error;
    throw new ModelFormatError(path, error.message.charAt(0).toLowerCase() + error.message.slice(1), { cause: error });
  }
  return parseDetector(bytes);
}
