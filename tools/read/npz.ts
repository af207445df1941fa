// NumPy's .npy arrays and .npz archives: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
//   offset  bytes
//   0       6      0x93 "NUMPY"
//   6       2      version, 1.0 to 3.0
//   8       2      length of the header; 4 bytes from version 2
//   10, 12         {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, padded with spaces, then the data

import { type Zippable, zipSync } from "fflate";
import { CliError } from "../errors.ts";
import { readZip } from "./zip.ts";

/** An array of numbers in C order: float32 as F32, float64 and int64 as F64 (exact up to 2^53), int32 as I32. */
export interface NumericArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array;
}

interface Codec {
  readonly size: number;
  create(count: number): NumericArray["data"];
  get(view: DataView, offset: number, isLittle: boolean): number;
}

const CODECS: Readonly<Record<string, Codec>> = {
  f4: { size: 4, create: (count) => new Float32Array(count), get: (view, at, le) => view.getFloat32(at, le) },
  f8: { size: 8, create: (count) => new Float64Array(count), get: (view, at, le) => view.getFloat64(at, le) },
  i4: { size: 4, create: (count) => new Int32Array(count), get: (view, at, le) => view.getInt32(at, le) },
  i8: { size: 8, create: (count) => new Float64Array(count), get: (view, at, le) => Number(view.getBigInt64(at, le)) },
};

/** Most axes of an array; a sample has three. */
const MAX_AXES = 8;

const MAGIC = "\x93NUMPY";
const HEADER =
  /^\{ *'descr': *'([<>=|]?)(\w+)' *, *'fortran_order': *(True|False) *, *'shape': *\(([\d, ]*)\) *,? *\} *\n?$/;

/**
 * Reads an archive of arrays, by name.
 *
 * @param source  name of the file in error messages
 * @throws {CliError} when the archive or an array is damaged, or holds anything but float32, float64, int32 and int64
 */
export function readNpz(bytes: Uint8Array, source: string): Map<string, NumericArray> {
  const arrays = new Map<string, NumericArray>();
  for (const [member, content] of readZip(bytes, source)) {
    const name = member.replace(/\.npy$/, "");
    arrays.set(name, readNpy(content, `${source}: ${name}`));
  }
  return arrays;
}

/**
 * Reads one array.
 *
 * @param source  place of the array in error messages
 * @throws {CliError} as `readNpz`
 */
export function readNpy(bytes: Uint8Array, source: string): NumericArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { text, dataStart } = readHeader(view, bytes, source);
  const [, order = "", type = "", fortran, lengths = ""] = HEADER.exec(text) ?? [];
  if (fortran === undefined) {
    throw new CliError(
      `${source}: Header is ${JSON.stringify(text.trim().slice(0, 60))}, expected one array of numbers`,
    );
  }
  const codec = Object.hasOwn(CODECS, type) ? CODECS[type] : undefined;
  if (codec === undefined) {
    throw new CliError(`${source}: Elements are "${order}${type}", expected f4, f8, i4 or i8; convert with .astype`);
  }
  const shape = lengths.split(",").flatMap((length) => (length.trim() === "" ? [] : [Number(length)]));
  if (shape.length > MAX_AXES) throw new CliError(`${source}: Has ${shape.length} axes, at most ${MAX_AXES} are read`);
  const count = shape.reduce((product, length) => product * length, 1);
  const [expected, found] = [count * codec.size, bytes.length - dataStart];
  if (expected !== found) {
    throw new CliError(`${source}: Array [${shape.join(", ")}] needs ${expected} bytes, found ${found}`);
  }
  const data = codec.create(count);
  const isLittle = order !== ">";
  const place = fortran === "True" ? fortranPlaces(shape) : (index: number) => index;
  for (let index = 0; index < count; index++) {
    data[place(index)] = codec.get(view, dataStart + index * codec.size, isLittle);
  }
  return { shape, data };
}

function readHeader(view: DataView, bytes: Uint8Array, source: string): { text: string; dataStart: number } {
  const latin = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (latin(0, MAGIC.length) !== MAGIC || bytes.length < 12) throw new CliError(`${source}: Is no NumPy array`);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw new CliError(`${source}: Version ${version} of .npy, expected 1 to 3`);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataStart = start + length;
  if (dataStart > bytes.length) {
    throw new CliError(`${source}: Header ends at byte ${dataStart}, the array at byte ${bytes.length}; it is cut off`);
  }
  // A header of plain numbers is short: a longer one is a record type.
  return { text: latin(start, Math.min(dataStart, start + 4096)), dataStart };
}

/** Answers where element `index` of column-major order stands in row-major order. */
function fortranPlaces(shape: readonly number[]): (index: number) => number {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1));
  return (index) => {
    let rest = index;
    return shape.reduce((place, length, axis) => {
      const at = rest % length;
      rest = (rest - at) / length;
      return place + at * (strides[axis] as number);
    }, 0);
  };
}

/** Writes an archive as `numpy.load` reads it: float32, float64 and int32 in C order, not compressed. Equal arrays give equal bytes. */
export function writeNpz(arrays: ReadonlyMap<string, NumericArray>): Uint8Array {
  const members: Zippable = {};
  // A fixed date, in local time as zip keeps it, keeps the bytes equal.
  const mtime = new Date(1980, 0, 1);
  for (const [name, array] of arrays) members[`${name}.npy`] = [writeNpy(array), { level: 0, mtime }];
  return zipSync(members);
}

function writeNpy({ shape, data }: NumericArray): Uint8Array {
  const type = data instanceof Float32Array ? "<f4" : data instanceof Float64Array ? "<f8" : "<i4";
  const lengths = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${lengths}), }`;
  // The data starts at a multiple of 64.
  const dataStart = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(dataStart + data.byteLength).fill(0x20, 0, dataStart);
  const view = new DataView(bytes.buffer);
  bytes.set(Uint8Array.from(MAGIC, (letter) => letter.charCodeAt(0)));
  bytes.set([1, 0], 6);
  view.setUint16(8, dataStart - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[dataStart - 1] = 0x0a;
  const size = data.BYTES_PER_ELEMENT;
  data.forEach((value, index) => {
    const at = dataStart + index * size;
    if (data instanceof Float32Array) view.setFloat32(at, value, true);
    else if (data instanceof Float64Array) view.setFloat64(at, value, true);
    else view.setInt32(at, value, true);
  });
  return bytes;
}
