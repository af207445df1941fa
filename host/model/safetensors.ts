// The safetensors container with the stricter rules of FORMAT.md 2.
//
//   offset  bytes
//   0       8      u64 header length n
//   8       n      JSON: { name: { dtype, shape, data_offsets: [begin, end] }, "__metadata__": { key: text } }
//   8 + n          data; offsets count from here

import { ModelFormatError } from "./errors.ts";
import { isObject, parseJson, show, showKey } from "./json.ts";
import { MAX_FILE_BYTES } from "./limits.ts";
import type { Dtype, Tensor } from "./types.ts";

const MAX_HEADER_BYTES = 2 ** 20;
const LENGTH_BYTES = 8;
/** Printable ASCII, so that a name can stand in an error message. */
const NAME = /^[\x20-\x7e]{1,64}$/;
const ENTRY_FIELDS = ["dtype", "shape", "data_offsets"];

interface Codec {
  readonly size: number;
  create(count: number): Tensor["data"];
  get(view: DataView, offset: number): number;
  set(view: DataView, offset: number, value: number): void;
}

// DataView, not a view of the file's buffer: tensors come out aligned and in host byte order on every machine.
const CODECS: Readonly<Record<Dtype, Codec>> = {
  F32: {
    size: 4,
    create: (count) => new Float32Array(count),
    get: (view, offset) => view.getFloat32(offset, true),
    set: (view, offset, value) => view.setFloat32(offset, value, true),
  },
  I32: {
    size: 4,
    create: (count) => new Int32Array(count),
    get: (view, offset) => view.getInt32(offset, true),
    set: (view, offset, value) => view.setInt32(offset, value, true),
  },
  I16: {
    size: 2,
    create: (count) => new Int16Array(count),
    get: (view, offset) => view.getInt16(offset, true),
    set: (view, offset, value) => view.setInt16(offset, value, true),
  },
  I8: {
    size: 1,
    create: (count) => new Int8Array(count),
    get: (view, offset) => view.getInt8(offset),
    set: (view, offset, value) => view.setInt8(offset, value),
  },
};

/** The content of a safetensors file. */
export interface Container {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads a safetensors file; the tensors are copies.
 *
 * @throws {ModelFormatError} when the file breaks a rule of FORMAT.md 2
 */
export function readContainer(bytes: Uint8Array, maxBytes = MAX_FILE_BYTES): Container {
  if (bytes.length > maxBytes) {
    throw new ModelFormatError("file", `${bytes.length} bytes, at most ${maxBytes} are allowed`);
  }
  const { header, dataStart } = readHeader(bytes);
  const entries: Entry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") metadata = readMetadata(value);
    else entries.push(readEntry(name, value));
  }
  checkLayout(entries, bytes.length - dataStart);
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart, bytes.length - dataStart);
  return { metadata, tensors: new Map(entries.map((entry) => [entry.name, readTensor(view, entry)])) };
}

function readHeader(bytes: Uint8Array): { header: Readonly<Record<string, unknown>>; dataStart: number } {
  if (bytes.length < LENGTH_BYTES) {
    throw new ModelFormatError("file", `${bytes.length} bytes, too short for a model file; it is empty or cut off`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES);
  const headerBytes = view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new ModelFormatError(
      "header",
      `length ${headerBytes}, at most ${MAX_HEADER_BYTES} bytes are allowed; is this a safetensors file?`,
    );
  }
  const dataStart = LENGTH_BYTES + headerBytes;
  if (dataStart > bytes.length) {
    throw new ModelFormatError("header", `ends at byte ${dataStart}, the file at byte ${bytes.length}; it is cut off`);
  }
  // A copy, because TextDecoder refuses views of shared memory.
  const text = decodeUtf8(bytes.slice(LENGTH_BYTES, dataStart));
  if (!text.startsWith("{"))
    throw new ModelFormatError("header", `starts with ${show(text.slice(0, 1))}, expected "{"`);
  return { header: parseJson(text, "header") as Readonly<Record<string, unknown>>, dataStart };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ModelFormatError("header", "not UTF-8 text", { cause });
  }
}

