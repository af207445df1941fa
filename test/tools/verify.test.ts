import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRuntime, loadModel, parseModel, runSelftest, serializeModel } from "../../host/runtime/index.ts";
import { CliError } from "../../tools/errors.ts";
import { writeNpz } from "../../tools/read/npz.ts";
import { attachReference } from "../../tools/verify/attach.ts";
import { compareWithReference } from "../../tools/verify/compare.ts";
import { readReference, type Sequence } from "../../tools/verify/reference.ts";
import { F32Oracle } from "../oracle/f32.ts";
import { cli } from "../support/cli.ts";
import { type BuiltModel, buildModel, randomF32Model, randomSamples, tensorOf } from "../support/models.ts";
import * as mutations from "../support/mutations.ts";
import { mulberry32 } from "../support/random.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-verify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function save(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** What a framework would answer: the network in double precision. */
function answer({ model, spec }: BuiltModel, steps: number, seed = 2): Sequence {
  const oracle = new F32Oracle(model);
  const samples = randomSamples(spec, steps, seed);
  const outputs = Float64Array.from(samples.flatMap((sample) => [...oracle.step(sample)]));
  return { inputs: Float64Array.from(samples.flat()), outputs, steps, lastOnly: false };
}

const array = (shape: readonly number[], data: ArrayLike<number>) => ({ shape, data: Float64Array.from(data) });
const npz = (inputs: ReturnType<typeof array>, outputs: ReturnType<typeof array>) =>
  writeNpz(new Map(Object.entries({ inputs, outputs })));

const compare = ({ model }: BuiltModel, sequences: readonly Sequence[], tolerance?: number) =>
  compareWithReference(createRuntime(model), sequences, tolerance);

/** A model with what PyTorch answered (test/vectors/torch/index.json). */
async function fromPytorch(name: string) {
  const model = await loadModel(readFileSync(`test/vectors/torch/${name}.safetensors`));
  const values = (tensor: string) => Float64Array.from(model.tensors.get(tensor)?.data ?? []);
  const [inputs, outputs] = [values("selftest.input"), values("selftest.output")];
  const { selftest, ...spec } = model.spec;
  const tensors = new Map([...model.tensors].filter(([tensor]) => !tensor.startsWith("selftest.")));
  return {
    built: buildModel(spec, tensors),
    reference: { inputs, outputs, steps: selftest?.steps ?? 0, lastOnly: false },
  };
}

const TWO = randomF32Model({ layers: [6], inputs: 2, outputs: 3 });
const TOKEN = randomF32Model({ layers: [6], embedding: { vocabulary: 9, size: 4 }, outputs: 9, activation: "softmax" });
const ONE = randomF32Model({ layers: [4], inputs: 1, outputs: 1 });

