import { CliError } from "../../errors.ts";
import { fromHalf } from "../half.ts";
import { int64 } from "../protobuf.ts";
import type { TensorProto } from "./proto.ts";
import { type Constant, MAX_ELEMENTS, product } from "./values.ts";

/** Gives the bytes of an external data file, by its location relative to the model. */
export type ReadExternal = (location: string) => Uint8Array;

interface ElementType {
  readonly name: string;
  readonly bytes: number;
  readonly integer: boolean;
  read(view: DataView, offset: number): number;
}

const TYPES: Readonly<Record<number, ElementType>> = {
  1: { name: "FLOAT", bytes: 4, integer: false, read: (view, at) => view.getFloat32(at, true) },
  2: { name: "UINT8", bytes: 1, integer: true, read: (view, at) => view.getUint8(at) },
  3: { name: "INT8", bytes: 1, integer: true, read: (view, at) => view.getInt8(at) },
  6: { name: "INT32", bytes: 4, integer: true, read: (view, at) => view.getInt32(at, true) },
  7: { name: "INT64", bytes: 8, integer: true, read: (view, at) => Number(view.getBigInt64(at, true)) },
  9: { name: "BOOL", bytes: 1, integer: true, read: (view, at) => view.getUint8(at) },
  10: { name: "FLOAT16", bytes: 2, integer: false, read: (view, at) => fromHalf(view.getUint16(at, true)) },
  11: { name: "DOUBLE", bytes: 8, integer: false, read: (view, at) => view.getFloat64(at, true) },
  16: { name: "BFLOAT16", bytes: 2, integer: false, read: (view, at) => brainFloat(view.getUint16(at, true)) },
};

/** Whether a tensor holds whole numbers (shapes, indices) rather than weights. */
export function isInteger(tensor: Pick<TensorProto, "dataType">): boolean {
  return TYPES[tensor.dataType]?.integer ?? false;
}

/**
 * Reads a tensor, whichever field or file holds its numbers.
 *
 * @throws {CliError} for an element type that holds no weights, a size that the data does not have, or data that cannot be read
 */
export function readTensor(tensor: TensorProto, path: string, readExternal: ReadExternal): Constant {
  const refuse = (text: string) => new CliError(`${path}: tensor "${tensor.name}" ${text}`);
  const type = TYPES[tensor.dataType];
  if (!type) throw refuse(`has element type ${tensor.dataType}; only float and integer tensors can be converted`);
  const dims = tensor.dims.map(int64);
  const count = product(dims);
  if (dims.length > 16) throw refuse(`has ${dims.length} axes; at most 16 are read`);
  if (!dims.every((size) => size >= 0) || !(count <= MAX_ELEMENTS)) {
    throw refuse(`has shape [${dims.join(", ")}], more than ${MAX_ELEMENTS} elements or less than none`);
  }
  if (tensor.segment) throw refuse("is stored in segments; save the model again with the onnx library");
  const raw =
    tensor.dataLocation === 1 ? externalBytes(tensor, refuse, readExternal, count * type.bytes) : tensor.rawData;
  const data = raw.length > 0 ? rawNumbers(raw, type, count, refuse) : listedNumbers(tensor, type, count, refuse);
  return { kind: "constant", name: tensor.name, dims, data, integer: type.integer };
}

type Refuse = (text: string) => CliError;

function rawNumbers(raw: Uint8Array, type: ElementType, count: number, refuse: Refuse): Float32Array | Float64Array {
  if (raw.length !== count * type.bytes) {
    throw refuse(
      `needs ${count * type.bytes} bytes of ${type.name}, has ${raw.length}; the file is damaged, export it again`,
    );
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const data = type.integer || type.bytes > 4 ? new Float64Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = type.read(view, i * type.bytes);
  return data;
}

function listedNumbers(
  tensor: TensorProto,
  type: ElementType,
  count: number,
  refuse: Refuse,
): Float32Array | Float64Array {
  const lists: Readonly<Record<string, () => readonly number[]>> = {
    FLOAT: () => tensor.floatData,
    DOUBLE: () => tensor.doubleData,
    INT64: () => tensor.int64Data.map(int64),
    FLOAT16: () => tensor.int32Data.map((bits) => fromHalf(bits & 0xffff)),
    BFLOAT16: () => tensor.int32Data.map((bits) => brainFloat(bits & 0xffff)),
  };
  const numbers = lists[type.name]?.() ?? tensor.int32Data;
  if (numbers.length !== count) {
    throw refuse(`needs ${count} elements, has ${numbers.length}; the file is damaged, export it again`);
  }
  return type.integer || type.bytes > 4 ? Float64Array.from(numbers) : Float32Array.from(numbers);
}

function externalBytes(tensor: TensorProto, refuse: Refuse, readExternal: ReadExternal, needed: number): Uint8Array {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location") ?? "";
  // A model file from elsewhere names no file outside its own folder.
  if (location === "" || /^[/\\]|^[A-Za-z]:|\0/.test(location) || location.split(/[/\\]/).includes("..")) {
    throw refuse(
      `is stored in "${location}", which is not a file beside the model; save the model again with its data`,
    );
  }
  const file = readExternal(location);
  const offset = Number(entries.get("offset") ?? 0);
  const length = Number(entries.get("length") ?? needed);
  if (
    !(
      Number.isInteger(offset) &&
      Number.isInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= file.length
    )
  ) {
    throw refuse(
      `needs bytes ${offset} to ${offset + length} of ${location}, which has ${file.length}; copy the whole data file beside the model`,
    );
  }
  return file.subarray(offset, offset + length);
}

/** The upper half of an IEEE 754 binary32. */
function brainFloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number;
}
