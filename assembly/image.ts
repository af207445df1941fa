import {
  CHECKSUM_FACTOR,
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
 * The checksum is FNV-1a over words, from word 3 on. An image comes from the host's packer, never from the network, so
 * damage is what it must find; any single changed word changes the sum.
 *
 * @returns STATUS_OK, STATUS_BAD_MAGIC, STATUS_BAD_SIZE or STATUS_BAD_CHECKSUM
 */
export function checkImage(image: usize, bytes: i32, magic: i32): i32 {
  if (load<i32>(image, HEADER_MAGIC) !== magic) return STATUS_BAD_MAGIC;
  const size = load<i32>(image, HEADER_BYTES);
  if (size < HEADER_SIZE || size > bytes || (size & 15) !== 0) return STATUS_BAD_SIZE;
  let sum = 0;
  for (let at = image + HEADER_LAYERS; at < image + size; at += 4) sum = (sum ^ load<i32>(at)) * CHECKSUM_FACTOR;
  return sum === load<i32>(image, HEADER_CHECKSUM) ? STATUS_OK : STATUS_BAD_CHECKSUM;
}

/** Bytes of `count` elements of T, padded to a multiple of 16. */
export function paddedBytes<T>(count: i32): i32 {
  return (count * sizeof<T>() + 15) & ~15;
}

/** Number of blocks of 16 that hold `count` rows or units. */
export function blocks(count: i32): i32 {
  return (count + 15) >> 4;
}
