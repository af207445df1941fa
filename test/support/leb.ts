// LEB128 numbers as short as they can be (WebAssembly Core Specification 2.0, 5.2.2).

/** The bytes of an unsigned number. */
export function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...unsigned(Math.floor(value / 128))];
}

/** The bytes of a signed number. */
export function signed(value: bigint): number[] {
  const low = Number(value & 127n);
  return BigInt.asIntN(7, value) === value ? [low] : [low + 128, ...signed(value >> 7n)];
}

/** A vector of bytes: their count, then they. */
export const sized = (...bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
