// ONNX sources run by onnxruntime-node, which is not among the dependencies: `npm install --no-save -D onnxruntime-node`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRuntime, loadModel, serializeModel } from "../../host/runtime/index.ts";
import { type Network, toModel } from "../../tools/read/network.ts";
import { readOnnx } from "../../tools/read/onnx/index.ts";
import { compareWithReference } from "../../tools/verify/compare.ts";
import { loadOnnxRuntime } from "../../tools/verify/onnxruntime.ts";
import { runOnnx } from "../../tools/verify/run-onnx.ts";
import { casePath, onnxCases } from "../read/onnx-cases.ts";
import { GRU_WEIGHTS, gruNode, onnxFile } from "../read/onnx-models.ts";
import { cli } from "../support/cli.ts";
import {
  dropRecurrentBias,
  flipReset,
  type Mutation,
  mergeBiases,
  negateUpdateGate,
  swapGates,
  swapRecurrentGates,
  transposeRecurrent,
} from "../support/mutations.ts";
import { needs } from "../support/needs.ts";

const runtime = await loadOnnxRuntime();
const onnxruntime = runtime!;
const peer = needs({ "onnxruntime-node": runtime !== undefined });

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-onnxruntime-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const output = path.join(folder, "model.safetensors");

/** onnxruntime has no GRU with layout 1. */
const runnable = onnxCases.map(({ name }) => name).filter((name) => name !== "node-layout-1");

const read = (name: string) => readOnnx(readFileSync(casePath(name)), { path: casePath(name) });
const answers = async (name: string) => runOnnx(onnxruntime, await read(name), casePath(name));

async function compare(network: Network, sequences: Awaited<ReturnType<typeof answers>>) {
  const { spec, tensors } = toModel(network, { name: "case" });
  return compareWithReference(createRuntime(await loadModel(serializeModel(spec, tensors))), sequences);
}

describe("runOnnx", peer, () => {
  it.each(runnable)("proves a converted model over a long sequence: %s", async (name) => {
    const { network } = await read(name);
    const sequences = await answers(name);
    expect(sequences.reduce((sum, { steps }) => sum + steps, 0)).toBeGreaterThanOrEqual(1000);
    expect(await compare(network, sequences)).toMatchObject({ passed: true });
  });

  it.each(["torch-ts-batch-first", "torch-dynamo-last-state", "torch-ts-2-cells-no-bias", "node-embedding"])(
    "catches what converters do wrong: %s",
    async (name) => {
      const { network } = await read(name);
      const sequences = await answers(name);
      const { spec, tensors } = toModel(network, { name: "case" });
      const built = { spec, tensors } as Parameters<Mutation>[0];
      const faults = { swapGates, swapRecurrentGates, negateUpdateGate, transposeRecurrent, flipReset };
      const more = name.includes("no-bias") ? {} : { mergeBiases, dropRecurrentBias };
      for (const [fault, mutate] of Object.entries({ ...faults, ...more })) {
        const { model } = mutate(built);
        expect(compareWithReference(createRuntime(model), sequences).passed, fault).toBe(false);
      }
    },
  );

  it("runs a sequence of the length that the file fixes, as often as it takes", async () => {
    const lengths = (await answers("torch-dynamo-2-layers-time-first")).map(({ steps }) => steps);
    expect(new Set(lengths)).toEqual(new Set([12]));
    expect(lengths.length).toBeGreaterThan(80);
  });

  it("hands the states of a model of one step on", async () => {
    const [sequence, ...others] = await answers("torch-ts-2-cells-no-bias");
    expect([sequence?.steps, sequence?.lastOnly, others.length]).toEqual([1000, false, 0]);
  });

  it("keeps apart the streams that the file fixes, with the axes in any order", async () => {
    const bytes = onnxFile({
      inputs: { x: [0, 3, 3] },
      weights: GRU_WEIGHTS,
      nodes: [gruNode({ linear_before_reset: 1 }), ["Transpose", ["Y"], ["y"], { perm: [2, 0, 1, 3] }]],
    });
    const file = path.join(folder, "streams.onnx");
    writeFileSync(file, bytes);
    const source = await readOnnx(bytes, { path: file });
    const sequences = await runOnnx(onnxruntime, source, file);
    expect(sequences).toHaveLength(3);
    expect(sequences[0]?.inputs).not.toEqual(sequences[1]?.inputs);
    expect((await compare(source.network, sequences)).passed).toBe(true);
  });

  it("says what onnxruntime has against a file", async () => {
    await expect(answers("node-layout-1")).rejects.toThrow(/node-layout-1.onnx: onnxruntime cannot run it: .*layout/);
  });
});

