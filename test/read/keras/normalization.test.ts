// Layers of Keras on weights that are small whole numbers, without a file.

import { describe, expect, it } from "vitest";
import type { Hdf5Dataset } from "../../../tools/read/keras/hdf5.ts";
import { DENSE, dataset, dense, GRU, gru, type Json, type LayerJson, read, refusal } from "./layers-model.ts";

describe("Normalization", () => {
  const given = (config: Json): LayerJson => ["Normalization", { name: "n", axis: [-1], ...config }];

  it("divides by the deviation, and by no less than 1e-7 where values never vary", () => {
    const { network } = read([given({ mean: [10, 20], variance: [4, 0] }), gru()], GRU);
    expect([...(network.normalisation?.offset ?? [])]).toEqual([10, 20]);
    expect([...(network.normalisation?.scale ?? [])]).toEqual([0.5, Math.fround(1e7)]);
  });

  it("takes its statistics from the weights, one for all or one for each", () => {
    const weights = {
      ...GRU,
      "normalization/vars/0": dataset([2], [10, 20]),
      "normalization/vars/1": dataset([2], [4, 16]),
      "normalization/vars/2": dataset([], [99]),
    };
    const { network, unused } = read([given({}), gru()], weights);
    expect([...(network.normalisation?.offset ?? []), ...(network.normalisation?.scale ?? [])]).toEqual([
      10, 20, 0.5, 0.25,
    ]);
    expect(unused).toEqual([]);
    const one = read([given({ mean: 10, variance: [[4]], axis: null }), gru()], GRU).network.normalisation;
    expect([...(one?.offset ?? []), ...(one?.scale ?? [])]).toEqual([10, 10, 0.5, 0.5]);
  });

  it("is undone where it is inverted", () => {
    const { network } = read([dense(), given({ mean: [10], variance: [4], invert: true })], DENSE);
    expect([...(network.output?.offset ?? []), ...(network.output?.scale ?? [])]).toEqual([10, 2]);
  });

  it.each([
    [{ mean: [1], variance: [-1] }, "variance has 1 values, expected 2 finite ones; the file is damaged"],
    [{ mean: [1, 2, 3], variance: [1] }, "mean has 3 values, expected 2 finite ones"],
    [{ mean: ["x"], variance: [1] }, "mean has 0 values"],
    [{ mean: [1], variance: [1], axis: 1 }, "axis is 1; only the last axis, the values of a sample, is supported"],
    [{ mean: [1], variance: [1], axis: [1, 2] }, "axis is [1,2]; only the last axis"],
  ])("is refused with %j", (config, message) => {
    expect(refusal([given(config), gru()], GRU)).toContain(message);
  });

  it("takes the size of a sample from its statistics where nothing else tells", () => {
    expect(read([given({ mean: [1, 2], variance: [1, 1] }), gru()], GRU, { size: null }).network.inputs).toBe(2);
    const stored = { ...GRU, "normalization/vars/0": dataset([1], [1]), "normalization/vars/1": dataset([1], [1]) };
    expect(refusal([given({}), gru()], stored, { size: null })).toContain(
      "The size of its input is not known; build the model with an Input first",
    );
  });
});

describe("BatchNormalization", () => {
  const norm = (config: Json = {}): LayerJson => ["BatchNormalization", { name: "b", axis: -1, ...config }];
  const all = (gamma: number, beta: number, mean: number, variance: number) => ({
    ...DENSE,
    "batch_normalization/vars/0": dataset([1], [gamma]),
    "batch_normalization/vars/1": dataset([1], [beta]),
    "batch_normalization/vars/2": dataset([1], [mean]),
    "batch_normalization/vars/3": dataset([1], [variance]),
  });
  const output = (config: Json, weights: Readonly<Record<string, Hdf5Dataset>>) => {
    const { scale, offset } = read([dense(), norm(config)], weights).network.output ?? {};
    return [scale?.[0], offset?.[0]];
  };

  it("scales by gamma / sqrt(variance + epsilon), and shifts by beta less the scaled mean", () => {
    expect(output({ epsilon: 0 }, all(6, 5, 2, 9))).toEqual([2, 1]);
    expect(output({ epsilon: 7 }, all(6, 5, 2, 9))).toEqual([1.5, 2]);
  });

  it("has an epsilon of 1e-3 unless it says otherwise, which is all there is beside a variance of 0", () => {
    expect(output({}, all(1, 0, 0, 0))).toEqual([Math.fround(1 / Math.sqrt(1e-3)), 0]);
    expect(output({ epsilon: null }, all(1, 0, 0, 3))).toEqual([Math.fround(1 / Math.sqrt(3.001)), 0]);
    expect(refusal([dense(), norm({ epsilon: 0 })], all(1, 0, 0, 0))).toContain(
      "moving_variance + epsilon is not positive; the weights are damaged",
    );
    expect(refusal([dense(), norm()], all(1, 0, 0, -1))).toContain("moving_variance + epsilon is not positive");
  });

  it("may have no gamma or no beta", () => {
    const bare = (first: number, ...rest: number[]) =>
      Object.fromEntries([first, ...rest].map((value, i) => [`batch_normalization/vars/${i}`, dataset([1], [value])]));
    expect(output({ epsilon: 0, scale: false }, { ...DENSE, ...bare(5, 2, 4) })).toEqual([0.5, 4]);
    expect(output({ epsilon: 0, center: false }, { ...DENSE, ...bare(6, 2, 9) })).toEqual([2, -4]);
    expect(output({ epsilon: 0, scale: false, center: false }, { ...DENSE, ...bare(2, 4) })).toEqual([0.5, -1]);
  });

  it("scales the last axis only", () => {
    for (const axis of [[-1], 2, [2]]) expect(output({ epsilon: 0, axis }, all(6, 5, 2, 9))).toEqual([2, 1]);
    for (const axis of [1, [1], [], [1, 2]]) {
      expect(refusal([dense(), norm({ axis })], all(6, 5, 2, 9))).toContain("only the last axis");
    }
  });

  it("is refused with statistics of another size, or that are none", () => {
    const two = { ...all(1, 1, 1, 1), "batch_normalization/vars/2": dataset([2], [1, 2]) };
    expect(refusal([dense(), norm()], two)).toContain("moving_mean has 2 values, expected 1 finite ones");
  });
});