describe("readReference", () => {
  const values = (count: number) => Array.from({ length: count }, (_, i) => i / 8);
  const read = (inputs: ReturnType<typeof array>, outputs: ReturnType<typeof array>, built: BuiltModel) =>
    readReference(npz(inputs, outputs), "r.npz", built.spec);
  const outline = (sequences: readonly Sequence[]) =>
    sequences.map(({ steps, lastOnly, inputs, outputs }) => [steps, lastOnly, inputs.length, outputs.length]);

  it("takes inputs [T, I] and outputs [T, O] as one sequence", () => {
    const [sequence] = read(array([4, 2], values(8)), array([4, 3], values(12)), TWO);
    expect(sequence).toEqual({
      inputs: Float64Array.from(values(8)),
      outputs: Float64Array.from(values(12)),
      steps: 4,
      lastOnly: false,
    });
  });

  it.each([
    ["[B, T, I] with [B, T, O]", TWO, [2, 4, 2], [2, 4, 3], [4, false, 8, 12], 2],
    ["[B, T, I] with [B, O], the last step", TWO, [2, 4, 2], [2, 3], [4, true, 8, 3], 2],
    ["[1, T, I] with [T, O]", TWO, [1, 4, 2], [4, 3], [4, false, 8, 12], 1],
    ["[T, I] with [O], the last step", TWO, [4, 2], [3], [4, true, 8, 3], 1],
    ["[I] with [O], one step", TWO, [2], [3], [1, false, 2, 3], 1],
    ["[T] with [T], of width 1", ONE, [5], [5], [5, false, 5, 5], 1],
    ["[T, 1] with [T, 1]", ONE, [5, 1], [5, 1], [5, false, 5, 5], 1],
    ["[B, T] with [B, T]", ONE, [3, 5], [3, 5], [5, false, 5, 5], 3],
    ["[B, T, 1] with [B, 1], the last step", ONE, [3, 5, 1], [3, 1], [5, true, 5, 1], 3],
    ["[B, T, 1] with [B], the last step", ONE, [3, 5, 1], [3], [5, true, 5, 1], 3],
  ])("takes %s", (_, built, inputs, outputs, each, count) => {
    const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
    const sequences = read(array(inputs, values(size(inputs))), array(outputs, values(size(outputs))), built);
    expect(outline(sequences)).toEqual(Array.from({ length: count }, () => each));
    expect(sequences.at(-1)?.outputs.at(-1)).toBe((size(outputs) - 1) / 8);
  });

  it.each([
    ["[T]", [5], [5, 9], [5, false, 5, 45], 1],
    ["[B, T]", [2, 5], [2, 5, 9], [5, false, 5, 45], 2],
    ["[B, 1]", [2, 1], [2, 1, 9], [1, false, 1, 9], 2],
    ["[B, T] with [B, O]", [2, 5], [2, 9], [5, true, 5, 9], 2],
  ])("takes tokens %s", (_, inputs, outputs, each, count) => {
    const size = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);
    const tokens = Array.from({ length: size(inputs) }, (__, i) => i % 9);
    const sequences = read(array(inputs, tokens), array(outputs, values(size(outputs))), TOKEN);
    expect(outline(sequences)).toEqual(Array.from({ length: count }, () => each));
  });

  it.each([
    ["JSON", '{"inputs": [[1, 2], [3, 4]], "outputs": [[1, 2, 3], [4, 5, 6]]}'],
    ["NDJSON, a line for each step", '{"inputs":[1,2],"outputs":[1,2,3]}\n{"inputs":[3,4],"outputs":[4,5,6]}\n'],
  ])("reads %s", (_, text) => {
    expect(readReference(Buffer.from(text), "r", TWO.spec)).toEqual([
      {
        inputs: Float64Array.of(1, 2, 3, 4),
        outputs: Float64Array.of(1, 2, 3, 4, 5, 6),
        steps: 2,
        lastOnly: false,
      },
    ]);
  });

  it("reads NDJSON with a line for each sequence, of unlike length", () => {
    const text = '{"inputs":[[1,2]],"outputs":[[1,2,3]]}\n\n{"inputs":[[3,4],[5,6]],"outputs":[[4,5,6],[7,8,9]]}\n';
    expect(outline(readReference(Buffer.from(text), "r", TWO.spec))).toEqual([
      [1, false, 2, 3],
      [2, false, 4, 6],
    ]);
  });

  it.each([
    [array([4, 3], values(12)), array([4, 3], values(12)), '"inputs" has shape [4, 3], expected [T, 2] or [B, T, 2]'],
    [array([0, 2], []), array([0, 3], []), '"inputs" has shape [0, 2], expected'],
    [
      array([4, 2], values(8)),
      array([4, 2], values(8)),
      '"outputs" has shape [4, 2], expected [4, 3], or [3] for the last step only',
    ],
    [
      array([2, 2], [0, 1, 2, Number.NaN]),
      array([2, 3], values(6)),
      'Row 1 of "inputs" has x1 = NaN, expected a finite number',
    ],
  ])("refuses what does not suit the model (%#)", (inputs, outputs, message) => {
    expect(() => read(inputs, outputs, TWO)).toThrow(`r.npz: ${message}`);
  });

  it("refuses a token that is out of the vocabulary", () => {
    expect(() => read(array([2], [0, 9]), array([2, 9], values(18)), TOKEN)).toThrow(
      'r.npz: Row 1 of "inputs" has x0 = 9, expected a token from 0 to 8',
    );
  });

  it("names an array that is missing, and those that are there", () => {
    const bytes = writeNpz(new Map([["x", array([1], [1])]]));
    expect(() => readReference(bytes, "r.npz", TWO.spec)).toThrow(
      'r.npz: Array "inputs" is missing, found x; save with np.savez(file, inputs=…, outputs=…)',
    );
  });

  it.each([
    ["", "r: Neither .npz nor JSON"],
    ['{"inputs": NaN}', "r: Neither .npz nor JSON; NaN is not JSON, use .npz for it"],
    ['{"inputs": 1}', 'r: "outputs" is missing'],
    ["[1]", 'r: "inputs" is missing, expected {"inputs": […], "outputs": […]}'],
    ['{"inputs": ["a"], "outputs": 1}', 'r: inputs: Found "a", expected a number'],
    ['{"inputs": [[1], [1, 2]], "outputs": 1}', "r: inputs: Rows are of unlike length"],
    ['{"inputs": [[[[1]]]], "outputs": 1}', "r: inputs: Has 4 axes, expected at most 3"],
    ['{"inputs":[1,2],"outputs":[1,2,3]}\n{', "r:2: Line is not JSON: {"],
    ['{"inputs":[1,2],"outputs":[1,2,3]}\n{"inputs":[1],"outputs":[1,2,3]}', '"inputs" of the lines are of unlike'],
    ['{"inputs":[1,2],"outputs":[1,2,3]}\n{"inputs":[[1,2]],"outputs":[1]}', "Some lines are steps and some are"],
  ])("refuses %j", (text, message) => {
    expect(() => readReference(Buffer.from(text), "r", TWO.spec)).toThrow(message);
  });

  it("does not follow a value that is nested as deep as it likes", () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    expect(() => readReference(Buffer.from(`{"inputs":[1,${deep}],"outputs":1}`), "r", TWO.spec)).toThrow(
      new CliError("r: inputs: Found nested too deeply, expected a number"),
    );
  });

  it("ends in sequences or in one line of error for 10,000 damaged documents", () => {
    const random = mulberry32(5);
    const original = Buffer.from('{"inputs":[[1,2],[3,4]],"outputs":[[1,2,3],[4,5,6]]}\n');
    const outcomes = { read: 0, refused: 0 };
    for (let round = 0; round < 10_000; round++) {
      const bytes = Buffer.from(original);
      for (let change = 0; change < 1 + random() * 3; change++) {
        bytes[Math.floor(random() * bytes.length)] = 32 + random() * 95;
      }
      try {
        readReference(bytes, "r", TWO.spec);
        outcomes.read++;
      } catch (error) {
        if (!(error instanceof CliError) || error.message.includes("\n")) throw error;
        outcomes.refused++;
      }
    }
    expect(outcomes.refused).toBeGreaterThan(5000);
    expect(outcomes.read).toBeGreaterThan(5);
  });
});

