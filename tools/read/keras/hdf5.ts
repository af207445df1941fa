// Reads what Keras stores in HDF5 by way of h5wasm: a few text attributes, and numeric datasets in single precision.

import { createContext, isContext, Script } from "node:vm";
import type { Dataset, File, Group, Metadata } from "h5wasm";
import { MAX_FILE_BYTES } from "../../../host/model/limits.ts";
import { CliError } from "../../errors.ts";
import { fromHalf } from "../half.ts";

/** A numeric dataset, row-major. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What a file holds, by path without a leading slash; the root is "". */
export interface Hdf5Content {
  readonly attributes: ReadonlyMap<string, string | readonly string[]>;
  readonly datasets: ReadonlyMap<string, Hdf5Dataset>;
}

/** The attributes that matter; one named `x` of group `a/b` has the key `a/b@x`. */
const ATTRIBUTES = ["model_config", "keras_version", "weight_names", "name", "dtype"];

/** Groups of the root that hold the state of the training, not of the model. */
const TRAINING = ["optimizer", "optimizer_weights", "metrics", "compile_metrics", "loss", "_optimizer"];

const MAX_OBJECTS = 20_000;
const MAX_DEPTH = 16;
/** Deflate packs at most 1032 to 1. */
const MAX_RATIO = 1032;
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Classes of HDF5 datatypes, as numbered by the library. */
const CLASS_INTEGER = 0;
const CLASS_FLOAT = 1;
const CLASS_OPAQUE = 5;

type H5wasm = typeof import("h5wasm");
type Library = Awaited<H5wasm["ready"]>;

