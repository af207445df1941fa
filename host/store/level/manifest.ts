import { decodeKey } from "./batch.ts";
import { Cursor } from "./cursor.ts";

/** A table file that the database consists of. */
export interface TableFile {
  readonly number: number;
  /** 0 is the newest; within level 0 the higher number is the newer. */
  readonly level: number;
  /** Bytes. */
  readonly size: number;
  /** First and last key. */
  readonly smallest: string;
  readonly largest: string;
}

/** What the records of a manifest lead to. */
export interface Manifest {
  /** Logs with lower numbers are no part of the database any more. */
  readonly logNumber: number;
  readonly tables: ReadonlyMap<number, TableFile>;
}

/**
 * Reads the records of a manifest: changes of the set of files (LevelDB, db/version_edit.cc).
 *
 * @throws {RangeError} when they are no such records
 */
export function readManifest(records: readonly Uint8Array[]): Manifest {
  const tables = new Map<number, TableFile>();
  let logNumber = 0;
  const seen = new Set<number>();
  for (const record of records) {
    const cursor = new Cursor(record);
    while (!cursor.isAtEnd) {
      const tag = cursor.varint();
      seen.add(tag);
      if (tag === 1)
        cursor.string(); // name of the comparator
      else if (tag === 2) logNumber = cursor.varint();
      else if (tag === 3 || tag === 4 || tag === 9)
        cursor.varint(); // next file, last sequence, previous log
      else if (tag === 5) {
        cursor.varint();
        cursor.string(); // where compaction goes on
      } else if (tag === 6) {
        cursor.varint();
        tables.delete(cursor.varint());
      } else if (tag === 7) {
        const [level, number, size] = [cursor.varint(), cursor.varint(), cursor.varint()];
        const [smallest, largest] = [userKey(cursor.string()), userKey(cursor.string())];
        tables.set(number, { number, level, size, smallest, largest });
      } else throw new RangeError(`A manifest with a field of kind ${tag}`);
    }
  }
  // What LevelDB asks for, too: log number, next file, last sequence.
  for (const tag of [2, 3, 4]) if (!seen.has(tag)) throw new RangeError(`A manifest without a field of kind ${tag}`);
  return { logNumber, tables };
}

/** An internal key without its eight bytes of sequence number and kind. @throws {RangeError} */
function userKey(bytes: Uint8Array): string {
  if (bytes.length < 8) throw new RangeError("A key is too short");
  return decodeKey(bytes.subarray(0, -8));
}
