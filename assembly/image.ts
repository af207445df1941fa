import {
  CRC_POLYNOMIAL,
  HEADER_BYTES,
  HEADER_CHECKSUM,
  HEADER_LAYERS,
  HEADER_MAGIC,
  HEADER_SIZE,
  STATUS_BAD_CHECKSUM,
  STATUS_BAD_MAGIC,
  STATUS_BAD_SIZE,
  STATUS_OK,
} from "./layout";

/**
 * Checks that `bytes` at `image` hold an undamaged image for this build: the kernels trust an image that passes.
 *
 * The checksum is the CRC-32 of IEEE 802.3, as in zlib, from word 3 on: it finds every change of up to 32 bits in a row, every two
 * flipped bits, and all but one in 2^32 of other damage. It finds damage, not intent: whoever can write an image can write its
 * checksum, and records that lie lead the kernels elsewhere in their memory (SECURITY.md).
 *
 * @returns STATUS_OK, STATUS_BAD_MAGIC, STATUS_BAD_SIZE or STATUS_BAD_CHECKSUM
 */
export function checkImage(image: usize, bytes: i32, magic: i32): i32 {
  if (load<i32>(image, HEADER_MAGIC) !== magic) return STATUS_BAD_MAGIC;
  const size = load<i32>(image, HEADER_BYTES);
  if (size < HEADER_SIZE || size > bytes || (size & 15) !== 0) return STATUS_BAD_SIZE;
  let crc: u32 = 0xffffffff;
  for (let at = image + HEADER_LAYERS; at < image + size; at += 4) {
    crc ^= load<u32>(at);
    // Bit by bit: a table would cost a kilobyte of the module, and an image is checked once.
    for (let bit = 0; bit < 32; bit++) crc = (crc >>> 1) ^ (CRC_POLYNOMIAL & (0 - (crc & 1)));
  }
  return i32(~crc) === load<i32>(image, HEADER_CHECKSUM) ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

/** Bytes of `count` elements of T, padded to a multiple of 16. */
export function paddedBytes<T>(count: i32): i32 {
  return (count * sizeof<T>() + 15) & ~15;
}

/** Number of blocks of 16 that hold `count` rows or units. */
export function blocks(count: i32): i32 {
  return (count + 15) >> 4;
}
