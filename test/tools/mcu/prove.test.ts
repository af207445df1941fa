import { beforeAll, describe, expect, it } from "vitest";
import type { Model } from "../../../host/model/types.ts";
import { type BuiltModule, linkFor } from "../../../tools/mcu/build.ts";
import { PROOF_STEPS, proveModule } from "../../../tools/mcu/prove.ts";
import { randomF32Model, randomQ15Model } from "../../support/models.ts";

/** The module with bytes of its memory changed before it starts: what a linker that is wrong would have written. */
function damaged({ wasm }: BuiltModule, from: Uint8Array, change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = Uint8Array.from(wasm);
  const found = Buffer.from(bytes).indexOf(from);
  expect(found).toBeGreaterThan(0);
  expect(Buffer.from(bytes).indexOf(from, found + 1)).toBe(-1);
  change(bytes.subarray(found, found + from.length));
  return bytes;
}

const dataOf = ({ program }: BuiltModule, name: string): Uint8Array =>
  program.regions.find((region) => region.name === name)!.data!;

describe("proveModule", () => {
  const { model } = randomQ15Model({ inputs: 2, layers: [4], outputs: 1 });
  let built: BuiltModule;
  const prove = (wasm: Uint8Array, program = built.program, of: Model = model) => proveModule(of, program, wasm);

  beforeAll(async () => {
    built = await linkFor(model, { target: "generic", vectors: 2 });
  });

  it("answers the report of the static checker", () => {
    const report = prove(built.wasm);
    expect(report.isSound).toBe(true);
    expect(report.isIntegerOnly).toBe(true);
    expect(report.bytes).toBe(built.wasm.length);
  });

  it("holds an f32 module to everything but having no floats", async () => {
    const float = randomF32Model({ inputs: 2, layers: [3] }).model;
    const module = await linkFor(float, { target: "generic" });
    expect(proveModule(float, module.program, module.wasm).isIntegerOnly).toBe(false);
    expect(() => proveModule(float, { ...module.program, numeric: "q15" }, module.wasm)).toThrow(
      `The module of ${float.id} breaks floats`,
    );
  });

  it("refuses what the checker does not take, by the properties that are broken", () => {
    expect(() => prove(built.wasm.subarray(0, -1))).toThrow(/^The module of random@\w+ breaks well-formed, valid, /);
  });

  it("refuses a module whose self-test fails, and names its step", () => {
    const words = dataOf(built, "self-test");
    const wrong = damaged(built, words, (bytes) => {
      bytes[bytes.length - 1]! ^= 1;
    });
    expect(() => prove(wrong)).toThrow(`The module of ${model.id} differs from its test vectors in step 2`);
  });

  it("refuses a module that passes its self-test and computes other bits", () => {
    // Of a plan that has the output elsewhere: the self-test, which is in the module, does not see it.
    const other = { ...built.program, output: { ...built.program.output, address: built.program.input.address } };
    expect(() => prove(built.wasm, other)).toThrow(
      `The module of ${model.id} differs from the host in step 1 of random samples`,
    );
  });

  it("compares the state after all steps", () => {
    const state = { ...built.program.state, address: built.program.state.address + 16 };
    expect(() => prove(built.wasm, { ...built.program, state })).toThrow(
      `The state of the module of ${model.id} differs from the host's`,
    );
  });

  it("refuses a step that answers a status, although all bits agree", () => {
    // A constant 0 at the end of `step` becomes 1: nothing in the memory tells.
    const module = built.wasm;
    const wrong = Uint8Array.from(module);
    const end = Buffer.from([0x41, 0x00, 0x0b]);
    const places: number[] = [];
    for (let at = Buffer.from(module).indexOf(end); at >= 0; at = Buffer.from(module).indexOf(end, at + 1)) {
      places.push(at);
    }
    const refusals = places.map((at) => {
      wrong.set(module);
      wrong[at + 1] = 1;
      try {
        prove(wrong);
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(refusals.some((text) => /test vectors in step 1|in step 1 of random/.test(text))).toBe(true);
  });

  it("runs many steps, so that rare differences show", () => {
    expect(PROOF_STEPS).toBe(256);
  });

  it("notices an input that is off by one unit", () => {
    const tensors = new Map(model.tensors);
    const tensor = tensors.get("input.offset")!;
    tensors.set("input.offset", { ...tensor, data: Int32Array.from(tensor.data, (value) => value + 1) });
    expect(() => prove(built.wasm, built.program, { ...model, tensors })).toThrow(/differs from the host in step \d+/);
  });

  it("feeds tokens of the whole vocabulary", async () => {
    const tokens = randomQ15Model({ layers: [3], embedding: { vocabulary: 5, size: 2 }, outputs: 1 }).model;
    const module = await linkFor(tokens, { target: "generic", vectors: 1 });
    expect(proveModule(tokens, module.program, module.wasm).isSound).toBe(true);
    for (let token = 0; token < 5; token++) {
      const tensors = new Map(tokens.tensors);
      const tensor = tensors.get("embedding.weight")!;
      const data = Int16Array.from(tensor.data, (value, at) =>
        Math.floor(at / 2) === token ? (value === 32767 ? -32767 : -value - 1) : value,
      );
      tensors.set("embedding.weight", { ...tensor, data });
      expect(() => proveModule({ ...tokens, tensors }, module.program, module.wasm), `token ${token}`).toThrow(
        "random samples",
      );
    }
  });
});