describe("compareWithReference", () => {
  it("passes what an exact computation answers, over 3,000 steps", () => {
    const comparison = compare(TWO, [answer(TWO, 3000)]);
    expect(comparison).toMatchObject({ compared: 3000, passed: true });
    expect(comparison).not.toHaveProperty("tolerance");
    for (const { error, max } of comparison.outputs) {
      expect(error).toBeLessThan(0.2); // of what rounding explains
      expect(max).toBeLessThan(5e-6);
    }
  });

  it("tells the greatest and the rms difference of each output, and where the worst is", () => {
    const [first, second] = [answer(TWO, 20, 2), answer(TWO, 10, 3)];
    // Output y2 at step 4 of the second sequence.
    second.outputs[4 * 3 + 2] = (second.outputs[4 * 3 + 2] as number) + 0.3;
    const { outputs, passed } = compare(TWO, [first, second]);
    expect(passed).toBe(false);
    expect(outputs.map((output) => output.passed)).toEqual([true, true, false]);
    expect(outputs[2]).toMatchObject({ name: "y2", sequence: 1, step: 4 });
    expect(outputs[2]?.max).toBeCloseTo(0.3, 4);
    expect(outputs[2]?.rms).toBeCloseTo(0.3 / Math.sqrt(30), 4);
    expect((outputs[2]?.expected as number) - (outputs[2]?.actual as number)).toBeCloseTo(0.3, 4);
  });

  it("compares with the source's double precision where the reference has it", () => {
    const sequence = answer(TWO, 20);
    const outputs = sequence.outputs.map((value, i) => value + (i === 7 ? 0.25 : 0));
    const { outputs: differences, passed } = compare(TWO, [{ ...sequence, outputs, outputs64: sequence.outputs }]);
    expect(passed).toBe(true);
    expect(differences[1]?.source?.max).toBeCloseTo(0.25, 6);
    expect(differences[1]?.source?.rms).toBeCloseTo(0.25 / Math.sqrt(20), 6);
    const wrong = { ...sequence, outputs64: outputs };
    expect(compare(TWO, [wrong]).outputs.map((output) => output.passed)).toEqual([true, false, true]);
  });

  it("holds outputs of any size against what rounding explains", () => {
    for (const scale of [1e-6, 1, 1e6]) {
      const built = randomF32Model({ layers: [6], inputs: 2, outputs: 1 });
      const tensors = new Map(built.tensors);
      const last = ["output.scale", "output.offset"];
      for (const name of tensors.has("output.scale") ? last : ["layers.1.W", "layers.1.b"]) {
        const { shape, data } = tensors.get(name)!;
        tensors.set(
          name,
          tensorOf(
            "F32",
            shape,
            Float32Array.from(data, (value) => value * scale),
          ),
        );
      }
      const model = buildModel(built.spec, tensors);
      const sequence = answer(model, 100);
      expect(compare(model, [sequence]).passed, `× ${scale}`).toBe(true);
      sequence.outputs[50] = (sequence.outputs[50] as number) + 1e-4 * scale;
      expect(compare(model, [sequence]).passed, `× ${scale}, one answer off`).toBe(false);
    }
  });

  it("tells how much the reference moves about its mean", () => {
    const sequence = { ...answer(ONE, 4), outputs: Float64Array.of(101, 99, 101, 99) };
    expect(compare(ONE, [sequence]).outputs[0]?.signal).toBeCloseTo(1, 10);
  });

  it("starts every sequence from a fresh state", () => {
    const sequence = answer(TWO, 50);
    expect(compare(TWO, [sequence, sequence, sequence]).passed).toBe(true);
  });

  it("compares the last step where the reference has no other", () => {
    const sequence = answer(TWO, 30);
    const last = { ...sequence, outputs: sequence.outputs.slice(-3), lastOnly: true };
    expect(compare(TWO, [last])).toMatchObject({ compared: 1, passed: true });
    last.outputs[0] = 1e3;
    expect(compare(TWO, [last]).outputs[0]).toMatchObject({ step: 29, passed: false });
  });

  it.each([Number.NaN, Infinity, -Infinity])("fails when the reference is %s, whatever the tolerance", (value) => {
    const sequence = answer(TWO, 10);
    sequence.outputs[7] = value;
    const { outputs, passed } = compare(TWO, [sequence], 1e300);
    expect(passed).toBe(false);
    expect(outputs[1]).toMatchObject({ max: Infinity, rms: Infinity, error: Infinity, step: 2, passed: false });
  });

  it("measures differences of great values against the value, of small ones absolutely", () => {
    const one = answer(ONE, 1);
    const [value] = createRuntime(ONE.model).createSession().step(one.inputs) as unknown as [number];
    const withError = (error: number) => [{ ...one, outputs: Float64Array.of(value + error) }];
    const limit = Math.max(1, Math.abs(value)) * 1e-3;
    expect(compare(ONE, withError(0.9 * limit), 1e-3).passed).toBe(true);
    expect(compare(ONE, withError(1.1 * limit), 1e-3).passed).toBe(false);
  });

  it.each(["gru-3x5", "gru-4x20-2-layers", "reset-before-3x5", "token-10x16"])(
    "passes PyTorch's own %s",
    async (name) => {
      const { built, reference } = await fromPytorch(name);
      expect(compare(built, [reference]).passed).toBe(true);
    },
  );
});

