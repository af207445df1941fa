import { PayloadError } from "../payload.ts";

/** Number types of binary payloads: what a DataView reads, and its bytes. */
const TYPES = {
  u8: [1, (view: DataView, at: number) => view.getUint8(at)],
  i8: [1, (view: DataView, at: number) => view.getInt8(at)],
  u16be: [2, (view: DataView, at: number) => view.getUint16(at)],
  u16le: [2, (view: DataView, at: number) => view.getUint16(at, true)],
  i16be: [2, (view: DataView, at: number) => view.getInt16(at)],
  i16le: [2, (view: DataView, at: number) => view.getInt16(at, true)],
  u32be: [4, (view: DataView, at: number) => view.getUint32(at)],
  u32le: [4, (view: DataView, at: number) => view.getUint32(at, true)],
  i32be: [4, (view: DataView, at: number) => view.getInt32(at)],
  i32le: [4, (view: DataView, at: number) => view.getInt32(at, true)],
  f32be: [4, (view: DataView, at: number) => view.getFloat32(at)],
  f32le: [4, (view: DataView, at: number) => view.getFloat32(at, true)],
  f64be: [8, (view: DataView, at: number) => view.getFloat64(at)],
  f64le: [8, (view: DataView, at: number) => view.getFloat64(at, true)],
} as const;

/** Name of a number type of binary payloads. */
export type NumberType = keyof typeof TYPES;

/** Names of the number types. */
export const NUMBER_TYPES = Object.keys(TYPES) as [NumberType, ...NumberType[]];

/** A number in a binary payload. */
export interface StructField {
  readonly name: string;
  readonly type: NumberType;
  /** Bytes from the start. Default: behind the field before. */
  readonly at?: number;
  /** What the number is multiplied by. Default: 1. */
  readonly scale?: number;
  /** What is added then. Default: 0. */
  readonly offset?: number;
}

/** Makes the decoder of payloads with these fields; more bytes than they need may follow. */
export function createStructDecoder(fields: readonly StructField[]): (bytes: Uint8Array) => Record<string, number> {
  let next = 0;
  const placed = fields.map(({ name, type, at = next, scale = 1, offset = 0 }) => {
    const [size, read] = TYPES[type];
    next = at + size;
    return { name, at, end: next, read, scale, offset };
  });
  const needed = Math.max(0, ...placed.map(({ end }) => end));
  return (bytes) => {
    if (bytes.length < needed) {
      throw new PayloadError("undecodable", `Payload has ${bytes.length} bytes, its fields need ${needed}`);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const values: Record<string, number> = Object.create(null);
    for (const { name, at, read, scale, offset } of placed) values[name] = read(view, at) * scale + offset;
    return values;
  };
}

/** Samples of a binary payload. */
export interface SampleArray {
  readonly type: NumberType;
  /** Milliseconds between samples; the last one is of the time of arrival. */
  readonly intervalMs: number;
}

/** Makes the decoder of payloads that are samples of `width` numbers each: objects { v: […], t: Unix milliseconds }. */
export function createSamplesDecoder(
  { type, intervalMs }: SampleArray,
  width: number,
): (bytes: Uint8Array, around: { readonly now: () => number }) => { readonly v: number[]; readonly t: number }[] {
  const [size, read] = TYPES[type];
  return (bytes, { now }) => {
    const count = bytes.length / (size * width);
    if (!Number.isInteger(count) || count === 0) {
      throw new PayloadError(
        "wrong_length",
        `Payload has ${bytes.length} bytes, expected a multiple of ${size * width}`,
      );
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = now();
    return Array.from({ length: count }, (_, sample) => ({
      v: Array.from({ length: width }, (__, index) => read(view, size * (width * sample + index))),
      t: end - intervalMs * (count - 1 - sample),
    }));
  };
}
