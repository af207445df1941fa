import { describe, expect, it } from "vitest";
import type { GruLayer, Network } from "../../tools/read/network.ts";
import { onnxCases, readCase, worstDifference } from "./onnx-cases.ts";

const TOLERANCE = 1e-5;
const find = (name: string) => onnxCases.find((one) => one.name === name)!;

/** The network with its first GRU layer changed. */
function changed(network: Network, change: (layer: GruLayer) => Partial<GruLayer>): Network {
  const layers = network.layers.map((layer) => (layer.kind === "gru" ? { ...layer, ...change(layer) } : layer));
  return { ...network, layers };
}

/** Rows of r and z in each other's place. */
function swapped(values: Float32Array): Float32Array {
  const block = values.length / 3;
  return Float32Array.from(values, (_, i) => values[i < block ? i + block : i < 2 * block ? i - block : i]!);
}

describe("readOnnx", () => {
  it("has at least 30 cases", () => {
    expect(onnxCases.length).toBeGreaterThanOrEqual(30);
  });

  for (const one of onnxCases) {
    it(`computes what onnxruntime computes: ${one.name}`, async () => {
      const network = await readCase(one.name);
      expect(network.lastOnly).toBe(one.last);
      expect(network.substitutions).toEqual([]);
      expect(await worstDifference(network, one)).toBeLessThanOrEqual(TOLERANCE);
    });
  }
});

describe("comparison with onnxruntime", () => {
  const gates = (layer: GruLayer) => ({
    W: swapped(layer.W),
    U: swapped(layer.U),
    b: swapped(layer.b),
    c: swapped(layer.c),
  });
  const merged = (layer: GruLayer) => ({ b: layer.b.map((value, i) => value + layer.c[i]!), c: layer.c.map(() => 0) });
  const negated = ({ W, U, b, c }: GruLayer) => {
    const negate = (values: Float32Array) =>
      values.map((value, i) => (Math.floor((3 * i) / values.length) === 1 ? -value : value));
    return { W: negate(W), U: negate(U), b: negate(b), c: negate(c) };
  };
  const after = [
    "torch-ts-batch-first",
    "torch-dynamo-last-state",
    "torch-ts-cell",
    "node-22-reset-after",
    "tf2onnx-like",
  ];

  for (const name of [...after, "node-7-reset-before", "node-layout-1"]) {
    it(`catches swapped gates, a negated update gate and the other reset: ${name}`, async () => {
      const network = await readCase(name);
      for (const change of [
        gates,
        negated,
        (layer: GruLayer) => ({ reset: layer.reset === "after" ? "before" : "after" }) as const,
      ]) {
        expect(await worstDifference(changed(network, change), find(name))).toBeGreaterThan(10 * TOLERANCE);
      }
    });
  }

  for (const name of after) {
    it(`catches merged biases: ${name}`, async () => {
      const network = await readCase(name);
      expect(await worstDifference(changed(network, merged), find(name))).toBeGreaterThan(10 * TOLERANCE);
    });
  }

  it("catches a layer left out", async () => {
    const name = "torch-ts-2-layers-time-first";
    const network = await readCase(name);
    const [first, second, head] = network.layers as [GruLayer, GruLayer, GruLayer];
    expect([first.kind, second.kind, head.kind]).toEqual(["gru", "gru", "dense"]);
    expect(await worstDifference({ ...network, layers: [first, head] }, find(name))).toBeGreaterThan(10 * TOLERANCE);
  });
});