/** Whether the bytes start like an HDF5 file. */
export function isHdf5(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads a whole HDF5 file but the state of its training.
 *
 * @param timeLimitMs  how long the library may take, since damaged files can make it loop; by default 10 s and 1 s for 10 MB
 * @throws {CliError} when it is damaged or holds what Keras does not write
 */
export async function readHdf5(
  bytes: Uint8Array,
  where: string,
  timeLimitMs = 10_000 + Math.ceil(bytes.length / 10_000),
): Promise<Hdf5Content> {
  if (bytes.length > MAX_FILE_BYTES)
    throw new CliError(`${where}: ${bytes.length} bytes; at most ${MAX_FILE_BYTES} are read`);
  if (!isHdf5(bytes)) throw new CliError(`${where}: Not an HDF5 file; copy or save it again`);
  if (isSpent) throw new CliError(`${where}: The HDF5 library broke at a file before this one; start again`);
  const h5wasm = await import("h5wasm");
  const library = await h5wasm.ready;
  pristine ??= usedPart(library.HEAPU8);
  try {
    const maxBytes = MEMORY_BYTES + 8 * bytes.length;
    return withMemory(maxBytes, () => within(timeLimitMs, () => readFile(h5wasm, bytes, where)));
  } catch (cause) {
    restore(library, pristine);
    if (cause instanceof CliError) throw cause;
    throw new CliError(`${where}: Damaged HDF5 file (${messageOf(cause)}); copy or save it again`, { cause });
  }
}

/**
 * Memory of the library before its first file: one that made it fail can leave anything behind, for the next to stumble over. What
 * cannot be put back is the stack that each failure uses up: after some thousands the library is spent, so a process that reads
 * that many damaged files must read them in threads.
 */
let pristine: Uint8Array | undefined;

/** Whether the memory could not be put back. */
let isSpent = false;

function restore(library: Library, memory: Uint8Array): void {
  // Stopped while its memory grew, the library has lost its view of it.
  isSpent = library.HEAPU8.length === 0;
  if (!isSpent) library.HEAPU8.set(memory);
}

/** A copy without the zeros at the end: memory that was not asked for yet, about which the library assumes nothing. */
function usedPart(memory: Uint8Array): Uint8Array {
  return memory.slice(0, memory.findLastIndex((byte) => byte !== 0) + 1);
}

/** Shared by all calls: a new context takes longer than to read a small file. */
const context: { run?: (() => unknown) | undefined } = {};
const call = new Script("run()");

/** Runs a function that may never end: of all that JavaScript offers, only Node's `vm` stops a loop in the same thread. */
function within<T>(timeLimitMs: number, run: () => T): T {
  context.run = run;
  if (!isContext(context)) createContext(context);
  try {
    return call.runInContext(context, { timeout: timeLimitMs });
  } finally {
    context.run = undefined;
  }
}

/** Memory of the library for small files. */
const MEMORY_BYTES = 2 ** 28;

/**
 * Runs a function while WebAssembly memories stay within `maxBytes`: a damaged file can have the library ask for gigabytes. It takes
 * the refusal of the engine for a failed allocation, and ends with an error of its own.
 */
function withMemory<T>(maxBytes: number, run: () => T): T {
  const { prototype } = WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (this: WebAssembly.Memory, pages: number): number {
    if (this.buffer.byteLength + 65536 * pages > maxBytes) throw new RangeError(`More than ${maxBytes} bytes`);
    return grow.call(this, pages);
  };
  try {
    return run();
  } finally {
    prototype.grow = grow;
  }
}

/** Reads a file by way of the file system of the library, in memory. */
function readFile(h5wasm: H5wasm, bytes: Uint8Array, where: string): Hdf5Content {
  const { Module: library } = h5wasm;
  library.activate_throwing_error_handler(); // it prints its errors otherwise
  const name = "/source.h5";
  library.FS.writeFile(name, bytes);
  const file = new h5wasm.File(name, "r");
  try {
    const attributes = new Map<string, string | readonly string[]>();
    const datasets = new Map<string, Hdf5Dataset>();
    const limits = { objects: 0, bytes: 0, fileBytes: bytes.length };
    visit(file, "", 0, { h5wasm, library, where, attributes, datasets, ...limits });
    return { attributes, datasets };
  } finally {
    closeQuietly(file);
  }
}

/** Closes a file; what was read is right, or already refused. */
function closeQuietly(file: File): void {
  try {
    file.close();
  } catch {
    // The library cannot close a file that it could not read.
  }
}

/** What a walk through a file needs and gathers. */
interface Walk {
  readonly h5wasm: H5wasm;
  readonly library: Library;
  readonly fileBytes: number;
  readonly where: string;
  readonly attributes: Map<string, string | readonly string[]>;
  readonly datasets: Map<string, Hdf5Dataset>;
  objects: number;
  bytes: number;
}

/** Gathers a group and all that is below it. */
function visit(group: Group, path: string, depth: number, walk: Walk): void {
  const { where } = walk;
  if (depth > MAX_DEPTH) throw new CliError(`${where}: Groups nested more than ${MAX_DEPTH} deep at ${path}`);
  readAttributes(group, path, walk);
  for (const key of group.keys()) {
    if (path === "" && TRAINING.includes(key)) continue;
    if (++walk.objects > MAX_OBJECTS) throw new CliError(`${where}: More than ${MAX_OBJECTS} groups and datasets`);
    const below = path === "" ? key : `${path}/${key}`;
    const entity = group.get(key);
    if (entity instanceof walk.h5wasm.Group) visit(entity, below, depth + 1, walk);
    else if (entity instanceof walk.h5wasm.Dataset) {
      readAttributes(entity, below, walk);
      walk.datasets.set(below, readDataset(entity, below, walk));
    } else throw new CliError(`${where}: ${below} is neither a group nor a dataset; copy or save the file again`);
  }
}

/** Adds the known attributes of an object that are texts or lists of texts; an empty list may have any type. */
function readAttributes(object: Group | Dataset, path: string, walk: Walk): void {
  const { library, attributes } = walk;
  for (const name of library.get_attribute_names(object.file_id, object.path)) {
    if (!ATTRIBUTES.includes(name)) continue;
    const key = `${path}@${name}`;
    sizeOf(library.get_attribute_metadata(object.file_id, object.path, name), 1, walk, key);
    const value = object.get_attribute(name, false);
    if (typeof value === "string") attributes.set(key, value);
    else if (Array.isArray(value) && value.every((text) => typeof text === "string")) {
      attributes.set(key, value as string[]);
    } else if (ArrayBuffer.isView(value) && value.byteLength === 0) attributes.set(key, []);
  }
}

/** Bytes of a value in memory, before the library takes them; refuses what a file of that size cannot hold. */
function sizeOf({ size, total_size }: Metadata, ratio: number, { fileBytes, where }: Walk, path: string): number {
  const bytes = Number(size) * Number(total_size);
  if (bytes >= 0 && bytes <= fileBytes * ratio) return bytes;
  throw new CliError(`${where}: ${path} has ${bytes} bytes in a file of ${fileBytes}; copy or save the file again`);
}

/** Values of a dataset of floats or integers. */
function readDataset(dataset: Dataset, path: string, walk: Walk): Hdf5Dataset {
  const where = `${walk.where}: ${path}`;
  const dtype = walk.attributes.get(`${path}@dtype`);
  const { type, size, shape, total_size, littleEndian, signed } = dataset.metadata;
  const count = Number(total_size);
  walk.bytes += sizeOf(dataset.metadata, dataset.filters.length > 0 ? MAX_RATIO : 1, walk, path);
  if (walk.bytes > MAX_FILE_BYTES) throw new CliError(`${where}: More than ${MAX_FILE_BYTES} bytes of datasets`);
  const isBfloat16 = dtype === "bfloat16" && size === 2;
  if (shape === null || ![CLASS_INTEGER, CLASS_FLOAT, ...(isBfloat16 ? [CLASS_OPAQUE] : [])].includes(type)) {
    throw new CliError(`${where}: Not a dataset of numbers; save the model with float32 weights`);
  }
  const kind = isBfloat16 ? "bfloat16" : `${type === CLASS_FLOAT ? "float" : signed ? "int" : "uint"}${8 * size}`;
  const read = READ[kind];
  if (!read) throw new CliError(`${where}: Holds ${kind} values; save the model with float32 weights`);
  const values = new Float32Array(count);
  if (count > 0) {
    const bytes = rawBytes(dataset, walk.library, count * size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i++) values[i] = read(view, i * size, isBfloat16 || littleEndian);
  }
  return { shape: shape.map(Number), values };
}

/** The elements as they are stored: h5wasm itself does not read two-byte floats. */
function rawBytes(dataset: Dataset, library: Library, bytes: number): Uint8Array {
  const pointer = library._malloc(bytes);
  if (pointer === 0) throw new Error(`no memory for ${bytes} bytes`);
  try {
    library.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(pointer));
    return library.HEAPU8.slice(pointer, pointer + bytes);
  } finally {
    library._free(pointer);
  }
}