describe("a converter's fault", () => {
  const shape = { layers: [12, 12], inputs: 3, outputs: 2, normalise: false } as const;
  const AFTER = randomF32Model({ ...shape, seed: 11 });
  const BEFORE = randomF32Model({ ...shape, seed: 12, reset: "before" });

  it.each([
    ["z and r swapped", mutations.swapGates, AFTER],
    ["z and r swapped in U alone", mutations.swapRecurrentGates, AFTER],
    ["z not negated", mutations.negateUpdateGate, AFTER],
    ["biases merged", mutations.mergeBiases, AFTER],
    ["recurrent bias left out", mutations.dropRecurrentBias, AFTER],
    ["U transposed", mutations.transposeRecurrent, AFTER],
    ["reset-after taken for reset-before", mutations.flipReset, AFTER],
    ["a layer dropped", mutations.dropLayer, AFTER],
    ["z and r swapped, reset-before", mutations.swapGates, BEFORE],
    ["reset-before taken for reset-after", mutations.flipReset, BEFORE],
  ])("is caught: %s", (_, mutate, built) => {
    const reference = [answer(built, 500)];
    expect(compare(built, reference).passed).toBe(true);
    const comparison = compare(mutate(built), reference);
    expect(comparison.passed).toBe(false);
    // A margin of a hundred over the tolerance, however quiet.
    const rms = Math.max(...comparison.outputs.map((output) => output.rms));
    expect(rms).toBeGreaterThan(1e-3);
  });

  it.each([
    ["z and r swapped", mutations.swapGates],
    ["z not negated", mutations.negateUpdateGate],
    ["biases merged", mutations.mergeBiases],
    ["reset-after taken for reset-before", mutations.flipReset],
    ["a layer dropped", mutations.dropLayer],
  ])("is caught by PyTorch's own answers: %s", async (_, mutate) => {
    const { built, reference } = await fromPytorch("gru-4x20-2-layers");
    const { outputs } = compare(mutate(built), [reference]);
    expect(Math.min(...outputs.map(({ error }) => error))).toBeGreaterThan(1e-3);
  });

  it("is not seen where it makes none: merged biases of a reset-before layer", () => {
    expect(compare(mutations.mergeBiases(BEFORE), [answer(BEFORE, 500)]).passed).toBe(true);
  });
});

