import { Cursor } from "./cursor.ts";

const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Unpacks a block of Snappy (google/snappy, format_description.txt).
 *
 * @throws {RangeError} when it is damaged
 */
export function unpackSnappy(bytes: Uint8Array): Uint8Array {
  const cursor = new Cursor(bytes);
  const length = cursor.varint();
  if (length > MOST_BYTES) throw new RangeError(`A block of ${length} bytes`);
  const out = new Uint8Array(length);
  let end = 0;
  while (!cursor.isAtEnd) {
    const tag = cursor.byte();
    if ((tag & 3) === 0) {
      const literal = cursor.take(literalLength(tag >> 2, cursor));
      if (end + literal.length > length) throw new RangeError("A literal beyond the end");
      out.set(literal, end);
      end += literal.length;
      continue;
    }
    const count = (tag & 3) === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = copyOffset(tag, cursor);
    if (offset === 0 || offset > end || end + count > length) throw new RangeError("A copy from nowhere");
    // Byte by byte: a copy may overlap what it writes.
    for (let copied = 0; copied < count; copied++, end++) out[end] = out[end - offset] as number;
  }
  if (end !== length) throw new RangeError(`${end} bytes, expected ${length}`);
  return out;
}

function literalLength(code: number, cursor: Cursor): number {
  if (code < 60) return code + 1;
  return littleEndian(cursor, code - 59) + 1;
}

function copyOffset(tag: number, cursor: Cursor): number {
  if ((tag & 3) === 1) return ((tag >> 5) << 8) | cursor.byte();
  return littleEndian(cursor, (tag & 3) === 2 ? 2 : 4);
}

function littleEndian(cursor: Cursor, count: number): number {
  let value = 0;
  for (let at = 0; at < count; at++) value += cursor.byte() * 256 ** at;
  return value;
}
