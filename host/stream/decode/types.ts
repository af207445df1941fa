import type { Around } from "../payload.ts";

/**
 * Reads the bytes of a payload as plain data: objects, arrays, text, numbers. Bounded in depth, and in memory by a small multiple
 * of the bytes.
 *
 * @throws {PayloadError} when they cannot be read
 */
export type DocumentDecoder = (bytes: Uint8Array, around: Around) => unknown;
