// LevelDB's table files: blocks, each followed by a byte (0 plain, 1 Snappy) and a masked CRC-32C; data blocks first, then the
// filter, its directory, the index of the data blocks, and a footer of 48 bytes. (LevelDB, doc/table_format.md)

import { decodeKey, type Entry } from "./batch.ts";
import { crc32c, extendCrc32c, mask, mendBit } from "./crc32c.ts";
import { Cursor } from "./cursor.ts";
import { unpackSnappy } from "./snappy.ts";

const FOOTER = 48;
const TRAILER = 5;
const MAGIC = Uint8Array.of(0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb);

/** Where a block lies; `size` is without its trailer. */
interface Handle {
  readonly offset: number;
  readonly size: number;
}

/** Keys that a damaged block may hold: more than `after`, up to `last`; undefined where the file's own bounds are. */
export interface LostKeys {
  readonly after: Uint8Array | undefined;
  readonly last: Uint8Array | undefined;
}

/** What a table file holds. */
export interface TableContent {
  /** Blocks whose entries cannot be read. */
  readonly lost: readonly LostKeys[];
  /** The entries of all other blocks. */
  readonly entries: readonly Entry[];
}

/** Tells whether every block of a table file is as it was written. */
export function isSoundTable(file: Uint8Array): boolean {
  const footer = readFooter(file);
  const index = footer && readIndex(file, footer.index);
  if (footer === undefined || index === undefined || !isSoundEnd(file, footer.directory, index.at(-1)?.handle))
    return false;
  return index.every(({ handle }) => isSoundBlock(file, handle));
}

/** Reads the entries of a table file, as far as its blocks are sound. Single flipped bits of blocks are mended, in `file` itself. */
export function readTable(file: Uint8Array): TableContent {
  const footer = readFooter(file);
  const index = footer && readIndex(file, footer.index);
  if (index === undefined) return readWithoutIndex(file);
  const entries: Entry[] = [];
  const lost: LostKeys[] = [];
  let after: Uint8Array | undefined;
  for (const { last, handle } of index) {
    const found = isSoundBlock(file, handle) || mendBlock(file, handle) ? tryEntries(file, handle) : undefined;
    if (found === undefined) lost.push({ after, last });
    else for (const entry of found) entries.push(entry);
    after = last;
  }
  return { lost, entries };
}

/** A file whose index is damaged: its blocks are found one by one, each where the last one ended. */
function readWithoutIndex(file: Uint8Array): TableContent {
  const everything = { lost: [{ after: undefined, last: undefined }], entries: [] };
  const handles: Handle[] = [];
  for (let offset = 0; ; ) {
    const size = findBlockSize(file, offset);
    if (size === undefined) break;
    handles.push({ offset, size });
    offset += size + TRAILER;
  }
  // The blocks are all found when the directory of the filter is: it stands right behind the filter, before the index.
  const directory = handles.findLastIndex((handle) => isFilterDirectory(file, handle));
  if (directory < 1) return everything;
  const found = handles.slice(0, directory - 1).map((handle) => tryEntries(file, handle));
  if (found.includes(undefined)) return everything;
  return { lost: [], entries: found.flatMap((entries) => entries ?? []) };
}

/** Tries every size: the one whose checksum stands behind it. */
function findBlockSize(file: Uint8Array, offset: number): number | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let crc = 0;
  for (let at = offset; at + TRAILER <= file.length; at++) {
    crc = extendCrc32c(crc, file[at] as number);
    if ((file[at] as number) <= 1 && view.getUint32(at + 1, true) === mask(crc)) return at - offset;
  }
  return undefined;
}

function isFilterDirectory(file: Uint8Array, handle: Handle): boolean {
  try {
    const [first, ...others] = blockEntries(file, handle);
    return others.length === 0 && first !== undefined && decodeKey(first.key).startsWith("filter.");
  } catch {
    return false;
  }
}

function readFooter(file: Uint8Array): { readonly directory: Handle; readonly index: Handle } | undefined {
  const start = file.length - FOOTER;
  if (start < 0 || !MAGIC.every((byte, at) => file[file.length - 8 + at] === byte)) return undefined;
  try {
    const cursor = new Cursor(file, start, file.length - 8);
    return { directory: readHandle(cursor), index: readHandle(cursor) };
  } catch {
    return undefined;
  }
}

const readHandle = (cursor: Cursor): Handle => ({ offset: cursor.varint(), size: cursor.varint() });

function readIndex(file: Uint8Array, handle: Handle) {
  if (!isSoundBlock(file, handle)) return undefined;
  try {
    return blockEntries(file, handle).map(({ key, value }) => ({
      last: key.subarray(0, -8), // perhaps shortened, in the middle of a character
      handle: readHandle(new Cursor(value)),
    }));
  } catch {
    return undefined;
  }
}

/** Whether the filter and its directory, which stand between the last data block and the index, are sound. */
function isSoundEnd(file: Uint8Array, directory: Handle, last: Handle | undefined): boolean {
  if (!isSoundBlock(file, directory)) return false;
  const offset = last === undefined ? 0 : last.offset + last.size + TRAILER;
  return isSoundBlock(file, { offset, size: directory.offset - TRAILER - offset });
}

function isSoundBlock(file: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size;
  if (size < 0 || end + TRAILER > file.length) return false;
  const stored = new DataView(file.buffer, file.byteOffset + end + 1).getUint32(0, true);
  return stored === mask(crc32c(file, offset, end + 1));
}

function mendBlock(file: Uint8Array, { offset, size }: Handle): boolean {
  const end = offset + size;
  if (size < 0 || end + TRAILER > file.length) return false;
  return mendBit(file, offset, end + 1, new DataView(file.buffer, file.byteOffset + end + 1).getUint32(0, true));
}

function tryEntries(file: Uint8Array, handle: Handle): Entry[] | undefined {
  try {
    return blockEntries(file, handle).map(({ key, value }) => {
      const cursor = new Cursor(key, key.length - 8);
      const kind = cursor.byte();
      if (kind > 1) throw new RangeError(`An entry of kind ${kind}`);
      let sequence = 0;
      for (let at = 0; at < 7; at++) sequence += cursor.byte() * 256 ** at;
      return { key: decodeKey(key.subarray(0, -8)), sequence, value: kind === 1 ? value : undefined };
    });
  } catch {
    return undefined;
  }
}

/** The entries of a block: each key after the first leaves out what it has in common with the one before. */
function blockEntries(file: Uint8Array, { offset, size }: Handle): { key: Uint8Array; value: Uint8Array }[] {
  const raw = file.subarray(offset, offset + size);
  const block = file[offset + size] === 1 ? unpackSnappy(raw) : raw;
  const restarts = new Cursor(block, block.length - 4).u32();
  const cursor = new Cursor(block, 0, block.length - 4 - 4 * restarts);
  const entries: { key: Uint8Array; value: Uint8Array }[] = [];
  let key: Uint8Array = new Uint8Array(0);
  while (!cursor.isAtEnd) {
    const [shared, more, length] = [cursor.varint(), cursor.varint(), cursor.varint()];
    if (shared > key.length) throw new RangeError("A key with too much in common");
    key = Buffer.concat([key.subarray(0, shared), cursor.take(more)]);
    entries.push({ key, value: cursor.take(length) });
  }
  return entries;
}
