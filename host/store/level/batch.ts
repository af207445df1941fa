import { Cursor } from "./cursor.ts";

/** A value that the database holds or held. */
export interface Entry {
  /** UTF-8. */
  readonly key: string;
  /** Of two entries of a key, the one with the higher number is the newer. */
  readonly sequence: number;
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined;
}

/**
 * Reads a record of LevelDB's log, a batch of changes: u64 sequence number of the first, u32 count, then for each a byte (1 put,
 * 0 delete), the key and, of a put, the value.
 *
 * @throws {RangeError} when it is no such batch
 */
export function readBatch(bytes: Uint8Array): Entry[] {
  const cursor = new Cursor(bytes);
  const first = cursor.u64();
  const count = cursor.u32();
  const entries: Entry[] = [];
  while (!cursor.isAtEnd) {
    const type = cursor.byte();
    if (type > 1) throw new RangeError(`A change of kind ${type}`);
    const key = decodeKey(cursor.string());
    entries.push({ key, sequence: first + entries.length, value: type === 1 ? cursor.string() : undefined });
  }
  if (entries.length !== count) throw new RangeError(`${entries.length} changes, expected ${count}`);
  return entries;
}

/** Reads the UTF-8 of a key. @throws {RangeError} when it is none */
export function decodeKey(bytes: Uint8Array): string {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  if (key.includes("\ufffd")) throw new RangeError("A key is not UTF-8");
  return key;
}
