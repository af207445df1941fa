import { describe, expect, it } from "vitest";
import { TRAIN_SCALAR, TRAIN_SIMD } from "../../build/train.ts";
import { readModule } from "../support/wasm-opcodes.ts";

describe.each([
  ["scalar", TRAIN_SCALAR, 9216],
  ["SIMD", TRAIN_SIMD, 13312],
])("the %s module that trains", (_, base64, budget) => {
  const bytes = Buffer.from(base64, "base64");

  it("imports nothing", () => {
    expect(readModule(new Uint8Array(bytes)).imports).toEqual([]);
  });

  it("stays within its budget", () => {
    expect(bytes.length).toBeLessThanOrEqual(budget);
  });
});
