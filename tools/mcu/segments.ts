// What a module writes into its memory when it starts.

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