describe("attachReference", () => {
  const passes = async (bytes: Uint8Array) => {
    const model = await loadModel(bytes);
    return runSelftest(model, createRuntime(model).createSession());
  };

  it("stores the start of the first sequence as the model's self-test", async () => {
    const sequence = answer(TWO, 300);
    const bytes = attachReference(TWO.model, [sequence, answer(TWO, 10)], { steps: 40, tolerance: 2e-5 });
    const { spec, tensors } = parseModel(bytes);
    expect(spec.selftest).toEqual({ steps: 40, tolerance: 2e-5 });
    expect(tensors.get("selftest.output")).toEqual({
      dtype: "F32",
      shape: [40, 3],
      data: Float32Array.from(sequence.outputs.subarray(0, 120)),
    });
    expect(await passes(bytes)).toMatchObject({ steps: 40, passed: true });
  });

  it("stores 256 steps by default, and never more than the format allows", () => {
    const sequence = answer(TWO, 5000);
    expect(parseModel(attachReference(TWO.model, [sequence])).spec.selftest?.steps).toBe(256);
    expect(parseModel(attachReference(TWO.model, [sequence], { steps: 9999 })).spec.selftest?.steps).toBe(4096);
  });

  it("stores tokens as integers", async () => {
    const bytes = attachReference(TOKEN.model, [answer(TOKEN, 20)]);
    expect(parseModel(bytes).tensors.get("selftest.input")).toMatchObject({ dtype: "I32", shape: [20, 1] });
    expect((await passes(bytes))?.passed).toBe(true);
  });

  it("stores a sequence whose last answer alone is known, with that answer at its end", async () => {
    const sequence = answer(TWO, 30);
    const last = { ...sequence, outputs: sequence.outputs.slice(-3), lastOnly: true };
    const bytes = attachReference(TWO.model, [last]);
    const stored = parseModel(bytes).tensors.get("selftest.output")?.data ?? [];
    expect([...stored].slice(-3)).toEqual([...Float32Array.from(last.outputs)]);
    expect((await passes(bytes))?.steps).toBe(30);
    expect(parseModel(attachReference(TWO.model, [last], { steps: 29 })).spec.selftest).toBeUndefined();
  });

  it("takes the first of such sequences that fits", () => {
    const last = (steps: number) => {
      const sequence = answer(TWO, steps);
      return { ...sequence, outputs: sequence.outputs.slice(-3), lastOnly: true };
    };
    expect(parseModel(attachReference(TWO.model, [last(257)])).spec.selftest?.steps).toBe(257);
    expect(parseModel(attachReference(TWO.model, [last(4097), last(300), last(7)])).spec.selftest?.steps).toBe(300);
    expect(parseModel(attachReference(TWO.model, [last(4097)])).spec.selftest).toBeUndefined();
  });

  it("allows what the model differs by, twice, where that is more than 1e-5", async () => {
    const sequence = answer(TWO, 40);
    sequence.outputs[30] = (sequence.outputs[30] as number) + 1;
    const bytes = attachReference(TWO.model, [sequence]);
    expect(parseModel(bytes).spec.selftest?.tolerance).toBeGreaterThan(0.1);
    expect((await passes(bytes))?.passed).toBe(true);
  });

  it("replaces the self-test that is there", () => {
    const once = parseModel(attachReference(TWO.model, [answer(TWO, 9)]));
    expect(parseModel(attachReference(once, [answer(TWO, 7)])).spec.selftest?.steps).toBe(7);
  });
});

