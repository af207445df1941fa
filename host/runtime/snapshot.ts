// The snapshot of a session (FORMAT.md 7): magic, version, model hash, state block, CRC-32.

import { SnapshotError } from "../model/errors.ts";
import { HASH_BYTES, hashBytes } from "../model/hash.ts";
import { crc32 } from "./crc32.ts";
import { align16 } from "./image.ts";

const MAGIC = 0x31535652; // "RVS1", little-endian
/** How the snapshot of a session with windows starts: "RVW1", little-endian. */
export const WINDOWS_MAGIC = 0x31575652;
const VERSION = 2;
const HEAD_BYTES = 28;

/**
 * Writes a snapshot.
 *
 * @param hash  model hash, hexadecimal
 * @param state  the state block, copied
 */
export function writeSnapshot(hash: string, state: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + state.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  bytes.set(firstBytes(hash), 8);
  view.setUint32(24, state.length, true);
  bytes.set(state, HEAD_BYTES);
  view.setUint32(HEAD_BYTES + state.length, crc32(bytes.subarray(0, HEAD_BYTES + state.length)), true);
  return bytes;
}

/** Bytes of the state block of a model, by version of the snapshot: 1 has no ring of forecasts. */
export interface StateSizes {
  readonly 1: number;
  readonly 2: number;
}

/**
 * Checks a snapshot and returns a view of its state block.
 *
 * @throws {SnapshotError} when it is damaged, of a newer version, or of another model than `hash`
 */
export function readSnapshot(hash: string, sizes: StateSizes, bytes: Uint8Array): Uint8Array {
  if (bytes.length < HEAD_BYTES + 4) {
    throw new SnapshotError(`Snapshot has ${bytes.length} bytes, expected at least ${HEAD_BYTES + 4}; it is truncated`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) === WINDOWS_MAGIC)
    throw new SnapshotError("Snapshot is of a session with windows; say the same `reset` or `overlap` for this one");
  if (view.getUint32(0, true) !== MAGIC)
    throw new SnapshotError("Snapshot does not start with RVS1; it is no snapshot");
  const version = view.getUint32(4, true);
  if (version !== 1 && version !== VERSION) {
    const reason = version > VERSION ? "it was written by a newer Rivulet" : "no Rivulet wrote it";
    throw new SnapshotError(`Snapshot is of version ${version}, expected 1 to ${VERSION}; ${reason}`);
  }
  const end = bytes.length - 4;
  if (view.getUint32(24, true) !== end - HEAD_BYTES) {
    throw new SnapshotError(`Snapshot says ${view.getUint32(24, true)} bytes of state, holds ${end - HEAD_BYTES}`);
  }
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
    throw new SnapshotError("Snapshot is damaged: its CRC-32 does not match");
  }
  const found = bytes.subarray(8, 8 + HASH_BYTES);
  if (firstBytes(hash).some((byte, i) => byte !== found[i])) {
    const hex = [...found.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    throw new SnapshotError(`Snapshot belongs to the model with hash ${hex}…, this is ${hash.slice(0, 8)}…`);
  }
  if (end - HEAD_BYTES !== sizes[version]) {
    throw new SnapshotError(`Snapshot holds ${end - HEAD_BYTES} bytes of state, this model has ${sizes[version]}`);
  }
  return bytes.subarray(HEAD_BYTES, end);
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