function readMetadata(value: unknown): ReadonlyMap<string, string> {
  if (!isObject(value)) throw new ModelFormatError("__metadata__", `found ${show(value)}, expected an object`);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") {
      throw new ModelFormatError(`__metadata__.${showKey(key)}`, `found ${show(text)}, expected a string`);
    }
  }
  return new Map(Object.entries(value as Readonly<Record<string, string>>));
}

function readEntry(name: string, value: unknown): Entry {
  if (!NAME.test(name))
    throw new ModelFormatError("header", `tensor name ${show(name)}, expected 1 to 64 ASCII characters`);
  if (!isObject(value)) throw new ModelFormatError(name, `found ${show(value)}, expected an object`);
  for (const field of Object.keys(value)) {
    if (!ENTRY_FIELDS.includes(field)) throw new ModelFormatError(name, `unknown field ${show(field)}`);
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(CODECS, dtype)) {
    throw new ModelFormatError(name, `dtype ${show(dtype)}, expected one of ${Object.keys(CODECS).join(", ")}`);
  }
  if (!isCounts(shape)) throw new ModelFormatError(name, "shape is not an array of integers from 0");
  if (shape.includes(0)) throw new ModelFormatError(name, `shape [${shape.join(", ")}] is empty`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw new ModelFormatError(name, "data_offsets is not a pair of integers from 0");
  }
  const [begin = 0, end = 0] = offsets;
  const { size } = CODECS[dtype as Dtype];
  const needed = shape.reduce((product, length) => product * length, size);
  if (end - begin !== needed) {
    const found = `data_offsets [${begin}, ${end}] span ${end - begin}`;
    throw new ModelFormatError(name, `${dtype} [${shape.join(", ")}] needs ${needed} bytes, ${found}`);
  }
  if (begin % size !== 0) throw new ModelFormatError(name, `starts at ${begin}, expected a multiple of ${size}`);
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

const isCounts = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);

/** Checks that the tensors cover the data once and completely. */
function checkLayout(entries: readonly Entry[], dataBytes: number): void {
  let covered = 0;
  let previous = "the header";
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin)) {
    if (begin < covered)
      throw new ModelFormatError(name, `starts at ${begin} and overlaps ${previous}, which ends at ${covered}`);
    if (begin > covered)
      throw new ModelFormatError(name, `starts at ${begin}, ${previous} ends at ${covered}; holes are not allowed`);
    if (end > dataBytes)
      throw new ModelFormatError(name, `ends at ${end}, the data at ${dataBytes}; the file is cut off`);
    covered = end;
    previous = name;
  }
  if (covered < dataBytes) {
    throw new ModelFormatError("file", `${dataBytes - covered} bytes after the last tensor, expected none`);
  }
}

function readTensor(view: DataView, { dtype, shape, begin, end }: Entry): Tensor {
  const codec = CODECS[dtype];
  const data = codec.create((end - begin) / codec.size);
  for (let index = 0; index < data.length; index++) data[index] = codec.get(view, begin + index * codec.size);
  return { dtype, shape, data };
}

/**
 * Writes a safetensors file. Equal arguments give equal bytes: tensors stand in the given order, the larger elements first, so that
 * all are aligned without holes; the header is padded to 8 bytes.
 */
export function writeContainer({ metadata, tensors }: Container): Uint8Array {
  const header: [string, unknown][] = [["__metadata__", Object.fromEntries(metadata)]];
  const ordered = [...tensors].sort(([, a], [, b]) => CODECS[b.dtype].size - CODECS[a.dtype].size);
  let dataBytes = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const begin = dataBytes;
    dataBytes += data.length * CODECS[dtype].size;
    header.push([name, { dtype, shape, data_offsets: [begin, dataBytes] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const dataStart = LENGTH_BYTES + Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(dataStart + dataBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, dataStart - LENGTH_BYTES, true);
  bytes.set(text, LENGTH_BYTES);
  bytes.fill(0x20, LENGTH_BYTES + text.length, dataStart);
  let offset = dataStart;
  for (const [, { dtype, data }] of ordered) {
    const { size, set } = CODECS[dtype];
    for (let index = 0; index < data.length; index++, offset += size) set(view, offset, data[index] as number);
  }
  return bytes;
}
