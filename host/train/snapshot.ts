// The bytes of a trainer that is to go on later, little-endian:
//
//     "RVT1" | u32 count of the numbers of the tensors | f64 updates | numbers of the tensors, f32 | carried state, f32

/** "RVT1" read as a little-endian word. */
const MAGIC = 0x31545652;
const HEADER = 16;

type Part = readonly Float32Array[];

/** Writes the numbers of a trainer. */
export function writeSnapshot(updates: number, tensors: Part, state: Part): Uint8Array {
  const bytes = new Uint8Array(HEADER + 4 * (countOf(tensors) + countOf(state)));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, countOf(tensors), true);
  view.setFloat64(8, updates, true);
  let at = HEADER;
  for (const part of [...tensors, ...state]) {
    for (const value of part) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

/**
 * Reads numbers into the places that they were written from. State of another size is left out.
 *
 * @returns the number of updates
 * @throws {RangeError} when it is none of a network like this one
 */
export function readSnapshot(bytes: Uint8Array, tensors: Part, state: Part): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = countOf(tensors);
  if (bytes.length < HEADER + 4 * count || view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== count) {
    const found = bytes.length < HEADER ? `${bytes.length} bytes` : `${view.getUint32(4, true)} numbers`;
    throw new RangeError(`Snapshot of training: Found ${found}, expected ${count} numbers of the same network`);
  }
  let at = HEADER;
  const hasState = bytes.length === HEADER + 4 * (count + countOf(state));
  for (const part of [...tensors, ...(hasState ? state : [])]) {
    for (let i = 0; i < part.length; i++) {
      part[i] = view.getFloat32(at, true);
      at += 4;
    }
  }
  if (!hasState) for (const part of state) part.fill(0);
  return view.getFloat64(8, true);
}

const countOf = (parts: Part) => parts.reduce((sum, { length }) => sum + length, 0);
