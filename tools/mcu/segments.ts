// What a module writes into its memory when it starts.

import { crc32 } from "../../host/runtime/crc32.ts";
import { alignTo } from "./layout.ts";
import type { Program } from "./types.ts";

/** Bytes at an address. */
export interface Segment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** The longest run of zeros that is written. A segment takes up to 9 bytes of flash and 20 of wasm3's RAM, or a call where it becomes C. */
const LONGEST_ZEROS = 32;

/** Cuts the constants of a program into segments. Memory is zero where none is. */
export function segmentsOf({ regions, memoryBytes }: Pick<Program, "regions" | "memoryBytes">): readonly Segment[] {
  const memory = new Uint8Array(memoryBytes);
  for (const { address, data } of regions) if (data !== undefined) memory.set(data, address);
  const segments: Segment[] = [];
  let start = -1;
  let end = 0;
  memory.forEach((byte, at) => {
    if (byte === 0) return;
    if (start < 0 || at - end > LONGEST_ZEROS) {
      if (start >= 0) segments.push({ address: start, bytes: memory.slice(start, end) });
      start = at;
    }
    end = at + 1;
  });
  if (start >= 0) segments.push({ address: start, bytes: memory.slice(start, end) });
  return segments;
}

/** Constants stand from this address on. */
const FIRST = 16;

/**
 * The arguments of `check` (assembly/mcu/selftest.ts): the parts of memory that no step writes, and their CRC.
 *
 * @param constants  all that the module writes into its memory when it starts
 * @throws {Error} when constants stand in more than two parts
 */
export function checkArguments(
  constants: readonly Segment[],
  { regions, memoryBytes }: Pick<Program, "regions" | "memoryBytes">,
): readonly number[] {
  const memory = new Uint8Array(memoryBytes);
  for (const { address, bytes } of constants) memory.set(bytes, address);
  const parts: (readonly [from: number, to: number])[] = [];
  let from = FIRST;
  for (const space of [...regions.filter(({ data }) => data === undefined), END(memoryBytes)]) {
    if (constants.some(({ address }) => address >= from && address < space.address)) parts.push([from, space.address]);
    from = alignTo(space.address + space.bytes, 4);
  }
  const [first = [FIRST, FIRST], second = [first[1], first[1]], ...others] = parts;
  if (others.length > 0) throw new Error(`Constants stand in ${parts.length} parts, expected two`);
  const checked = Buffer.concat(parts.map(([start, end]) => memory.subarray(start, end)));
  return [...first, ...second, ~crc32(checked)];
}

/** Stands for what is behind the memory. */
const END = (address: number) => ({ address, bytes: 0 });
