import fc from "fast-check";
import { it } from "vitest";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { quantizeModel } from "../../host/runtime/quantize.ts";
import { parseModel, serializeModel } from "../../host/runtime/model.ts";
import { randomF32Model, tensorOf } from "../support/models.ts";
import { mulberry32, gaussian } from "../support/random.ts";

const acts = ["linear", "sigmoid", "tanh", "relu"] as const;
const shapes = fc.record({
    inputs: fc.integer({ min: 1, max: 9 }),
    layers: fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.record({ dense: fc.integer({ min: 1, max: 20 }), activation: fc.constantFrom(...acts) })), { minLength: 1, maxLength: 3 }),
    outputs: fc.integer({ min: 1, max: 5 }),
    activation: fc.constantFrom(...acts, "softmax" as const),
    reset: fc.constantFrom("after" as const, "before" as const),
    skip: fc.boolean(),
    seed: fc.integer({ min: 1, max: 1 << 20 }),
    wild: fc.integer({ min: -8, max: 8 }),
    spread: fc.integer({ min: 0, max: 8 }),
    zero: fc.boolean(),
    rlo: fc.integer({ min: -12, max: 12 }),
  }).map(({ skip, ...r }) => ({ ...r, ...(skip && r.activation === "linear" && { skip: 3 }) }));
it("fuzz", { timeout: 600000 }, () => {
  const messages = new Map<string, [number, unknown]>();
  fc.assert(fc.property(shapes, (s) => {
    const built = randomF32Model(s as any);
    const random = mulberry32(s.seed);
    const tensors = new Map([...built.tensors].map(([n, t]) => {
      const z = Math.floor(random() * 3);
      return [n, n.endsWith("scale") ? tensorOf("F32", t.shape, Array.from(t.data, (v) => v * 10 ** (random() * s.spread - s.spread / 2)))
        : tensorOf("F32", t.shape, Array.from(t.data, (v, i) => (s.zero && i % 3 === z ? 0 : v * 10 ** (s.wild / 4 + s.spread * gaussian(random) / 6))))] as const;
    }));
    const model = parseModel(serializeModel(built.spec, tensors));
    let m = "ok";
    try {
      const q = quantizeModel(model, { ranges: model.spec.inputs.map((_, i) => { const c = random() * 10 ** s.rlo, w = 10 ** (s.rlo + (random() - 0.7) * s.spread); return { min: c - w, max: c + w }; }) });
      try {
        const p = parseModel(serializeModel(q.spec, q.tensors));
        createRuntime(p).createSession().run(new Float64Array(10 * p.spec.inputs.length).fill(3));
      } catch (e: any) { m = "SER " + e.name + e.message.replace(/-?\d[\d.e+-]*/g, "#"); }
    } catch (e: any) { m = e.name + ": " + e.message.replace(/-?\d[\d.e+-]*/g, "#"); }
    const at = messages.get(m);
    messages.set(m, [(at?.[0] ?? 0) + 1, at?.[1] ?? JSON.stringify(s)]);
  }), { numRuns: 4000, seed: 1 });
  console.log([...messages].map(([m, [n, s]]) => `${n} ${m}   ${m === "ok" ? "" : s}`).join("\n"));
});