describe("rivulet verify", () => {
  const MODEL = save("model.safetensors", TWO.bytes);
  const sequence = answer(TWO, 200);
  const GOOD = save("good.npz", npz(array([200, 2], sequence.inputs), array([200, 3], sequence.outputs)));
  const wrong = sequence.outputs.slice();
  wrong[31] = (wrong[31] as number) + 0.5;
  const WRONG = save("wrong.npz", npz(array([200, 2], sequence.inputs), array([200, 3], wrong)));

  it("tells the differences of each output, and exits with 0 when they are within the tolerance", async () => {
    const { code, stdout, stderr } = await cli(["verify", MODEL, "--reference", GOOD]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`${TWO.model.id} (f32) against ${GOOD}: 200 steps\n`);
    expect(stdout).toMatch(
      /^ {2}y2 {2}max \S+e-\d +rms \S+e-\d +\S+ % of the signal +worst at step \d+: expected \S+, /m,
    );
    expect(stdout).toMatch(/^passed, at most \d+(\.\d)? % of what rounding in single precision explains$/m);
  });

  it("exits with 1 when one is not", async () => {
    const { code, stdout, stderr } = await cli(["verify", MODEL, "--reference", WRONG]);
    expect(code).toBe(1);
    expect(stderr).toBe(`error: ${MODEL}: Differs from ${WRONG} by more than is allowed\n`);
    expect(stdout).toMatch(/^ {2}y1 {2}max 0\.500 .*worst at step 10: .*FAILED$/m);
    expect(stdout).toMatch(/^FAILED: 1 of 3 outputs, up to \d+ times what rounding in single precision explains$/m);
    expect((await cli(["verify", MODEL, "--reference", WRONG, "--tolerance", "0.6"])).code).toBe(0);
  });

  it("writes JSON", async () => {
    const { stdout } = await cli(["verify", MODEL, "--reference", WRONG, "--json", "--no-simd"]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ model: TWO.model.id, simd: false, steps: 200, passed: false });
    expect(report).not.toHaveProperty("tolerance");
    expect(report.outputs[1]).toMatchObject({ name: "y1", step: 10, passed: false });
  });

  it("says not a number where a difference is none", async () => {
    const outputs = sequence.outputs.slice().fill(Number.NaN, 0, 1);
    const file = save("nan.npz", npz(array([200, 2], sequence.inputs), array([200, 3], outputs)));
    const { code, stdout } = await cli(["verify", MODEL, "--reference", file]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}y0 {2}max not a number .*FAILED$/m);
    const json = JSON.parse((await cli(["verify", MODEL, "--reference", file, "--json"])).stdout);
    expect(json.outputs[0]).toMatchObject({ max: "Infinity", passed: false });
  });

  it("compares the fixed-point form, too", async () => {
    const flags = ["verify", MODEL, "--reference", GOOD, "--numeric", "q15"];
    expect((await cli(flags)).code).toBe(1);
    const { code, stdout } = await cli([...flags, "--tolerance", "0.05"]);
    expect({ code, form: stdout.includes("(q15)") }).toEqual({ code: 0, form: true });
  });

  it("tells of a model that fails its own test vectors, too", async () => {
    const tensors = new Map(TWO.tensors)
      .set("selftest.input", { dtype: "F32", shape: [1, 2], data: new Float32Array(2) } as const)
      .set("selftest.output", { dtype: "F32", shape: [1, 3], data: new Float32Array(3).fill(1e6) } as const);
    const file = save("vectors.safetensors", serializeModel({ ...TWO.spec, selftest: { steps: 1 } }, tensors));
    expect((await cli(["verify", file, "--reference", GOOD])).code).toBe(0);
  });

  it("warns of a reference that cannot prove the recurrent weights, or those of an input", async () => {
    const first = answer(TWO, 1);
    const file = save("short.npz", npz(array([1, 2], first.inputs), array([1, 3], first.outputs)));
    const { code, stderr } = await cli(["verify", MODEL, "--reference", file]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        "warning: Every sequence has one step: recurrent weights and reset form are not proven; is the first axis time? Expected [B, T, I]\n",
    });
    const silent = save("silent.npz", npz(array([2, 2], [1, 0, 2, 0]), array([2, 3], new Float64Array(6))));
    const json = JSON.parse((await cli(["verify", MODEL, "--reference", silent, "--json"])).stdout);
    expect(json.weaknesses).toEqual(["Always 0 in the reference, so that their weights are not proven: x1"]);
  });

  it("shows the worst of many outputs", async () => {
    const many = randomF32Model({ layers: [40], inputs: 1, outputs: 0 });
    const { inputs, outputs } = answer(many, 5);
    const file = save("many.npz", npz(array([5, 1], inputs), array([5, 40], outputs)));
    const { stdout } = await cli(["verify", save("many.safetensors", many.bytes), "--reference", file]);
    expect(stdout).toContain("  and 20 outputs that are closer\n");
  });

  it.each([
    [["--reference", path.join(folder, "absent.npz")], 1, "absent.npz: No such file"],
    [["--reference", folder], 1, "Is a directory, expected a file"],
    [[], 2, "Expected either --reference FILE, or --source FILE with the ONNX source"],
    [["--reference", GOOD, "--tolerance", "0"], 2, "Expected a positive number."],
  ])("refuses %j", async (flags, code, message) => {
    const result = await cli(["verify", MODEL, ...flags]);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
  });
});
