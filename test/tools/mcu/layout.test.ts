import { describe, expect, it } from "vitest";
import { alignTo, Layout } from "../../../tools/mcu/layout.ts";

describe("alignTo", () => {
  it("rounds up to a multiple", () => {
    expect(alignTo(17, 8)).toBe(24);
    expect(alignTo(1, 16)).toBe(16);
  });

  it("keeps what is a multiple, 0 included", () => {
    expect(alignTo(16, 16)).toBe(16);
    expect(alignTo(0, 16)).toBe(0);
  });
});

describe("Layout", () => {
  it("places one part behind the other, from the first free address on", () => {
    const layout = new Layout(16);
    expect(layout.space("input", 12)).toBe(16);
    expect(layout.data("weights", Uint8Array.of(1, 2, 3, 4))).toBe(28);
    expect(layout.space("output", 4)).toBe(32);
  });

  it("aligns to 4 bytes unless told otherwise", () => {
    const layout = new Layout(16);
    layout.space("odd", 5);
    expect(layout.space("word", 4)).toBe(24);
    expect(layout.space("vector", 4, 16)).toBe(32);
    expect(layout.data("byte", Uint8Array.of(1), 1)).toBe(36);
    expect(layout.data("another", Uint8Array.of(1), 1)).toBe(37);
  });

  it("tells its parts in the order of their addresses, with their data", () => {
    const layout = new Layout(16);
    layout.space("input", 4);
    layout.data("weights", Uint8Array.of(7, 8), 8);
    expect(layout.regions).toEqual([
      { name: "input", address: 16, bytes: 4 },
      { name: "weights", address: 24, bytes: 2, data: Uint8Array.of(7, 8) },
    ]);
  });

  it("leaves out parts of no size, but tells where they would be", () => {
    const layout = new Layout(17);
    expect(layout.space("window", 0, 16)).toBe(32);
    expect(layout.data("nothing", new Uint8Array(0))).toBe(32);
    expect(layout.regions).toEqual([]);
  });

  it("ends at a multiple of 16", () => {
    const layout = new Layout(16);
    expect(layout.end).toBe(16);
    layout.space("input", 1);
    expect(layout.end).toBe(32);
  });
});
