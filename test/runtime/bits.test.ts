import { describe, expect, it } from "vitest";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { F32Oracle } from "../oracle/f32.ts";
import { Q15Oracle } from "../oracle/q15.ts";
import { randomF32Model, randomQ15Model } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";

describe("smoke", () => {
  it("f32 is near the oracle", () => {
    for (const reset of ["after", "before"] as const) {
      const { model } = randomF32Model({ inputs: 3, layers: [20, 5], outputs: 2, skip: 3, reset, seed: 3 });
      const random = mulberry32(1);
      const oracle = new F32Oracle(model);
      const simd = createRuntime(model, { simd: true }).createSession();
      const scalar = createRuntime(model, { simd: false }).createSession();
      let worst = 0;
      for (let t = 0; t < 1000; t++) {
        const sample = model.spec.inputs.map((input) => input.range![0] + random() * (input.range![1] - input.range![0])).map(Math.fround);
        const a = [...simd.step(sample)];
        expect([...scalar.step(sample)]).toEqual(a);
        const e = oracle.step(sample);
        a.forEach((v, i) => { worst = Math.max(worst, Math.abs(v - e[i]!)); });
      }
      expect(simd.snapshot()).toEqual(scalar.snapshot());
      console.log(reset, worst);
    }
  });
  it("q15 is the oracle", () => {
    for (const reset of ["after", "before"] as const) {
      const { model } = randomQ15Model({ inputs: 3, layers: [20, 5], outputs: 2, skip: 3, reset, seed: 3 });
      const random = mulberry32(1);
      const oracle = new Q15Oracle(model);
      const simd = createRuntime(model, { simd: true }).createSession();
      const scalar = createRuntime(model, { simd: false }).createSession();
      for (let t = 0; t < 1000; t++) {
        const sample = model.spec.inputs.map((input) => input.range![0] + random() * (input.range![1] - input.range![0]));
        const raw = sample.map((v, i) => Math.floor(v * 2 ** model.spec.inputs[i]!.fraction! + 0.5));
        const e = [...oracle.step(raw)].map((v, o) => v * 2 ** -model.spec.outputs[o]!.fraction!);
        expect([...scalar.step(sample)]).toEqual(e);
        expect([...simd.step(sample)]).toEqual(e);
      }
    }
  });
});