describe("rivulet convert of an ONNX file", peer, () => {
  it("runs the source, and keeps its answers as self-test", async () => {
    const { code, stdout } = await cli(["convert", casePath("torch-ts-batch-first"), "-o", output]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/against .*batch-first\.onnx in onnxruntime [\d.]+\n {2}y0 {2}max .*\n.*\npassed/);
    const model = await loadModel(readFileSync(output));
    expect(model.spec.selftest?.steps).toBe(256);
  });

  it("goes on when onnxruntime cannot run it, or is not to", async () => {
    const one = await cli(["convert", casePath("node-layout-1"), "-o", output]);
    expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nsource: not run, .*layout/) });
    const other = await cli(["convert", casePath("node-softmax"), "-o", output, "--no-run"]);
    expect(other).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nsource: not run, as --no-run asks\n/) });
    const torch = await cli(["convert", casePath("node-softmax"), "-o", output, "--assume-torch-gru"]);
    expect(torch.stdout).toMatch(/\nsource: not run, since --assume-torch-gru/);
  });

  it.each([
    ["slope and offset of the operator", {}],
    ["its own", { activation_alpha: { floats: [0.3] }, activation_beta: { floats: [0.4] } }],
  ])("computes hard gates with %s as onnxruntime does", async (_what, given) => {
    const source = path.join(folder, "hard-gates.onnx");
    const attributes = { activations: ["HardSigmoid", "Tanh"], ...given };
    for (const linear_before_reset of [0, 1]) {
      const node = gruNode({ linear_before_reset, ...attributes });
      writeFileSync(source, onnxFile({ weights: GRU_WEIGHTS, nodes: [node, ["Identity", ["Y"], ["y"]]] }));
      const { code, stdout } = await cli(["convert", source, "-o", output]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/\npassed, .*hard gates/s) });
    }
  });

  it("shows what an allowed substitution costs, and writes the model", async () => {
    const source = path.join(folder, "hard.onnx");
    const node = gruNode({ linear_before_reset: 1, activations: ["HardSigmoid", "Tanh"] });
    writeFileSync(source, onnxFile({ weights: GRU_WEIGHTS, nodes: [node, ["Identity", ["Y"], ["y"]]] }));
    const { code, stdout } = await cli(["convert", source, "-o", output, "--allow-approximate"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/FAILED: 2 of 2 outputs[\s\S]*source: differs, as --allow-approximate allows/),
    });
  });
});

describe("rivulet verify --source", peer, () => {
  it("holds the model of a float16 source to the precision of float16, as convert does", async () => {
    const source = path.join(folder, "half.onnx");
    const nodes = [gruNode({ linear_before_reset: 1 }), ["Identity", ["Y"], ["y"]]] as const;
    writeFileSync(source, onnxFile({ half: true, weights: GRU_WEIGHTS, nodes }));
    expect(await cli(["convert", source, "-o", output])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/0\.01/),
    });
    expect(await cli(["verify", output, "--source", source])).toMatchObject({ code: 0 });
    expect(await cli(["verify", output, "--source", source, "--tolerance", "1e-5"])).toMatchObject({ code: 1 });
  });

  it("passes the model of a source, and fails one with exchanged gates", async () => {
    const source = casePath("torch-ts-2-layers-time-first");
    const right = await cli(["convert", source, "-o", output, "--no-run"]);
    expect(right.code).toBe(0);
    const passed = await cli(["verify", output, "--source", source]);
    expect(passed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/in onnxruntime .*: 1000 steps\n[\s\S]*passed/),
    });

    writeFileSync(output, swapGates(await loadModel(readFileSync(output))).bytes);
    const failed = await cli(["verify", output, "--source", source, "--json"]);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(/Differs from .*time-first\.onnx by more/) });
    expect(JSON.parse(failed.stdout)).toMatchObject({ source, onnxruntime: onnxruntime.version, passed: false });
  });

  it("refuses the source of another model", async () => {
    await cli(["convert", casePath("node-softmax"), "-o", output]);
    const { code, stderr } = await cli(["verify", output, "--source", casePath("torch-ts-cell")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/Has 3 inputs and 2 outputs, the model has 2 and 3; it is another/),
    });
  });
});
