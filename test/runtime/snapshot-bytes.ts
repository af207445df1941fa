import { crc32 as zlibCrc32 } from "node:zlib";
import { expect } from "vitest";
import { SnapshotError } from "../../host/model/errors.ts";
import type { Session } from "../../host/runtime/session.ts";

export const SHAPE = { inputs: 2, layers: [6, 3], outputs: 2, skip: 3 } as const;

/** Writes the right CRC-32 at the end of a snapshot. */
export function seal(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(bytes.length - 4, zlibCrc32(bytes.subarray(0, -4)), true);
  return bytes;
}

/** Restores, expecting a snapshotRefusal that leaves the state alone; gives its message. */
export function snapshotRefusal(session: Session, bytes: Uint8Array): string {
  const before = session.snapshot();
  let message: string | undefined;
  try {
    session.restore(bytes);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    message = error.message;
  }
  expect(session.snapshot()).toEqual(before);
  if (message === undefined) throw new Error("The snapshot was accepted");
  return message;
}
