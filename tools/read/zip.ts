// The members of a zip file (APPNOTE.TXT 4.3), read by its central directory. Stored and deflated members below 4 GiB; the
// checksum of each is checked, since a damaged weight or sample is as bad as a wrong one. Work and memory are bounded by the
// sizes in the directory: a member is unpacked to its size and no further, and no two members share bytes of the file.

import { inflateRawSync } from "node:zlib";
import { MAX_FILE_BYTES } from "../../host/model/limits.ts";
import { crc32 } from "../../host/runtime/crc32.ts";
import { CliError } from "../errors.ts";

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 0xffff;
/** Deflate packs at most 258 bytes into 2 bits. */
const MAX_RATIO = 1032;
const NAME = /^[^\p{Cc}]{1,300}$/u;

interface Entry {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly checksum: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * Reads a zip file into its members, in the order of its directory.
 *
 * @param source  name of the file in error messages
 * @throws {CliError} when the file is damaged, or its members have more than 512 MiB together
 */
export function readZip(bytes: Uint8Array, source: string): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = readDirectory(view, bytes, source);
  let total = 0;
  const names = new Set<string>();
  for (const { name, size } of entries) {
    total += size;
    if (total > MAX_FILE_BYTES)
      throw new CliError(`${source}: Members have more than ${MAX_FILE_BYTES} bytes together`);
    if (names.has(name)) throw new CliError(`${source}: Member "${name}" is there twice`);
    names.add(name);
  }
  const packed = entries.map((entry) => locate(view, entry, source));
  refuseOverlaps(packed, source);
  return new Map(packed.map((member) => [member.name, unpack(bytes, member, source)]));
}

/**
 * Names of the members of a zip file; nothing is unpacked.
 *
 * @throws {CliError} when the directory is damaged
 */
export function listZip(bytes: Uint8Array, source: string): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return readDirectory(view, bytes, source).map(({ name }) => name);
}

function readDirectory(view: DataView, bytes: Uint8Array, source: string): Entry[] {
  const end = findEnd(view, source);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    if (at + ENTRY_BYTES > end || view.getUint32(at, true) !== ENTRY_SIGNATURE) {
      throw new CliError(`${source}: Zip directory is damaged at byte ${at}`);
    }
    const nameEnd = at + ENTRY_BYTES + view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, nameEnd));
    // Names stand in error messages: one line, not a page.
    if (!NAME.test(name)) throw new CliError(`${source}: Zip directory has no proper name at byte ${at}`);
    entries.push({
      name,
      isEncrypted: (view.getUint16(at + 8, true) & 1) !== 0,
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packed: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      offset: view.getUint32(at + 42, true),
    });
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

/** Offset of the end of the directory, which stands before a comment of unknown length. */
function findEnd(view: DataView, source: string): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at--) {
    if (view.getUint32(at, true) === END_SIGNATURE) return at;
  }
  throw new CliError(`${source}: Zip directory is missing; the file is cut off or no zip file`);
}

/** A member with the place of its content in the file. */
interface Packed extends Entry {
  readonly start: number;
  readonly end: number;
}

const memberError = (source: string, name: string, text: string, cause?: unknown) =>
  new CliError(`${source}: Member "${name}" ${text}`, { cause });

/** Finds the content of a member, behind its local header. */
function locate(view: DataView, entry: Entry, source: string): Packed {
  const { name, offset, packed, size, method } = entry;
  const fail = (text: string) => memberError(source, name, text);
  if (entry.isEncrypted) throw fail("is encrypted; save it without a password");
  if (offset + LOCAL_BYTES > view.byteLength || view.getUint32(offset, true) !== LOCAL_SIGNATURE) {
    throw fail(`should start at byte ${offset} and does not; the file is damaged`);
  }
  const start = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  const end = start + packed;
  if (end > view.byteLength) {
    throw fail(`ends at byte ${end}, the file at byte ${view.byteLength}; it is cut off`);
  }
  if (method !== 0 && method !== 8) throw fail(`has compression ${method}, expected stored (0) or deflated (8)`);
  // Before any memory is taken for it.
  if (size > (method === 0 ? packed : MAX_RATIO * packed)) {
    throw fail(`has ${packed} bytes for a content of ${size}; the file is damaged`);
  }
  return { ...entry, start, end };
}

/** Members that share bytes would let a small file ask for the work of a large one. */
function refuseOverlaps(members: readonly Packed[], source: string): void {
  const ordered = members.toSorted((a, b) => a.offset - b.offset);
  for (const [index, member] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next === undefined || next.offset >= member.end) continue;
    throw new CliError(`${source}: Members "${member.name}" and "${next.name}" share bytes; the file is damaged`);
  }
}

function unpack(bytes: Uint8Array, { name, method, size, checksum, start, end }: Packed, source: string): Uint8Array {
  const fail = (text: string, cause?: unknown) => memberError(source, name, text, cause);
  let member = bytes.subarray(start, end);
  if (method === 8) {
    try {
      // Stops as soon as there is more than the directory says.
      member = inflateRawSync(member, { maxOutputLength: Math.max(1, size) });
    } catch (cause) {
      throw fail("does not unpack; the file is damaged", cause);
    }
  }
  if (member.length !== size) throw fail(`has ${member.length} bytes, expected ${size}; the file is damaged`);
  if (crc32(member) !== checksum) throw fail("has a wrong checksum; the file is damaged");
  return member;
}
