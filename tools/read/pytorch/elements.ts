import { CliError } from "../../errors.ts";
import { fromHalf } from "../half.ts";

/** A tensor of a source file; its values are read when they are asked for. */
export interface SourceTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /**
   * Reads the values, row-major, rounded to single precision.
   *
   * @throws {CliError} when the element type is no float, or a value is not finite
   */
  read(): Float32Array;
}

interface FloatCodec {
  readonly size: number;
  get(view: DataView, offset: number, little: boolean): number;
}

const FLOATS: Readonly<Record<string, FloatCodec>> = {
  F64: { size: 8, get: (view, offset, little) => view.getFloat64(offset, little) },
  F32: { size: 4, get: (view, offset, little) => view.getFloat32(offset, little) },
  F16: { size: 2, get: (view, offset, little) => fromHalf(view.getUint16(offset, little)) },
  BF16: { size: 2, get: (view, offset, little) => brainToNumber(view.getUint16(offset, little)) },
};

const scratch = new DataView(new ArrayBuffer(4));

function brainToNumber(bits: number): number {
  scratch.setUint32(0, bits * 65536);
  return scratch.getFloat32(0);
}

/** Where the elements of a tensor lie. */
export interface Strided {
  /** Name for messages: the file and the tensor. */
  readonly where: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Elements between neighbours along each axis; row-major if absent. */
  readonly stride?: readonly number[];
  /** First element. */
  readonly offset: number;
  /** Bytes of the storage. */
  bytes(): Uint8Array;
  readonly little: boolean;
}

/** Makes a tensor of elements that lie anywhere in a storage: transposed, sliced or shared. */
export function stridedTensor(layout: Strided): SourceTensor {
  return { dtype: layout.dtype, shape: layout.shape, read: () => readStrided(layout) };
}

function readStrided(layout: Strided): Float32Array {
  const { where, dtype, shape, offset, little } = layout;
  const codec = FLOATS[dtype];
  if (codec === undefined) {
    throw new CliError(`${where}: Elements are ${dtype}, expected one of ${Object.keys(FLOATS).join(", ")}`);
  }
  const stride = layout.stride ?? rowMajor(shape);
  const bytes = layout.bytes();
  const elements = Math.floor(bytes.length / codec.size);
  const count = shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * (stride[axis] as number), offset);
  if (count > 0 && last >= elements) {
    throw new CliError(`${where}: Needs ${last + 1} elements, its storage has ${elements}; the file is damaged`);
  }
  // A weight is no view that repeats elements; a damaged shape must not ask for all memory.
  if (count > Math.max(elements, 65536)) {
    throw new CliError(`${where}: Shape [${shape.join(", ")}] has more elements than its storage, ${elements}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(count);
  const index = shape.map(() => 0);
  let at = offset;
  for (let i = 0; i < count; i++) {
    const value = Math.fround(codec.get(view, at * codec.size, little));
    if (!Number.isFinite(value)) throw new CliError(`${where}: Element ${i} is ${value}, expected finite weights`);
    values[i] = value;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += stride[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (shape[axis] as number)) break;
      at -= (stride[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return values;
}

function rowMajor(shape: readonly number[]): number[] {
  const stride = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    stride[axis] = (stride[axis + 1] as number) * (shape[axis + 1] as number);
  }
  return stride;
}
