import type { Bin } from "./bins.ts";

// Bins of a device as the history keeps them, little-endian:
//
//   offset       bytes
//   0            4    "RVH1"
//   4            4    u32 number of series, W
//   8            4    u32 number of bins, K
//   12           8    f64 time of writing, Unix milliseconds
//   20           K *  f64 time of the first sample, u32 samples, f32[W] means, f32[W] least, f32[W] greatest values; NaN for none
const MAGIC = 0x31485652; // "RVH1" as a little-endian u32
const HEADER_BYTES = 20;

/** Bytes of a block of so many bins. */
export const blockBytes = (bins: number, width: number): number => HEADER_BYTES + bins * binBytes(width);

const binBytes = (width: number): number => 12 + 12 * width;

/** Number of series in a block that was written here. */
export const widthOf = (bytes: Uint8Array): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(4, true);

/** Writes bins. */
export function writeBlock(bins: readonly Bin[], width: number, writtenAt: number): Uint8Array {
  const bytes = new Uint8Array(blockBytes(bins.length, width));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, width, true);
  view.setUint32(8, bins.length, true);
  view.setFloat64(12, writtenAt, true);
  let at = HEADER_BYTES;
  for (const { time, count, mean, min, max } of bins) {
    view.setFloat64(at, time, true);
    view.setUint32(at + 8, count, true);
    at += 12;
    for (const column of [mean, min, max]) {
      for (let s = 0; s < width; s++, at += 4) view.setFloat32(at, column[s] as number, true);
    }
  }
  return bytes;
}

/** Reads bins of a stream with so many series; none of a block that is damaged, or of other series. */
export function readBlock(bytes: Uint8Array, width: number): Bin[] {
  if (bytes.length < HEADER_BYTES) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(8, true);
  const isSound = view.getUint32(0, true) === MAGIC && view.getUint32(4, true) === width;
  if (!isSound || bytes.length !== blockBytes(count, width)) return [];
  return Array.from({ length: count }, (_, k) => {
    const at = HEADER_BYTES + k * binBytes(width);
    const column = (c: number) =>
      Float32Array.from({ length: width }, (_, s) => view.getFloat32(at + 12 + 4 * (c * width + s), true));
    return {
      time: view.getFloat64(at, true),
      count: view.getUint32(at + 8, true),
      mean: column(0),
      min: column(1),
      max: column(2),
    };
  });
}
