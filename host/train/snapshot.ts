// The bytes of a trainer that is to go on later: "RVT1", the number of updates as f64, then all numbers, little-endian.

/** "RVT1" read as a little-endian word. */
const MAGIC = 0x31545652;
const HEADER = 16;

/** Writes the numbers of a trainer. */
export function writeSnapshot(updates: number, parts: readonly Float32Array[]): Uint8Array {
  const bytes = new Uint8Array(HEADER + 4 * countOf(parts));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setFloat64(8, updates, true);
  let at = HEADER;
  for (const part of parts) {
    for (const value of part) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/**
 * Reads numbers into the places that they were written from.
 *
 * @returns the number of updates
 * @throws {RangeError} when it is none of a trainer like this one
 */
export function readSnapshot(bytes: Uint8Array, parts: readonly Float32Array[]): number {
  const expected = HEADER + 4 * countOf(parts);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length !== expected || view.getUint32(0, true) !== MAGIC) {
    throw new RangeError(
      `Snapshot of training: Found ${bytes.length} bytes, expected ${expected} of the same network and batch`,
    );
  }
  let at = HEADER;
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      part[i] = view.getFloat32(at, true);
      at += 4;
    }
  }
  return view.getFloat64(8, true);
}

const countOf = (parts: readonly Float32Array[]) => parts.reduce((sum, { length }) => sum + length, 0);
