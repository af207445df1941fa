import { CliError } from "../errors.ts";
import { foreignKind } from "./foreign.ts";
import { isTable } from "./tensorflow/table.ts";

/** A framework whose models can be converted. */
export type Framework = "pytorch" | "keras" | "onnx";

/**
 * Tells what wrote a file, by its first bytes; ONNX has none of its own and is told by the end of the name.
 *
 * @throws {CliError} when it is none of them
 */
export function detectFramework(bytes: Uint8Array, source: string): Framework {
  const extension = /\.[^./\\]+$/.exec(source.toLowerCase())?.[0] ?? "";
  const start = String.fromCharCode(...bytes.subarray(0, 9));
  // Before the names of files are believed: a pointer of Git LFS or a web page has the name of the model.
  const foreign = foreignKind(bytes, source);
  if (start.startsWith("PK") && foreign !== undefined) throw new CliError(`${source}: ${foreign}`);
  if (start.startsWith("PK")) return extension === ".keras" || holdsKeras(bytes) ? "keras" : "pytorch";
  if (start.startsWith("\x89HDF")) return "keras";
  if (start[8] === "{") {
    if (isModelFile(bytes)) throw new CliError(`${source}: Is a model file of rivulet already`);
    return "pytorch";
  }
  if (isSharded(start, source) || isTable(bytes)) return "keras";
  if (foreign !== undefined && extension !== ".onnx") throw new CliError(`${source}: ${foreign}`);
  if (foreign !== undefined && /^(version|\s*<)/.test(start)) throw new CliError(`${source}: ${foreign}`);
  if (extension === ".onnx") return "onnx";
  if (start.startsWith("\x80") || [".pt", ".pth", ".safetensors"].includes(extension)) return "pytorch";
  if ([".keras", ".h5", ".hdf5"].includes(extension)) return "keras";
  throw new CliError(
    `${source}: Unknown kind of file, expected .safetensors, .pt or .pth (PyTorch), .keras or .h5 (Keras), or .onnx`,
  );
}

/** The index of Keras weights in several files. */
const isSharded = (start: string, source: string): boolean => start.startsWith("{") && source.endsWith(".weights.json");

/** Names of members stand in a zip file as they are. */
const holdsKeras = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("model.weights.h5");

function isModelFile(bytes: Uint8Array): boolean {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + Math.min(length, 2 ** 20)));
  return /^\{"__metadata__": ?\{[^}]*"rivulet":/.test(header);
}
