import { describe, expect, it } from "vitest";
import { checkArguments, segmentsOf } from "../../../tools/mcu/segments.ts";

const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** Segments of constants at addresses, as address and bytes. */
function segments(...parts: readonly (readonly [address: number, ...bytes: readonly number[]])[]) {
  const regions = parts.map(([address, ...bytes]) => {
    return { name: "part", address, bytes: bytes.length, data: Uint8Array.from(bytes) };
  });
  const space = { name: "space", address: 200, bytes: 8 };
  return segmentsOf({ regions: [...regions, space], memoryBytes: 208 }).map(({ address, bytes }) => [
    address,
    [...bytes],
  ]);
}

describe("segmentsOf", () => {
  it("has no segment for zeros alone, nor for places without constants", () => {
    expect(segments()).toEqual([]);
    expect(segments([16, 0, 0, 0])).toEqual([]);
  });

  it("starts at the first byte that is not zero and ends behind the last", () => {
    expect(segments([16, 0, 0, 5, 0, 6, 0])).toEqual([[18, [5, 0, 6]]]);
  });

  it("writes up to 32 zeros between two bytes, and leaves out more", () => {
    expect(segments([16, 1, ...zeros(32), 2])).toEqual([[16, [1, ...zeros(32), 2]]]);
    expect(segments([16, 1, ...zeros(33), 2])).toEqual([
      [16, [1]],
      [50, [2]],
    ]);
  });

  it("counts the zeros between two parts, in whatever order they stand", () => {
    expect(segments([60, 3], [16, 1, 2])).toEqual([
      [16, [1, 2]],
      [60, [3]],
    ]);
    expect(segments([20, 3], [16, 1])).toEqual([[16, [1, 0, 0, 0, 3]]]);
  });

  it("takes the last byte of the memory", () => {
    expect(segments([207, 9])).toEqual([[207, [9]]]);
  });
});

describe("checkArguments", () => {
  const space = (address: number, bytes: number) => ({ name: "space", address, bytes });

  it("covers what lies before and behind the places that steps write", () => {
    const constants = [
      { address: 20, bytes: Uint8Array.of(1, 2) },
      { address: 64, bytes: Uint8Array.of(3) },
    ];
    const program = { regions: [space(32, 10), space(48, 6)], memoryBytes: 80 };
    expect(checkArguments(constants, program).slice(0, 4)).toEqual([16, 32, 56, 80]);
    const other = [constants[0]!, { address: 65, bytes: Uint8Array.of(3) }];
    expect(checkArguments(other, program)[4]).not.toBe(checkArguments(constants, program)[4]);
  });

  it("has one part when there are no constants before those places", () => {
    const constants = [{ address: 64, bytes: Uint8Array.of(3) }];
    expect(checkArguments(constants, { regions: [space(16, 32)], memoryBytes: 80 }).slice(0, 4)).toEqual([
      48, 80, 80, 80,
    ]);
  });

  it("refuses three parts", () => {
    const constants = [16, 40, 64].map((address) => ({ address, bytes: Uint8Array.of(1) }));
    const program = { regions: [space(32, 4), space(48, 4)], memoryBytes: 80 };
    expect(() => checkArguments(constants, program)).toThrow("Constants stand in 3 parts, expected two");
  });
});
