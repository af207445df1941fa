import { afterEach, describe, expect, it, vi } from "vitest";
import { hasSimd } from "../../host/runtime/compile.ts";
import { Instance } from "../../host/runtime/instance.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { randomF32Model, randomQ15Model } from "../support/models.ts";

const SHAPES = [
  ["few values", { inputs: 3, layers: [5], outputs: 2, skip: 2 }],
  ["more outputs than inputs", { inputs: 1, layers: [4], outputs: 9 }],
  ["a sample larger than a chunk", { inputs: 9000, layers: [1] }],
] as const;

describe.each([
  ["f32", randomF32Model],
  ["q15", randomQ15Model],
] as const)("Instance in %s", (numeric, randomModel) => {
  it.each(SHAPES)("lays out areas that do not meet: %s", (_, shape) => {
    for (const simd of [false, true]) {
      const instance = new Instance(randomModel(shape).model, simd);
      const { areas, capacity, inputSize, outputSize, kernels } = instance;
      const order = [areas.image, areas.samples, areas.predictions, areas.states, instance.takeState()];
      // The SIMD build reads and writes up to 12 bytes more than a row.
      const least = [
        instance.imageBytes,
        4 * capacity * inputSize + 12,
        4 * capacity * outputSize + 12,
        4 * capacity,
        instance.stateBytes,
      ];
      expect(order[0]).toBeGreaterThanOrEqual(kernels.__heap_base.value as number);
      order.forEach((address, i) => {
        expect(address % 16).toBe(0);
        expect(order[i + 1] ?? instance.memoryBytes).toBeGreaterThanOrEqual(address + (least[i] as number));
      });
      expect(instance.samples.byteOffset).toBe(areas.samples);
      expect(instance.predictions.byteOffset).toBe(areas.predictions);
    }
  });

  it("takes 32 KiB of the larger of samples and predictions at once, and one at least", () => {
    const capacities = SHAPES.map(([, shape]) => new Instance(randomModel(shape).model, false).capacity);
    expect(capacities).toEqual([2730, 910, 1]);
  });

  it("has areas of the words that the kernels read", () => {
    const instance = new Instance(randomModel({ inputs: 2, layers: [3] }).model, false);
    const type = numeric === "f32" ? Float32Array : Int32Array;
    expect(instance.samples).toBeInstanceOf(type);
    expect(instance.predictions).toBeInstanceOf(type);
    expect([instance.samples.length, instance.predictions.length]).toEqual([2 * 4096, 4096]);
  });

  it("has whole numbers for tokens", () => {
    const shape = { layers: [3], embedding: { vocabulary: 4, size: 2 } } as const;
    expect(new Instance(randomModel(shape).model, false).samples).toBeInstanceOf(Int32Array);
  });

  it("counts the blocks that are taken, and hands them out as zeros", () => {
    const instance = new Instance(randomModel({ inputs: 2, layers: [3] }).model, false);
    const first = instance.takeState();
    const second = instance.takeState();
    expect(instance.stateCount).toBe(2);
    instance.stateAt(second).fill(7);
    instance.giveState(second);
    expect(instance.stateCount).toBe(1);
    expect(instance.takeState()).toBe(second);
    expect(instance.stateAt(second)).toEqual(new Uint8Array(16));
    expect(second).toBeGreaterThanOrEqual(first + 16);
  });

  it("has views of its memory after it has grown", () => {
    const instance = new Instance(randomModel({ inputs: 2, layers: [3] }).model, false);
    const { samples, memoryBytes } = instance;
    while (instance.memoryBytes === memoryBytes) instance.takeState();
    expect(samples.length).toBe(0);
    expect([instance.samples.length, instance.predictions.length]).toEqual([2 * 4096, 4096]);
  });
});

describe("an engine without SIMD", () => {
  afterEach(() => vi.restoreAllMocks());

  it("runs the scalar build, and refuses the other", () => {
    expect(hasSimd()).toBe(true);
    vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
    const { model } = randomF32Model({ layers: [3] });
    expect(hasSimd()).toBe(false);
    expect(createRuntime(model).simd).toBe(false);
    expect(createRuntime(model, { simd: false }).simd).toBe(false);
    expect(() => createRuntime(model, { simd: true })).toThrow(
      new RangeError("This engine has no WebAssembly SIMD; leave `simd` out or set it to false"),
    );
  });
});
