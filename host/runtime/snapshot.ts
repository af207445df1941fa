// The snapshot of a session (FORMAT.md 7): magic, version, model hash, state block, CRC-32.

import { SnapshotError } from "../model/errors.ts";
import { HASH_BYTES, hashBytes } from "../model/hash.ts";
import { crc32 } from "./crc32.ts";
import { align16 } from "./image.ts";

const MAGIC = 0x31535652; // "RVS1", little-endian
/** How the snapshot of a session with windows starts: "RVW1", little-endian. */
export const WINDOWS_MAGIC = 0x31575652;
const VERSION = 2;
/** Of a session whose model has a detector. */
const WATCHED_VERSION = 3;
const HEAD_BYTES = 28;

/**
 * Writes a snapshot.
 *
 * @param hash  model hash, hexadecimal
 * @param state  the state block, copied
 * @param detector  snapshot of the model's detector (FORMAT.md 8.6), if it has one
 */
export function writeSnapshot(hash: string, state: Uint8Array, detector?: Uint8Array): Uint8Array {
  const end = HEAD_BYTES + state.length + (detector?.length ?? 0);
  const bytes = new Uint8Array(end + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, detector ? WATCHED_VERSION : VERSION, true);
  bytes.set(firstBytes(hash), 8);
  view.setUint32(24, state.length, true);
  bytes.set(state, HEAD_BYTES);
  if (detector) bytes.set(detector, HEAD_BYTES + state.length);
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/** Bytes of the state block of a model, by version of the snapshot: 1 has no ring of forecasts. */
export interface StateSizes {
  readonly 1: number;
  readonly 2: number;
}

/** Views of the parts of a snapshot. */
export interface SnapshotParts {
  readonly state: Uint8Array;
  /** Snapshot of the detector; from version 3 on. */
  readonly detector?: Uint8Array;
}

/**
 * Checks a snapshot and returns views of its parts; that of the detector is not looked into.
 *
 * @throws {SnapshotError} when it is damaged, of a newer version, or of another model than `hash`
 */
export function readSnapshot(hash: string, sizes: StateSizes, bytes: Uint8Array): SnapshotParts {
  if (bytes.length < HEAD_BYTES + 4) {
    throw new SnapshotError(`Snapshot has ${bytes.length} bytes, expected at least ${HEAD_BYTES + 4}; it is truncated`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) === WINDOWS_MAGIC)
    throw new SnapshotError("Snapshot is of a session with windows; say the same `reset` or `overlap` for this one");
  if (view.getUint32(0, true) !== MAGIC)
    throw new SnapshotError("Snapshot does not start with RVS1; it is no snapshot");
  const version = view.getUint32(4, true);
  if (version !== 1 && version !== VERSION && version !== WATCHED_VERSION) {
    const reason = version > WATCHED_VERSION ? "it was written by a newer Rivulet" : "no Rivulet wrote it";
    throw new SnapshotError(`Snapshot is of version ${version}, expected 1 to ${WATCHED_VERSION}; ${reason}`);
  }
  const end = bytes.length - 4;
  const size = view.getUint32(24, true);
  const room = end - HEAD_BYTES;
  if (version === WATCHED_VERSION ? size >= room : size !== room) {
    throw new SnapshotError(`Snapshot says ${size} bytes of state, holds ${room}`);
  }
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
    throw new SnapshotError("Snapshot is damaged: its CRC-32 does not match");
  }
  const found = bytes.subarray(8, 8 + HASH_BYTES);
  if (firstBytes(hash).some((byte, i) => byte !== found[i])) {
    const hex = [...found.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    throw new SnapshotError(`Snapshot belongs to the model with hash ${hex}…, this is ${hash.slice(0, 8)}…`);
  }
  const expected = sizes[version === 1 ? 1 : 2];
  if (size !== expected) {
    throw new SnapshotError(`Snapshot holds ${size} bytes of state, this model has ${expected}`);
  }
  const state = bytes.subarray(HEAD_BYTES, HEAD_BYTES + size);
  return version === WATCHED_VERSION ? { state, detector: bytes.subarray(HEAD_BYTES + size, end) } : { state };
}

/**
 * Makes of a snapshot of version 1 one of this version.
 *
 * @param bytes  checked by readSnapshot
 * @param ring  of forecasts (FORMAT.md 7), without what pads it
 */
export function addRing(hash: string, bytes: Uint8Array, ring: Uint8Array): Uint8Array {
  const before = bytes.subarray(HEAD_BYTES, bytes.length - 4);
  const state = new Uint8Array(before.length + align16(ring.length));
  state.set(before);
  state.set(ring, before.length);
  return writeSnapshot(hash, state);
}

/** First bytes of the hashes seen: a process has few models, and parsing one is half of the cost of a snapshot. */
const parsed = new Map<string, Uint8Array>();

function firstBytes(hash: string): Uint8Array {
  let bytes = parsed.get(hash);
  if (bytes === undefined) {
    bytes = hashBytes(hash);
    parsed.set(hash, bytes);
  }
  return bytes;
}
