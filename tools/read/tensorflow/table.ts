// A table of LevelDB, the form of the index of TensorFlow's checkpoints: keys in ascending order with their values, in blocks
// (leveldb/doc/table_format.md; tensorflow/core/lib/io/table.cc).
//
//   entry    shared varint, unshared varint, size varint, the rest of the key [unshared], value [size]
//   block    entries, restarts u32[n], n u32; then compression u8, checksum u32 of all before it
//   handle   offset varint, size varint of a block
//   footer   handles of the metaindex and of the index, zeros up to 40 bytes, magic u64

import { CliError } from "../../errors.ts";
import { maskedCrc32c } from "./crc32c.ts";

const FOOTER_BYTES = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Compression and checksum behind a block. */
const TRAILER_BYTES = 5;
/** Most entries: a variable has one, and the largest models have some thousand. */
const MAX_ENTRIES = 100_000;
/** Keys are paths of objects. */
const MAX_KEY_BYTES = 2048;

/** Whether the bytes end as a table does. */
export function isTable(bytes: Uint8Array): boolean {
  if (bytes.length < FOOTER_BYTES) return false;
  return new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8).getBigUint64(0, true) === MAGIC;
}

/**
 * Reads all entries of a table; the values are views of `bytes`.
 *
 * @throws {CliError} when it is no table, damaged, compressed, or has more than 100,000 entries
 */
export function readTable(bytes: Uint8Array, where: string): Map<string, Uint8Array> {
  const table = new Map<string, Uint8Array>();
  try {
    const [metaindex, handle] = blocks(bytes);
    readBlock(bytes, metaindex); // holds nothing, and is damaged where the file is
    const index = readBlock(bytes, handle);
    let last: Buffer | undefined;
    for (const [, handle] of entriesOf(index)) {
      for (const [key, value] of entriesOf(readBlock(bytes, new Cursor(handle).handle()))) {
        // Keys ascend through the whole table, so that no block is read twice.
        if (last !== undefined && Buffer.compare(last, key) >= 0) throw new RangeError("its keys are not in order");
        if (table.size === MAX_ENTRIES) throw new RangeError(`it has more than ${MAX_ENTRIES} entries`);
        last = key;
        table.set(key.toString(), value);
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError(`${where}: Not an index of TensorFlow, or damaged: ${error.message}; copy or save it again`, {
      cause: error,
    });
  }
  return table;
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Where the metaindex and the index are. */
function blocks(bytes: Uint8Array): [Handle, Handle] {
  if (!isTable(bytes)) throw new RangeError("its last bytes are not those of one; it may be cut off");
  const cursor = new Cursor(bytes.subarray(bytes.length - FOOTER_BYTES, bytes.length - 8));
  return [cursor.handle(), cursor.handle()];
}

/** The bytes of a block, checked, without its trailer. */
function readBlock(bytes: Uint8Array, { offset, size }: Handle): Uint8Array {
  const end = offset + size;
  if (end + TRAILER_BYTES > bytes.length - FOOTER_BYTES) throw new RangeError("a block ends beyond the file");
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end + 1, 4).getUint32(0, true);
  if (maskedCrc32c(bytes.subarray(offset, end + 1)) !== checksum) throw new RangeError("a checksum does not fit");
  if (bytes[end] !== 0) throw new RangeError(`a block is compressed (${bytes[end]}), which TensorFlow does not do`);
  return bytes.subarray(offset, end);
}

/** The entries of a block in their order. */
function* entriesOf(block: Uint8Array): Generator<[Buffer, Uint8Array]> {
  if (block.length < 4) throw new RangeError("a block has no end");
  const restarts = new DataView(block.buffer, block.byteOffset + block.length - 4, 4).getUint32(0, true);
  const length = block.length - 4 * (restarts + 1);
  if (length < 0) throw new RangeError("a block has more restarts than bytes");
  const cursor = new Cursor(block.subarray(0, length));
  let key = Buffer.alloc(0);
  while (!cursor.isAtEnd) {
    const shared = cursor.varint();
    const unshared = cursor.varint();
    const size = cursor.varint();
    if (shared > key.length) throw new RangeError("a key shares more than there is");
    if (shared + unshared > MAX_KEY_BYTES) throw new RangeError(`a key has more than ${MAX_KEY_BYTES} bytes`);
    key = Buffer.concat([key.subarray(0, shared), cursor.take(unshared)]);
    yield [key, cursor.take(size)];
  }
}

/** Reads numbers and bytes one after the other. */
export class Cursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /**
   * A whole number below 2^53, seven bits a byte, lowest first.
   *
   * @throws {RangeError} when it is larger, or the bytes end
   */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.take(1)[0] as number;
      value += (byte & 127) * scale;
      if (byte < 128 && Number.isSafeInteger(value)) return value;
      if (byte < 128) break;
    }
    throw new RangeError("a number is too large");
  }

  handle(): Handle {
    return { offset: this.varint(), size: this.varint() };
  }

  /** @throws {RangeError} when fewer bytes are left */
  take(count: number): Uint8Array {
    if (count > this.#bytes.length - this.#at) throw new RangeError("it ends too early");
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}
