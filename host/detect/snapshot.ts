// The snapshot of a detector (FORMAT.md 8.6): magic, version, hash of the parameters, state, CRC-32.

import { sha256 } from "@noble/hashes/sha2.js";
import { SnapshotError } from "../model/errors.ts";
import { HASH_BYTES } from "../model/hash.ts";
import { crc32 } from "../runtime/crc32.ts";
import type { Block, DetectorParameters } from "./parameters.ts";
import { checkDetectorState } from "./state.ts";

const MAGIC = 0x31445652; // "RVD1", little-endian
const VERSION = 1;
const HEAD_BYTES = 28;

/** Writes a snapshot of a state. */
export function writeDetectorSnapshot(parameters: DetectorParameters, state: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + state.length + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  bytes.set(detectorHash(parameters), 8);
  view.setUint32(24, state.length, true);
  bytes.set(state, HEAD_BYTES);
  const end = HEAD_BYTES + state.length;
  view.setUint32(end, crc32(bytes.subarray(0, end)), true);
  return bytes;
}

/**
 * Checks a snapshot and answers a view of its state.
 *
 * @throws {SnapshotError} when it is damaged, of a newer version or of another detector, or no row could have left its state
 */
export function readDetectorSnapshot(parameters: DetectorParameters, bytes: Uint8Array): Uint8Array {
  const least = HEAD_BYTES + 4;
  if (bytes.length < least) {
    throw new SnapshotError(`Snapshot has ${bytes.length} bytes, expected at least ${least}; it is truncated`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) {
    throw new SnapshotError("Snapshot does not start with RVD1; it is no snapshot of a detector");
  }
  const version = view.getUint32(4, true);
  if (version !== VERSION) {
    const reason = version > VERSION ? "it was written by a newer Rivulet" : "no Rivulet wrote it";
    throw new SnapshotError(`Snapshot is of version ${version}, expected ${VERSION}; ${reason}`);
  }
  const end = bytes.length - 4;
  if (view.getUint32(end, true) !== crc32(bytes.subarray(0, end))) {
    throw new SnapshotError("Snapshot is damaged: its CRC-32 does not match");
  }
  const hash = detectorHash(parameters);
  if (hash.some((byte, i) => byte !== bytes[8 + i])) throw new SnapshotError("Snapshot belongs to another detector");
  if (view.getUint32(24, true) !== end - HEAD_BYTES) {
    throw new SnapshotError(`Snapshot says ${view.getUint32(24, true)} bytes of state, holds ${end - HEAD_BYTES}`);
  }
  const state = bytes.subarray(HEAD_BYTES, end);
  checkDetectorState(parameters, state);
  return state;
}

const hashes = new WeakMap<DetectorParameters, Uint8Array>();

/**
 * The first 16 bytes of the hash of what gives a state its meaning: everything but how the thresholds start and move, so that a detector whose rate of
 * alarms was changed goes on where it was.
 */
export function detectorHash(parameters: DetectorParameters): Uint8Array {
  let hash = hashes.get(parameters);
  if (hash === undefined) {
    hash = sha256(bytesOf(parameters)).subarray(0, HASH_BYTES);
    hashes.set(parameters, hash);
  }
  return hash;
}

function bytesOf({ channels, relation, noise, seasonality }: DetectorParameters): Uint8Array {
  const bytes: number[] = [];
  const put = (size: 1 | 2 | 4, values: ArrayLike<number>) => {
    for (const value of Array.from(values)) for (let i = 0; i < size; i++) bytes.push((value >> (8 * i)) & 255);
  };
  const putBlocks = (...blocks: (Block | undefined)[]) => {
    const found = blocks.filter((block) => block !== undefined);
    for (const { mean } of found) put(2, mean);
    for (const { weights } of found) put(1, weights);
    for (const { shifts } of found) put(1, shifts);
  };
  const putEach = (size: 1 | 2 | 4, of: (channel: (typeof channels)[number]) => number) => put(size, channels.map(of));
  put(4, [channels.length, seasonality?.period ?? 0, seasonality?.slots ?? 0]);
  putEach(4, ({ offset }) => offset);
  putEach(2, ({ multiplier }) => multiplier);
  putEach(1, ({ shift }) => shift);
  for (const { ar } of channels) put(2, ar);
  putEach(4, ({ arBias }) => arBias);
  putEach(2, ({ residualMultiplier }) => residualMultiplier);
  putEach(1, ({ residualShift }) => residualShift);
  putBlocks(...channels.map(({ sensor }) => sensor));
  putBlocks(relation);
  putBlocks(noise);
  putBlocks(seasonality?.block);
  return Uint8Array.from(bytes);
}
