// The f32 kernels and PyTorch, both against double precision. tools/training/conformance/exactness.py writes test/vectors/exact/index.json
// and holds the Python twin of the generators.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRuntime, loadModel, type Model, type ModelSpec } from "../../host/runtime/index.ts";
import { mulberry32 } from "../../tools/random.ts";
import { DoubleNetwork } from "../../tools/verify/double.ts";
import { buildModel, tensorOf } from "../support/models.ts";

interface Case {
  readonly name: string;
  readonly seed: number;
  /** Factor of the weights and biases of the GRU layer. */
  readonly scale: number;
  readonly inputs: number;
  readonly hidden: number;
  /** PyTorch's float32 against its float64. */
  readonly rms: number;
  readonly worst: number;
  /** Steps with what PyTorch answers in float64. */
  readonly probes: readonly (readonly [number, readonly number[]])[];
}

interface Index {
  readonly torch: string;
  readonly steps: number;
  readonly cases: readonly Case[];
}

const index: Index = JSON.parse(readFileSync("test/vectors/exact/index.json", "utf8"));

/** `samples` of vectors.py: the sum of four uniform numbers of 20 bits. */
function normal(seed: number, count: number): Float32Array {
  const random = mulberry32(seed);
  const upper = () => Math.floor((random() * 2 ** 32) / 4096);
  return Float32Array.from({ length: count }, () => (upper() + upper() + upper() + upper() - 2 ** 21) / 2 ** 19);
}

/** The network that `generated` of exactness.py makes. */
function generated({ name, seed, scale, inputs, hidden }: Case): Model {
  const random = mulberry32(seed);
  const limit = 1 / Math.sqrt(hidden);
  const take = (...shape: number[]) =>
    tensorOf(
      "F32",
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
        const upper = Math.floor((random() * 2 ** 32) / 4096);
        return (upper / 2 ** 19 - 1) * limit;
      }),
    );
  const tensors = new Map([
    ["layers.0.W", take(3 * hidden, inputs)],
    ["layers.0.U", take(3 * hidden, hidden)],
    ["layers.0.b", take(3 * hidden)],
    ["layers.0.c", take(3 * hidden)],
    ["layers.1.W", take(1, hidden)],
    ["layers.1.b", take(1)],
  ]);
  const spec: ModelSpec = {
    format: 1,
    name,
    numeric: "f32",
    horizon: 1,
    warmup: 0,
    inputs: Array.from({ length: inputs }, (_, i) => ({ name: `x${i}` })),
    outputs: [{ name: "y" }],
    layers: [
      { kind: "gru", size: hidden, reset: "after" },
      { kind: "dense", size: 1, activation: "linear" },
    ],
  };
  return scaled(buildModel(spec, tensors).model, scale);
}

/** A model with the weights and biases of its GRU layer multiplied. */
function scaled({ spec: { selftest: _, ...spec }, tensors }: Model, scale: number): Model {
  const changed = [...tensors].flatMap(([name, { dtype, shape, data }]) => {
    if (name.startsWith("selftest.")) return [];
    const values = name.startsWith("layers.0.") ? Float32Array.from(data, (value) => value * scale) : data;
    return [[name, tensorOf(dtype, shape, values)] as const];
  });
  return buildModel(spec, new Map(changed)).model;
}

/** The model of a case and its samples. */
async function build(testCase: Case): Promise<{ model: Model; samples: Float32Array }> {
  const noise = normal(testCase.seed + 1000, index.steps * testCase.inputs);
  if (testCase.name.startsWith("gru-")) return { model: generated(testCase), samples: noise };
  const model = scaled(await loadModel(readFileSync(`models/${testCase.name}.safetensors`)), testCase.scale);
  const values = (tensor: string) => model.tensors.get(tensor)?.data ?? [];
  const [offset, scale] = [values("input.offset"), values("input.scale")];
  // Rounded after the division and after the sum, as NumPy does.
  const samples = noise.map((value, i) => {
    const at = i % testCase.inputs;
    return Math.fround((offset[at] as number) + Math.fround(value / (scale[at] as number)));
  });
  return { model, samples };
}

describe("the f32 kernels over 10,000 steps", () => {
  it("are held against PyTorch on the reference shapes and on trained models, as they are and with weights × 3", () => {
    const names = ["gru-1x16", "gru-8x32", "gru-16x64", "gru-64x128", "pump", "machine-temperature"];
    expect(index.steps).toBe(10_000);
    expect(index.cases.map(({ name, scale }) => `${name} × ${scale}`)).toEqual(
      [1, 3].flatMap((scale) => names.map((name) => `${name} × ${scale}`)),
    );
  });

  for (const testCase of index.cases) {
    it(`are at most 2 x (worst 3 x) as far from double precision as PyTorch ${index.torch}: ${testCase.name} × ${testCase.scale}`, async () => {
      const { model, samples } = await build(testCase);
      const answers = createRuntime(model).createSession().run(samples);
      const exact = new DoubleNetwork(model);
      const row = new Float64Array(model.spec.outputs.length);
      const probes = new Map(testCase.probes);
      let [squares, worst] = [0, 0];
      for (let step = 0; step < index.steps; step++) {
        exact.step(samples, step, row);
        probes.get(step)?.forEach((value, o) => {
          if (isChaotic(testCase) && step > 1) return;
          expect(Math.abs((row[o] as number) - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
        });
        row.forEach((value, o) => {
          const error = Math.abs((answers[step * row.length + o] as number) - value);
          squares += error ** 2;
          worst = Math.max(worst, error);
        });
      }
      const rms = Math.sqrt(squares / answers.length);
      console.log(
        `${testCase.name} × ${testCase.scale}: rms ${rms.toExponential(2)}, ${(rms / testCase.rms).toFixed(2)} x PyTorch's; worst ${worst.toExponential(2)}, ${(worst / testCase.worst).toFixed(2)} x`,
      );
      expect(rms).toBeLessThanOrEqual(2 * testCase.rms);
      expect(worst).toBeLessThanOrEqual(3 * testCase.worst);
      expect(rms).toBeGreaterThan(0);
    }, 60_000);
  }
});

/** Where any error grows to the size of the signal within thousands of steps, in PyTorch as here. */
const isChaotic = ({ name, scale }: Case) => name === "pump" && scale === 3;