/** Reads one element at a byte offset. */
const READ: Readonly<Record<string, (view: DataView, at: number, isLittle: boolean) => number>> = {
  float64: (view, at, isLittle) => view.getFloat64(at, isLittle),
  float32: (view, at, isLittle) => view.getFloat32(at, isLittle),
  float16: (view, at, isLittle) => fromHalf(view.getUint16(at, isLittle)),
  bfloat16: (view, at, isLittle) => bfloat16(view.getUint16(at, isLittle)),
  int64: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
  uint64: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
  int32: (view, at, isLittle) => view.getInt32(at, isLittle),
  uint32: (view, at, isLittle) => view.getUint32(at, isLittle),
  int8: (view, at) => view.getInt8(at),
  uint8: (view, at) => view.getUint8(at),
};

const WORD = new DataView(new ArrayBuffer(4));

/** The value of the 16 bits of a bfloat16: the upper half of a binary32. */
function bfloat16(bits: number): number {
  WORD.setUint32(0, (bits << 16) >>> 0);
  return WORD.getFloat32(0);
}

/** What the library threw, which may be anything, in one line: of its own traces the innermost reason. */
function messageOf(thrown: unknown): string {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }; // of another context, so no instanceof
  if (code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return "it takes too long to read";
  const text = typeof message === "string" ? message : String(thrown);
  const reasons = [...text.matchAll(/ in \w+\(\): (.+)/g)].map((match) => match[1]);
  return (reasons.at(-1) ?? text.split("\n")[0] ?? "").trim().slice(0, 200) || "no reason given";
}
