/** Bytes of a model's hash that snapshots and modules for microcontrollers carry. */
export const HASH_BYTES = 16;

/** First 16 bytes of a hash in hexadecimal digits. */
export function hashBytes(hash: string): Uint8Array {
  return Uint8Array.from({ length: HASH_BYTES }, (_, i) => Number.parseInt(hash.slice(2 * i, 2 * i + 2), 16));
}
