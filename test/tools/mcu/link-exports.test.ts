import { describe, expect, it } from "vitest";
import { buildModule } from "../../../tools/mcu/build.ts";
import { instantiate, q15 } from "./linked.ts";

describe("linkModule, exports", async () => {
  const model = q15({ inputs: 2, layers: [5, 4], outputs: 3, skip: 2 });
  const { wasm, program } = await buildModule(model, { target: "generic" });
  const exports = instantiate(wasm);
  const value = (name: string): number => (exports[name] as WebAssembly.Global).value;

  it("are the ABI, in this order", () => {
    expect(Object.keys(exports)).toEqual([
      ...[
        "memory",
        "step",
        "reset",
        "selftest",
        "check",
        "abi_version",
        "input",
        "input_count",
        "output",
        "output_count",
      ],
      ...["state", "state_size", "model_hash", "__data_end", "__heap_base"],
    ]);
  });

  it("tell where residuals are when outputs forecast inputs", async () => {
    const forecaster = q15({ inputs: 2, layers: [5], outputs: 3, horizon: 4 });
    const built = await buildModule(forecaster, { target: "generic" });
    const more = instantiate(built.wasm);
    const names = ["steps", "horizon", "expected", "residual", "residual_count"];
    expect(Object.keys(more)).toEqual(expect.arrayContaining(names));
    const values = names.map((name) => (more[name] as WebAssembly.Global).value);
    const ring = built.program.state.address + 16;
    expect(values).toEqual([ring, 4, ring + 8, ring + 16, 2]);
  });

  it("tell the version, and counts in values", () => {
    expect(value("abi_version")).toBe(1);
    expect(value("input_count")).toBe(2);
    expect(value("output_count")).toBe(3);
  });

  it("tell the size of the state: a window of 2 x 2, 5 and 4 units, each padded to 16 bytes", () => {
    expect(value("state_size")).toBe(48);
  });

  it("tell where things lie as the plan has them", () => {
    expect(value("input")).toBe(program.input.address);
    expect(value("output")).toBe(program.output.address);
    expect(value("state")).toBe(program.state.address);
    expect(value("__heap_base")).toBe(program.memoryBytes);
    expect(value("__data_end")).toBe(program.memoryBytes);
  });

  it("point to the first 16 bytes of the model's hash", () => {
    const bytes = Buffer.from(exports.memory.buffer).subarray(value("model_hash"), value("model_hash") + 16);
    expect(bytes.toString("hex")).toBe(model.hash.slice(0, 32));
  });

  it("have one page of memory, which cannot grow", () => {
    expect(exports.memory.buffer.byteLength).toBe(65536);
    expect(() => exports.memory.grow(1)).toThrow(RangeError);
  });

  it("reset the state, and nothing else", () => {
    const memory = new Uint8Array(exports.memory.buffer);
    const before = memory.slice();
    memory.fill(255, value("state"), value("state") + value("state_size"));
    exports.reset();
    expect(memory.slice()).toEqual(before);
  });

  it("name the step of a self-test that differs", async () => {
    const own = instantiate((await buildModule(model, { target: "generic", vectors: 4 })).wasm);
    const { vectors } = (await buildModule(model, { target: "generic", vectors: 4 })).program;
    expect(vectors.steps).toBe(4);
    expect(own.selftest()).toBe(0);
    new Uint8Array(own.memory.buffer)[vectors.address + 3 * (vectors.bytes / 4) - 1]! ^= 1; // the last byte of step 3
    expect(own.selftest()).toBe(3);
  });

  it("step with a status: a token out of range is refused and the state stays", async () => {
    const tokens = q15({ layers: [6], embedding: { vocabulary: 5, size: 3 }, outputs: 2 });
    const own = instantiate((await buildModule(tokens, { target: "generic" })).wasm);
    const memory = new Int32Array(own.memory.buffer);
    const at = (own.input as WebAssembly.Global).value / 4;
    memory[at] = 4;
    expect(own.step()).toBe(0);
    const before = memory.slice();
    for (const token of [5, -1, 2 ** 31 - 1]) {
      memory[at] = before[at] = token;
      expect(own.step()).toBe(4);
      expect(memory.slice()).toEqual(before);
    }
  });
});
