import { describe, expect, it } from "vitest";
import { checkTensors, tensorRules } from "../../host/model/tensors.ts";
import type { Tensor } from "../../host/model/types.ts";
import { randomF32Model } from "../support/models.ts";
import { F32, type Parts, Q15, refusal, TOKENS } from "./tensor-parts.ts";

const shapes = ({ spec }: Parts) =>
  [...tensorRules(spec)].map(([name, { dtype, shape }]) => `${name} ${dtype}[${shape.join("][")}]`);

describe("tensorRules", () => {
  it("names the tensors of an f32 model", () => {
    expect(shapes(F32)).toEqual([
      "input.offset F32[4]",
      "input.scale F32[4]",
      "layers.0.W F32[96][4]",
      "layers.0.b F32[96]",
      "layers.0.U F32[96][32]",
      "layers.0.c F32[96]",
      "layers.1.W F32[2][32]",
      "layers.1.b F32[2]",
      "skip.W F32[2][12]",
      "output.offset F32[2]",
      "output.scale F32[2]",
      "selftest.input F32[5][4]",
      "selftest.output F32[5][2]",
    ]);
  });

  it("names the tensors of a q15 model", () => {
    expect(shapes(Q15)).toEqual([
      "input.offset I32[4]",
      "layers.0.W I8[96][4]",
      "layers.0.b I32[96]",
      "layers.0.W.multiplier I16[96]",
      "layers.0.U I8[96][32]",
      "layers.0.c I32[96]",
      "layers.0.U.multiplier I16[96]",
      "layers.1.W I8[2][32]",
      "layers.1.b I32[2]",
      "skip.W I16[2][12]",
      "skip.multiplier I16[2]",
      "output.multiplier I16[2]",
      "output.offset I32[2]",
      "selftest.input I32[5][4]",
      "selftest.output I32[5][2]",
    ]);
  });

  it("names the tensors of a token model with softmax", () => {
    expect(shapes(TOKENS)).toEqual([
      "embedding.weight I16[6][3]",
      "layers.0.W I8[12][3]",
      "layers.0.b I32[12]",
      "layers.0.W.multiplier I16[12]",
      "layers.0.U I8[12][4]",
      "layers.0.c I32[12]",
      "layers.0.U.multiplier I16[12]",
      "layers.1.W I8[6][4]",
      "layers.1.b I32[6]",
      "layers.1.W.multiplier I16[6]",
      "output.multiplier I16[6]",
      "output.offset I32[6]",
      "selftest.input I32[5][1]",
      "selftest.output I32[5][6]",
    ]);
  });

  it("has no output scale behind a sigmoid", () => {
    const { spec } = randomF32Model({ layers: [3], activation: "sigmoid" });
    expect([...tensorRules(spec).keys()]).not.toContain("output.scale");
  });
});

describe("checkTensors", () => {
  it("accepts a model without input and output scales", () => {
    const { spec, tensors } = randomF32Model({ layers: [3], normalise: false });
    expect(() => checkTensors(spec, tensors)).not.toThrow();
  });

  it("refuses a wrong shape", () => {
    const message = refusal(F32, (tensors) => {
      tensors.set("layers.0.W", { dtype: "F32", shape: [96, 8], data: new Float32Array(96 * 8) });
    });
    expect(message).toBe("layers.0.W: shape [96, 8], expected [96, 4]");
  });

  it("refuses a shape with another number of axes", () => {
    const message = refusal(F32, (tensors) => {
      tensors.set("layers.0.b", { dtype: "F32", shape: [96, 1], data: new Float32Array(96) });
    });
    expect(message).toBe("layers.0.b: shape [96, 1], expected [96]");
  });

  it("refuses a wrong dtype", () => {
    const message = refusal(Q15, (tensors) => {
      tensors.set("layers.0.b", { dtype: "I16", shape: [96], data: new Int16Array(96) });
    });
    expect(message).toBe("layers.0.b: dtype I16, expected I32");
  });

  it("refuses a missing tensor", () => {
    expect(refusal(F32, (tensors) => tensors.delete("layers.0.U"))).toBe("layers.0.U: missing, expected F32 [96, 32]");
  });

  it("names all missing and left-over tensors, as after a misspelling", () => {
    const message = refusal(F32, (tensors) => {
      tensors.set("layers.0.w", tensors.get("layers.0.W") as Tensor);
      tensors.delete("layers.0.W");
      tensors.delete("skip.W");
    });
    expect(message).toBe("layers.0.W: missing, expected F32 [96, 4]; also missing: skip.W; left over: layers.0.w");
  });

  it("refuses a left-over tensor", () => {
    const message = refusal(F32, (tensors) => {
      const tensor = tensors.get("skip.W") as Tensor;
      for (let index = 0; index < 8; index++) tensors.set(`extra.${index}`, tensor);
    });
    expect(message).toBe(
      "extra.0: this model has no such tensor; also left over: extra.1, extra.2, extra.3, extra.4, extra.5, and 2 more",
    );
  });

  it.each([
    ["input.offset", "input.scale", 4],
    ["input.scale", "input.offset", 4],
    ["output.offset", "output.scale", 2],
    ["output.scale", "output.offset", 2],
  ])("refuses %s without %s", (_, name, size) => {
    expect(refusal(F32, (tensors) => tensors.delete(name))).toBe(`${name}: missing, expected F32 [${size}]`);
  });

  it("refuses a self-test without its tensors", () => {
    const { spec, tensors } = randomF32Model({ layers: [3] });
    const parts = { spec: { ...spec, selftest: { steps: 7, tolerance: 1 } }, tensors };
    expect(refusal(parts, () => undefined)).toBe(
      "selftest.input: missing, expected F32 [7, 4]; also missing: selftest.output",
    );
  });

  it("refuses the tensors of a self-test that the document does not name", () => {
    const parts = { ...F32, spec: { ...F32.spec } };
    delete (parts.spec as { selftest?: unknown }).selftest;
    expect(refusal(parts, () => undefined)).toBe(
      "selftest.input: this model has no such tensor; also left over: selftest.output",
    );
  });
});
