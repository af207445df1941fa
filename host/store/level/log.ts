// LevelDB's log format, of its logs and of its manifest: blocks of 32 KiB that hold fragments
//
//   offset  bytes
//   0       4      masked CRC-32C of all that follows
//   4       2      u16 length n
//   6       1      type: 1 a whole record, 2 its first, 3 a middle and 4 its last fragment
//   7       n      bytes of the record
//
// A block ends with zeros where no header fits. (LevelDB, doc/log_format.md)

import { crc32c, mask, mendBit } from "./crc32c.ts";

const BLOCK = 32_768;
const HEADER = 7;
/** A tail of zeros this long was never written: what a loss of power leaves. */
const UNWRITTEN = 512;

/** A record, or what is left of one. */
export interface LogRecord {
  readonly isSound: boolean;
  /** As it stands there. */
  readonly bytes: Uint8Array;
}

/** What a file in the log format holds. */
export interface LogContent {
  /** In order; those that are damaged have others behind them, or were written to their end. */
  readonly records: readonly LogRecord[];
  /** Whether all that was written to its end is as it was written. */
  readonly isSound: boolean;
  /** Bytes at the end that are no whole record: a write that the end of a process or a loss of power cut off. */
  readonly tornBytes: number;
}

interface Fragment {
  readonly at: number;
  readonly end: number;
  readonly type: number;
  readonly isSound: boolean;
  /** It was sound once a bit of it was mended. */
  readonly isMended?: boolean;
}

/**
 * Reads a file in the log format, and finds sound records also behind damaged ones. Single flipped bits are mended, in `file` itself.
 */
export function readLog(file: Uint8Array): LogContent {
  const records: (LogRecord & { readonly at: number; readonly isCutOff: boolean })[] = [];
  let open: { readonly at: number; readonly parts: Uint8Array[]; isSound: boolean } | undefined;
  let isMended = false;
  const close = (isWhole: boolean, isCutOff = false) => {
    if (open === undefined) return;
    const { at, parts, isSound } = open;
    records.push({ at, isSound: isWhole && isSound, bytes: Buffer.concat(parts), isCutOff });
    open = undefined;
  };
  for (const fragment of fragments(file)) {
    const { at, end, type, isSound } = fragment;
    isMended ||= fragment.isMended === true;
    const isContinuation = type === MIDDLE || type === LAST;
    if (open !== undefined && !isContinuation) close(false);
    open ??= { at, parts: [], isSound: !isContinuation };
    open.parts.push(file.subarray(Math.min(at + HEADER, end), end));
    open.isSound &&= isSound;
    if (type === WHOLE || type === LAST) close(true, isTorn(file, fragment));
    else if (!isSound && isTorn(file, fragment)) close(false, true);
  }
  close(false, true);
  const count = 1 + records.findLastIndex(({ isSound, isCutOff }) => isSound || !isCutOff);
  const kept = records.slice(0, count);
  const torn = records[count];
  return {
    records: kept,
    isSound: !isMended && kept.every((record) => record.isSound),
    tornBytes: torn === undefined ? 0 : file.length - torn.at,
  };
}

const WHOLE = 1;
const MIDDLE = 3;
const LAST = 4;

/** Whether a damaged fragment is what was written last, and not to its end. */
function isTorn(file: Uint8Array, { end, isSound, at }: Fragment): boolean {
  if (isSound || end < file.length) return false;
  const isShort = file.length - at < HEADER || at + HEADER + lengthAt(file, at) > file.length;
  return isShort || file.subarray(Math.max(at, file.length - UNWRITTEN)).every((byte) => byte === 0);
}

function* fragments(file: Uint8Array): Generator<Fragment> {
  let at = 0;
  while (at < file.length) {
    const blockEnd = Math.min(at - (at % BLOCK) + BLOCK, file.length);
    if (blockEnd - at < HEADER) {
      // A trailer of zeros; at the end of the file, the start of a header that was cut off.
      if (blockEnd % BLOCK !== 0) yield { at, end: blockEnd, type: WHOLE, isSound: false };
      at = blockEnd;
      continue;
    }
    const end = soundEnd(file, at, blockEnd);
    const fragment =
      end === undefined ? damaged(file, at, blockEnd) : { at, end, type: typeAt(file, at), isSound: true };
    yield fragment;
    at = fragment.end;
  }
}

/** Mends a damaged fragment, or answers all up to the next sound one as it stands there. */
function damaged(file: Uint8Array, at: number, blockEnd: number): Fragment {
  const next = findSound(file, at + 1, blockEnd);
  const declared = at + HEADER + lengthAt(file, at);
  // With a wrong length, the checksum holds for what stands before the next fragment.
  for (const end of declared < next ? [declared, next] : [next]) {
    const stored = new DataView(file.buffer, file.byteOffset + at).getUint32(0, true);
    if (mendBit(file, at + 6, end, stored) && typeAt(file, at) >= WHOLE && typeAt(file, at) <= LAST) {
      return { at, end, type: typeAt(file, at), isSound: true, isMended: true };
    }
  }
  const type = typeAt(file, at);
  return { at, end: next, type: type >= WHOLE && type <= LAST ? type : WHOLE, isSound: false };
}

const lengthAt = (file: Uint8Array, at: number): number => (file[at + 4] as number) | ((file[at + 5] as number) << 8);
const typeAt = (file: Uint8Array, at: number): number => file[at + 6] as number;

/** The end of the fragment at `at`, when it is a sound one. */
function soundEnd(file: Uint8Array, at: number, blockEnd: number): number | undefined {
  const end = at + HEADER + lengthAt(file, at);
  const type = typeAt(file, at);
  if (end > blockEnd || type < WHOLE || type > LAST) return undefined;
  const stored = new DataView(file.buffer, file.byteOffset + at).getUint32(0, true);
  return stored === mask(crc32c(file, at + 6, end)) ? end : undefined;
}

/** The next sound fragment of a block, or its end. */
function findSound(file: Uint8Array, from: number, blockEnd: number): number {
  for (let at = from; at + HEADER <= blockEnd; at++) if (soundEnd(file, at, blockEnd) !== undefined) return at;
  return blockEnd;
}
