import { describe, expect, it } from "vitest";
import { Builder, type Scaling } from "../../tools/read/builder.ts";
import type { DenseLayer, GruLayer } from "../../tools/read/network.ts";

const f32 = (...values: number[]) => Float32Array.from(values);
const scaling = (scale: readonly number[], shift: readonly number[]): Scaling => ({
  scale: Float64Array.from(scale),
  shift: Float64Array.from(shift),
});
const dense = (
  W: readonly number[],
  b: readonly number[],
  activation: DenseLayer["activation"] = "linear",
): DenseLayer => ({
  kind: "dense",
  name: "d",
  size: b.length,
  activation,
  W: f32(...W),
  b: f32(...b),
});
const gru = (): GruLayer => ({
  kind: "gru",
  name: "g",
  size: 1,
  reset: "after",
  W: f32(1, 2, 3, 4, 5, 6),
  U: f32(7, 8, 9),
  b: f32(1, 1, 1),
  c: f32(2, 2, 2),
});
const numbers = (values: ArrayLike<number> | undefined) => Array.from(values ?? []);

describe("Builder", () => {
  it("is empty until something comes", () => {
    const builder = new Builder(2);
    expect(builder).toMatchObject({ isEmpty: true, size: 2 });
    builder.append(gru());
    expect(builder).toMatchObject({ isEmpty: false, size: 1 });
    const scaled = new Builder(undefined);
    scaled.scale(scaling([1], [0]));
    expect(scaled).toMatchObject({ isEmpty: false, size: 1 });
    const embedded = new Builder(undefined);
    embedded.embed(5, 2, new Float32Array(10));
    expect(embedded).toMatchObject({ isEmpty: false, size: 2 });
  });

  it("hands out layers as they came, with what the source says of them", () => {
    const builder = new Builder(2);
    builder.append(gru());
    builder.append(dense([3], [4]));
    expect(builder.finish(true, ["x"])).toEqual({
      inputs: 2,
      layers: [gru(), dense([3], [4])],
      lastOnly: true,
      substitutions: ["x"],
    });
  });

  it("makes a scaling at the start the normalisation: (x - offset) * scale", () => {
    const builder = new Builder(2);
    builder.scale(scaling([2, 0.5], [-6, 4]));
    builder.append(gru());
    const { normalisation, layers } = builder.finish(false, []);
    expect([numbers(normalisation?.offset), numbers(normalisation?.scale)]).toEqual([
      [3, -8],
      [2, 0.5],
    ]);
    expect(numbers(layers[0]?.W)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("puts scalings in a row together", () => {
    const builder = new Builder(2);
    builder.scale(scaling([2, 2], [1, 1]));
    builder.scale(scaling([3, 5], [10, 20]));
    builder.append(gru());
    const { normalisation } = builder.finish(false, []);
    expect(numbers(normalisation?.scale)).toEqual([6, 10]);
    expect(numbers(normalisation?.offset)).toEqual([f32(-13 / 6)[0], f32(-25 / 10)[0]]);
  });

  it.each([
    [-1, 3],
    [0, 3],
  ])("folds a scaling that is no normalisation into the first layer: scale %d", (scale, shift) => {
    const builder = new Builder(2);
    builder.scale(scaling([scale, 2], [shift, 10]));
    builder.append(gru());
    const { normalisation, layers } = builder.finish(false, []);
    expect(normalisation).toBeUndefined();
    const { W, U, b, c } = layers[0] as GruLayer;
    expect(numbers(W).map((value) => value + 0)).toEqual([scale, 4, 3 * scale, 8, 5 * scale, 12].map((v) => v + 0));
    expect(numbers(b)).toEqual([1 + shift + 20, 1 + 3 * shift + 40, 1 + 5 * shift + 60]);
    expect([numbers(U), numbers(c)]).toEqual([
      [7, 8, 9],
      [2, 2, 2],
    ]);
  });

  it("folds a scaling between layers into the one behind it", () => {
    const builder = new Builder(2);
    builder.append(gru());
    builder.scale(scaling([2], [3]));
    builder.append(dense([5], [7], "tanh"));
    expect(builder.finish(false, []).layers[1]).toEqual(dense([10], [22], "tanh"));
  });

  it("folds a scaling behind an embedding into its table", () => {
    const builder = new Builder(undefined);
    builder.embed(2, 2, f32(1, 2, 3, 4));
    builder.scale(scaling([2, 10], [1, 5]));
    builder.append(gru());
    const { embedding, inputs, normalisation } = builder.finish(false, []);
    expect(numbers(embedding?.weight)).toEqual([3, 25, 7, 45]);
    expect({ inputs, normalisation }).toEqual({ inputs: 1, normalisation: undefined });
  });

  it("makes a scaling at the end the output: y * scale + offset", () => {
    for (const activation of ["linear", "relu"] as const) {
      const builder = new Builder(2);
      builder.append(dense([1, 2], [3], activation));
      builder.scale(scaling([4], [5]));
      const { output, layers } = builder.finish(false, []);
      expect([numbers(output?.scale), numbers(output?.offset)]).toEqual([[4], [5]]);
      expect(layers).toEqual([dense([1, 2], [3], activation)]);
    }
  });

  it("folds a scaling at the end that is none into a linear layer, or gives it one of its own", () => {
    const linear = new Builder(2);
    linear.append(dense([1, 2, 3, 4], [5, 6]));
    linear.scale(scaling([-2, 1], [1, 10]));
    expect(linear.finish(false, [])).toMatchObject({ layers: [dense([-2, -4, 3, 4], [-9, 16])] });
    const tanh = new Builder(2);
    tanh.append(dense([1, 2], [3], "tanh"));
    tanh.scale(scaling([-2], [1]));
    const { layers, output } = tanh.finish(false, []);
    expect(layers[1]).toMatchObject({ name: "output", size: 1, activation: "linear" });
    expect([numbers(layers[1]?.W), numbers(layers[1]?.b), output]).toEqual([[-2], [1], undefined]);
    const recurrent = new Builder(2);
    recurrent.append(gru());
    recurrent.scale(scaling([2], [1]));
    expect(recurrent.finish(false, []).layers).toHaveLength(2);
  });

  it("puts an activation into the linear layer before it, what is scaled between included", () => {
    const builder = new Builder(2);
    builder.append(dense([1, 2, 3, 4], [5, 6]));
    builder.scale(scaling([2, 3], [1, 1]));
    builder.activate("a", { activation: "tanh" });
    expect(builder.finish(false, []).layers).toEqual([dense([2, 4, 9, 12], [11, 19], "tanh")]);
  });

  it("gives an activation behind any other layer one of its own", () => {
    const builder = new Builder(2);
    builder.append(dense([1, 2, 3, 4], [5, 6], "relu"));
    builder.scale(scaling([2, 3], [1, 0]));
    builder.activate("a", { activation: "sigmoid" });
    builder.activate("b", { activation: "linear" });
    const { layers } = builder.finish(false, []);
    expect(layers).toHaveLength(2);
    expect(layers[1]).toMatchObject({ name: "a", size: 2, activation: "sigmoid" });
    expect([numbers(layers[1]?.W), numbers(layers[1]?.b)]).toEqual([
      [2, 0, 0, 3],
      [1, 0],
    ]);
  });

  it("has one input without a layer", () => {
    expect(new Builder(undefined).finish(false, []).inputs).toBe(1);
  });
});
