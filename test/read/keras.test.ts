import { describe, expect, it } from "vitest";
import type { GruLayer, Network } from "../../tools/read/network.ts";
import { CASES, errorOf, readCase, reference } from "./keras-cases.ts";

/** A network whose GRU layers are changed. */
function mutate(network: Network, change: (layer: GruLayer) => GruLayer): Network {
  return { ...network, layers: network.layers.map((layer) => (layer.kind === "gru" ? change(layer) : layer)) };
}

/** Rows r, z, n with r and z exchanged. */
function swapRows(values: Float32Array): Float32Array {
  const block = values.length / 3;
  return Float32Array.of(
    ...values.subarray(block, 2 * block),
    ...values.subarray(0, block),
    ...values.subarray(2 * block),
  );
}

describe("readKeras", () => {
  it.each(CASES)("computes what Keras computes: $name", async ({ name, file }) => {
    const { network } = await readCase({ name, file });
    expect(network.substitutions).toEqual([]);
    // Keras itself rounds to 16 bits in each operation of such a policy.
    expect(await errorOf(network, name)).toBeLessThan(
      network.precision === undefined || !/^mixed/.test(name) ? 1e-5 : 5e-3,
    );
  });

  it("knows which models return their last output only", async () => {
    const lastOnly: string[] = [];
    for (const one of CASES) {
      const { network } = await readCase(one);
      const { y, outputs } = reference(one.name);
      expect(network.lastOnly).toBe(y.length === outputs);
      if (network.lastOnly) lastOnly.push(one.name);
    }
    expect(lastOnly).toEqual([
      "tutorial-3-classifier",
      "last-of-two",
      "functional-last-state",
      "last-by-slice",
      "flatten-after-last",
    ]);
  });

  it("keeps the normalisation of inputs and outputs apart from the weights", async () => {
    const { network } = await readCase({ name: "normalization-fixed", file: "normalization-fixed.keras" });
    expect(network.normalisation).toEqual({ offset: Float32Array.of(1000, -3), scale: Float32Array.of(0.5, 2) });
    expect(network.output).toEqual({ offset: Float32Array.of(20, 2), scale: Float32Array.of(3, 0.1) });
  });

  it("says what is special about a source", async () => {
    const notesOf = async (name: string) => (await readCase({ name, file: `${name}.keras` })).network;
    expect(await notesOf("mixed-float16")).toMatchObject({
      precision: "float16",
      notes: [expect.stringMatching(/computes in 16 bits \(mixed_float16\); it is converted as float32/)],
    });
    expect(await notesOf("functional-state")).toMatchObject({
      notes: [
        expect.stringMatching(
          /^Input "input_layer\w*" of the source is left out: it is an initial state\. .* starts from zeros/,
        ),
      ],
    });
    expect(await notesOf("stateful")).toMatchObject({ stateful: [expect.stringMatching(/^gru/)], notes: [] });
    expect(await notesOf("reset-after")).not.toHaveProperty("stateful");
    expect(await notesOf("reset-after")).not.toHaveProperty("window");
    expect(await notesOf("last-of-two")).toMatchObject({
      window: 12,
      notes: [expect.stringMatching(/windows of 12 steps, .*Reset it after every 12 samples/)],
    });
  });

  it("maps weights by class and order, not by the names of layers", async () => {
    const { network } = await readCase({ name: "stacked-names", file: "stacked-names.keras" });
    expect(network.layers.map(({ name, size }) => `${name} ${size}`)).toEqual([
      "encoder 6",
      "another 4",
      "dense_1 3",
      "dense 2",
    ]);
  });

  it("says what wrote the model, and names it as Keras does", async () => {
    const { names } = await readCase({ name: "legacy-keras2", file: "legacy-keras2.h5" });
    expect(names).toEqual({ name: "sequential", provenance: { framework: "keras 2.9.0" } });
    const { names: recent } = await readCase({ name: "legacy", file: "legacy.h5" });
    expect(recent?.provenance).toEqual({ framework: "keras 3.15.1" });
  });
});

describe("the comparison with Keras", () => {
  const small = CASES.filter(({ name }) => !name.startsWith("tutorial"));
  const errors = async (cases: typeof CASES, change: (network: Network) => Network) => {
    const found: number[] = [];
    for (const one of cases) {
      const { network } = await readCase(one);
      const changed = change(network);
      if (changed !== network) found.push(await errorOf(changed, one.name));
    }
    expect(found.length).toBeGreaterThan(10);
    return Math.min(...found);
  };

  it("catches exchanged gates z and r", async () => {
    const swap = ({ W, U, b, c, ...rest }: GruLayer) => ({
      ...rest,
      W: swapRows(W),
      U: swapRows(U),
      b: swapRows(b),
      c: swapRows(c),
    });
    expect(await errors(small, (network) => mutate(network, swap))).toBeGreaterThan(1e-3);
  });

  it("catches a reset on the wrong side of the product", async () => {
    const flip = (layer: GruLayer): GruLayer => ({ ...layer, reset: layer.reset === "after" ? "before" : "after" });
    expect(await errors(small, (network) => mutate(network, flip))).toBeGreaterThan(1e-3);
  });

  it("catches merged biases of a reset-after layer", async () => {
    const merge = (layer: GruLayer): GruLayer =>
      layer.reset === "after"
        ? { ...layer, b: layer.b.map((value, i) => value + layer.c[i]!), c: new Float32Array(layer.c.length) }
        : layer;
    const biased = small.filter(({ name }) => !/no-bias|before/.test(name));
    expect(await errors(biased, (network) => mutate(network, merge))).toBeGreaterThan(1e-3);
  });

  it("catches an update gate that is not complemented", async () => {
    const negate = (values: Float32Array) => {
      const block = values.length / 3;
      return values.map((value, i) => (Math.floor(i / block) === 1 ? -value : value));
    };
    const complement = (layer: GruLayer): GruLayer => ({
      ...layer,
      W: negate(layer.W),
      U: negate(layer.U),
      b: negate(layer.b),
      c: negate(layer.c),
    });
    expect(await errors(small, (network) => mutate(network, complement))).toBeGreaterThan(1e-3);
  });
});
