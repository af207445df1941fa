import { CliError } from "../errors.ts";

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
  if (start.startsWith("PK")) return extension === ".keras" || holdsKeras(bytes) ? "keras" : "pytorch";
  if (start.startsWith("\x89HDF")) return "keras";
  if (start[8] === "{") {
    if (isModelFile(bytes)) throw new CliError(`${source}: Is a model file of rivulet already`);
    return "pytorch";
  }
  if (extension === ".onnx") return "onnx";
  if (start.startsWith("\x80") || [".pt", ".pth", ".safetensors"].includes(extension)) return "pytorch";
  if ([".keras", ".h5", ".hdf5"].includes(extension)) return "keras";
  if (start.slice(4, 8) === "TFL3") {
    throw new CliError(
      `${source}: Is a TensorFlow Lite model, which cannot be converted; take the .keras file it was made from`,
    );
  }
  throw new CliError(
    `${source}: Unknown kind of file, expected .safetensors, .pt or .pth (PyTorch), .keras or .h5 (Keras), or .onnx`,
  );
}

/** Names of members stand in a zip file as they are. */
const holdsKeras = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("model.weights.h5");

function isModelFile(bytes: Uint8Array): boolean {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const header = new TextDecoder().decode(bytes.subarray(8, 8 + Math.min(length, 2 ** 20)));
  return /^\{"__metadata__": ?\{[^}]*"rivulet":/.test(header);
}
