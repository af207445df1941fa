// The f32 cell against PyTorch. tools/training/vectors.py writes test/vectors/torch and holds the Python twin of `torchSamples`.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createRuntime, loadModel, type Model } from "../../host/runtime/index.ts";
import { mulberry32 } from "../support/random.ts";

interface Case {
  readonly name: string;
  readonly seed: number;
  readonly steps: number;
  /** Every stride-th output is stored, from step 0 on. */
  readonly stride: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly vocabulary?: number;
}

interface Index {
  readonly torch: string;
  readonly tolerance: { readonly max: number; readonly rms: number };
  readonly cases: readonly Case[];
}

const folder = new URL("../vectors/torch/", import.meta.url);
const index: Index = JSON.parse(readFileSync(new URL("index.json", folder), "utf8"));

const readModel = (name: string): Promise<Model> => loadModel(readFileSync(new URL(`${name}.safetensors`, folder)));

/** The samples of a case, f32[steps][I] or tokens; the same bits as `samples` and `tokens` of vectors.py. */
function torchSamples({ seed, steps, inputs, vocabulary }: Case): Float32Array {
  const random = mulberry32(seed);
  const next = () => random() * 2 ** 32;
  if (vocabulary !== undefined) return Float32Array.from({ length: steps }, () => next() % vocabulary);
  const uniform = () => Math.floor(next() / 4096);
  return Float32Array.from(
    { length: steps * inputs },
    () => (uniform() + uniform() + uniform() + uniform() - 2 * 2 ** 20) / 2 ** 19,
  );
}

/** The stored outputs of a case, f32[steps / stride][O]. */
function readOutputs({ name, steps, stride, outputs }: Case): Float32Array {
  const bytes = readFileSync(new URL(`${name}.f32`, folder));
  expect(bytes.length).toBe(4 * (steps / stride) * outputs);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** Streams the samples of a case one by one; returns the greatest and the rms difference to PyTorch. */
function difference(model: Model, simd: boolean, testCase: Case): { max: number; rms: number } {
  const { steps, stride, inputs, outputs } = testCase;
  const session = createRuntime(model, { simd }).createSession();
  const samples = torchSamples(testCase);
  const expected = readOutputs(testCase);
  let [max, sum] = [0, 0];
  for (let step = 0; step < steps; step++) {
    const prediction = session.step(samples.subarray(step * inputs, (step + 1) * inputs));
    if (step % stride !== 0) continue;
    for (let i = 0; i < outputs; i++) {
      const error = Math.abs((prediction[i] as number) - (expected[(step / stride) * outputs + i] as number));
      // Negated, so that NaN counts as the greatest.
      if (!(error <= max)) max = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
      sum += error * error;
    }
  }
  return { max, rms: Math.sqrt(sum / expected.length) };
}

describe("torchSamples", () => {
  it("generates the inputs that PyTorch was given", async () => {
    for (const testCase of index.cases) {
      const selftest = (await readModel(testCase.name)).tensors.get("selftest.input");
      const samples = torchSamples(testCase);
      expect([...(selftest?.data ?? [])]).toEqual([...samples.subarray(0, selftest?.data.length)]);
    }
  });
});

describe("the f32 cell", () => {
  it("is compared on the reference shapes over 1,000 steps", () => {
    const names = index.cases.filter(({ steps }) => steps === 1000).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["gru-1x16", "gru-8x32", "gru-16x64", "gru-64x128"]));
    expect(index.tolerance).toEqual({ max: 1e-6, rms: 1e-7 });
  });

  for (const testCase of index.cases) {
    for (const simd of [true, false]) {
      it(`computes what PyTorch ${index.torch} computes: ${testCase.name}, ${simd ? "SIMD" : "scalar"}`, async () => {
        const { max, rms } = difference(await readModel(testCase.name), simd, testCase);
        expect(max).toBeLessThanOrEqual(index.tolerance.max);
        expect(rms).toBeLessThanOrEqual(index.tolerance.rms);
      });
    }
  }
});
