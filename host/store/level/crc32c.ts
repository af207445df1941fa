/** Tables for four bytes at a time ("slicing by 4"): T[k][b] is the checksum of byte b with k zeros behind it. */
const tables = makeTables();

function makeTables(): Uint32Array {
  const all = new Uint32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    all[byte] = value;
  }
  for (let at = 256; at < all.length; at++) {
    const before = all[at - 256] as number;
    all[at] = (before >>> 8) ^ (all[before & 255] as number);
  }
  return all;
}

/** Computes the CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes[start, end)`. */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  const t = tables;
  let crc = ~0;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (t[768 + (crc & 255)] as number) ^
      (t[512 + ((crc >>> 8) & 255)] as number) ^
      (t[256 + ((crc >>> 16) & 255)] as number) ^
      (t[crc >>> 24] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 255] as number);
  return ~crc >>> 0;
}

/** Adds one byte to a checksum. */
export function extendCrc32c(crc: number, byte: number): number {
  const inner = ~crc;
  return ~((inner >>> 8) ^ (tables[(inner ^ byte) & 255] as number)) >>> 0;
}

/** Answers a checksum as LevelDB stores it: "masked", so that checksums of bytes that hold checksums are none of their own. */
export function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/**
 * Finds the one bit whose flip explains that the masked checksum `stored` is not that of `bytes[start, end)`: its place in `bytes`
 * and a byte with that bit. A damage of more bits is taken for one bit in `8 * (end - start)` of 2^32 cases.
 *
 * @returns `"checksum"` when the bit is in the checksum itself; undefined when no single bit explains it
 */
function findFlippedBit(
  bytes: Uint8Array,
  start: number,
  end: number,
  stored: number,
): { readonly at: number; readonly bit: number } | "checksum" | undefined {
  const actual = crc32c(bytes, start, end);
  const inChecksum = mask(actual) ^ stored;
  if ((inChecksum & (inChecksum - 1)) === 0) return "checksum";
  const wanted = (actual ^ unmask(stored)) >>> 0;
  // A checksum is linear: what a flipped bit changes in it depends on the bit's distance from the end only.
  const changes = Uint32Array.from({ length: 8 }, (_, bit) => tables[1 << bit] as number);
  for (let at = end - 1; at >= start; at--) {
    for (let bit = 0; bit < 8; bit++) {
      const change = changes[bit] as number;
      if (change === wanted) return { at, bit: 1 << bit };
      changes[bit] = (change >>> 8) ^ (tables[change & 255] as number);
    }
  }
  return undefined;
}

function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** Mends `bytes[start, end)` in place when the flip of one bit explains that its masked checksum is not `stored`. */
export function mendBit(bytes: Uint8Array, start: number, end: number, stored: number): boolean {
  const found = findFlippedBit(bytes, start, end, stored);
  if (found === undefined) return false;
  if (found !== "checksum") bytes[found.at] = (bytes[found.at] as number) ^ found.bit;
  return true;
}
