import { createHmac } from "node:crypto";

/** Least and greatest size of a key, bytes: less is guessed, more is hashed first, which the firmware's reader does not do. */
const KEY_BYTES: readonly [number, number] = [16, 64];

/**
 * The code by which firmware knows that bytes were made by who has the key: HMAC-SHA256, 32 bytes
 * (tools/firmware/common/rivulet_mac.h checks it).
 *
 * @throws {RangeError} when the key is shorter than 16 or longer than 64 bytes
 */
export function macOf(bytes: Uint8Array, key: Uint8Array): Uint8Array {
  const [least, greatest] = KEY_BYTES;
  if (key.length < least || key.length > greatest) {
    throw new RangeError(`Key has ${key.length} bytes, expected ${least} to ${greatest}`);
  }
  return createHmac("sha256", key).update(bytes).digest();
}
