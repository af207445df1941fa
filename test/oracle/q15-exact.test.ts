import { describe, expect, it } from "vitest";
import { randomQ15Model, randomSamples } from "../support/models.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { Q15Oracle, toRaw, toReal } from "./q15.ts";
import { Q15Exact } from "./q15-exact.ts";
import { at } from "./tensors.ts";

describe("Q15Exact", () => {
  const cases: [string, ShapeOptions][] = [
    ["reset-after", { layers: [16] }],
    ["reset-before", { layers: [16], reset: "before" }],
    ["two layers and a skip", { layers: [8, 8], skip: 4, outputs: 2 }],
    ["softmax", { layers: [8], outputs: 5, activation: "softmax" }],
    ["dense layers before", { layers: [{ dense: 6, activation: "relu" }, { dense: 4, activation: "tanh" }, 5] }],
    ["sigmoid of a sigmoid", { layers: [8, { dense: 4, activation: "sigmoid" }], activation: "sigmoid" }],
    ["a linear layer inside", { layers: [8, { dense: 4, activation: "linear" }], activation: "relu" }],
  ];

  it.each(cases)("stays within an rms of 3e-4 of the q15 arithmetic over 5,000 steps: %s", (_, options) => {
    const { model } = randomQ15Model(options);
    const [q15, exact] = [new Q15Oracle(model), new Q15Exact(model)];
    let sum = 0;
    let count = 0;
    for (const sample of randomSamples(model.spec, 5000)) {
      const raw = toRaw(model.spec, sample);
      const actual = toReal(model.spec, q15.step(raw));
      exact.step(raw).forEach((value, o) => {
        sum += (at(actual, o) - value) ** 2;
        count++;
      });
    }
    expect(Math.sqrt(sum / count)).toBeLessThan(3e-4);
  });

  it("takes the rounding constants off the biases, unless there are none", () => {
    const { model } = randomQ15Model({ layers: [4, { dense: 3, activation: "tanh" }] });
    const tensors = new Map(model.tensors);
    model.spec.layers.slice(0, 2).forEach((layer, index) => {
      const shiftH = layer.kind === "gru" ? layer.shift_h : undefined;
      for (const [bias, shift] of [
        ["b", layer.shift_x],
        ["c", shiftH],
      ] as const) {
        const name = `layers.${index}.${bias}`;
        const tensor = tensors.get(name);
        if (!tensor || !shift) continue;
        tensors.set(name, { ...tensor, data: tensor.data.map((value) => value - 2 ** (shift - 1)) });
      }
    });
    const plain = new Q15Exact({ ...model, tensors }, { rounded: false });
    expect(plain.step([1, 2, 3, 4])).toEqual(new Q15Exact(model).step([1, 2, 3, 4]));
    expect(new Q15Exact(model, { rounded: false }).step([1, 2, 3, 4])).not.toEqual(plain.step([1, 2, 3, 4]));
  });

  it("keeps a hidden state near that of the q15 arithmetic", () => {
    const { model } = randomQ15Model({ layers: [16] });
    const [q15, exact] = [new Q15Oracle(model), new Q15Exact(model)];
    let worst = 0;
    for (const sample of randomSamples(model.spec, 1000)) {
      const raw = toRaw(model.spec, sample);
      q15.step(raw);
      exact.step(raw);
      const state = new Int16Array(q15.state().buffer);
      exact.hidden().forEach((value, j) => {
        worst = Math.max(worst, Math.abs(value - at(state, j) / 32768));
      });
    }
    expect(worst).toBeLessThan(1e-3);
  });
});
