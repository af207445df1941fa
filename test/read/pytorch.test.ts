// The PyTorch reader against PyTorch. tools/training/conformance/pytorch.py writes test/vectors/pytorch.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { createRuntime, loadModel } from "../../host/runtime/index.ts";
import { compareWithReference } from "../../tools/verify/compare.ts";
import { readReference } from "../../tools/verify/reference.ts";
import { cli } from "../support/cli.ts";
import { distances } from "../support/distance.ts";

interface Case {
  readonly name: string;
  readonly source: string;
  readonly args: readonly string[];
  readonly map?: string;
}

const vectors = fileURLToPath(new URL("../vectors/pytorch/", import.meta.url));
const { cases }: { cases: readonly Case[] } = JSON.parse(readFileSync(path.join(vectors, "index.json"), "utf8"));

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-pytorch-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const out = (name: string) => path.join(folder, name);

/** Arguments of the command line that convert a case into `output`. */
function convertArgs({ name, source, args, map }: Case, output: string): string[] {
  const mapFile = out(`${name}.yaml`);
  if (map !== undefined) writeFileSync(mapFile, map);
  return [
    "convert",
    path.join(vectors, source),
    "-o",
    output,
    ...args,
    ...(map === undefined ? [] : ["--map", mapFile]),
  ];
}

describe("rivulet convert of a PyTorch model", () => {
  it.each(cases)("computes the answers of PyTorch: $name", async (testCase) => {
    const output = out(`${testCase.name}.safetensors`);
    const { code, stderr } = await cli(convertArgs(testCase, output));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const model = await loadModel(readFileSync(output));
    const reference = readFileSync(path.join(vectors, `${testCase.name}.npz`));
    const comparison = compareWithReference(createRuntime(model), readReference(reference, testCase.name, model.spec));
    expect(comparison.compared).toBe(40);
    for (const { error } of comparison.outputs) expect(error).toBeLessThanOrEqual(0.2); // of what rounding explains
    let [source, cell, signal] = [0, 0, 0];
    for (const { inputs, outputs } of readReference(reference, testCase.name, model.spec)) {
      const found = distances(model, inputs, outputs);
      [source, cell, signal] = [source + found.source ** 2, cell + found.cell ** 2, signal + found.signal ** 2];
    }
    // From double precision, the cell is at most twice as far as PyTorch; three roundings of the signal are allowed in any case.
    expect(Math.sqrt(cell)).toBeLessThanOrEqual(Math.max(2 * Math.sqrt(source), 3 * 2 ** -24 * Math.sqrt(signal)));
  });

  it("tells what it made of the source, and keeps the reference as self-test", async () => {
    const head = cases.find(({ name }) => name === "head-data-parallel") as Case;
    const output = out("named.safetensors");
    const reference = path.join(vectors, "head-data-parallel.npz");
    const names = ["--name", "pump", "--inputs", "speed", "--outputs", "risk", "--reference", reference];
    const { code, stdout } = await cli([...convertArgs(head, output), ...names]);
    expect(code).toBe(0);
    expect(stdout).toContain("network: 1 inputs → gru 8 reset-after → gru 8 reset-after → dense 1 sigmoid\n");
    expect(stdout).toContain("self-test: 40 steps\n");
    const { spec } = await loadModel(readFileSync(output));
    expect(spec).toMatchObject({ name: "pump", inputs: [{ name: "speed" }], outputs: [{ name: "risk" }] });
    expect(spec.provenance).toMatchObject({ framework: "PyTorch", source: "head-data-parallel.pt" });
  });

  it("writes nothing when the model differs from its reference", async () => {
    const head = cases.find(({ name }) => name === "head-data-parallel") as Case;
    const output = out("differs.safetensors");
    const args = convertArgs(head, output).map((arg) => (arg === "fc=sigmoid" ? "fc=tanh" : arg));
    const { code, stderr } = await cli([...args, "--reference", path.join(vectors, "head-data-parallel.npz")]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/does not compute what the source does/),
    });
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

/** The message that converting a file of the vectors ends with. */
async function refusal(file: string, ...args: string[]): Promise<string> {
  const output = out("refused.safetensors");
  const { code, stderr } = await cli(["convert", path.join(vectors, file), "-o", output, ...args]);
  expect({ failed: code !== 0, written: existsSync(output), lines: stderr.split("\n").length }).toEqual({
    failed: true,
    written: false,
    lines: 2,
  });
  return stderr;
}

describe("what a state dict does not say", () => {
  const answers = (name: string) => ["--reference", path.join(vectors, `${name}.npz`)];

  it("is asked for at once, with the whole command line to copy", async () => {
    const text = await refusal("head-data-parallel.pt", "--name", "pump", "--inputs", "motor speed");
    expect(text).toContain("in which order the layers stand (--layers gru,fc or --layers fc,gru fit)");
    expect(text).toContain("what follows gru, fc: nothing (linear), or an activation (relu, ");
    const source = path.join(vectors, "head-data-parallel.pt");
    const end = `rivulet convert ${source} -o ${out("refused.safetensors")} --name pump --inputs 'motor speed' --layers gru,fc --activation gru=linear fc=linear\n`;
    expect(text.endsWith(end)).toBe(true);
  });

  it("is asked for: what stands between a GRU and a linear layer", async () => {
    expect(await refusal("relu-between.safetensors", "--layers", "gru,fc")).toMatch(/what follows fc:/);
    expect(await refusal("weight-norm.pt", "--activation", "fc=linear")).toMatch(
      /what follows gru: .*--activation gru=linear fc=linear\n$/,
    );
  });

  it("is asked for: whether a square matrix is an embedding", async () => {
    expect(await refusal("embedding-square.safetensors")).toMatch(
      /--layers emb:embedding,gru or --layers gru,emb or --layers emb,gru fit/,
    );
  });

  it("is asked for: which of two dictionaries", async () => {
    expect(await refusal("two-dictionaries.pt")).toMatch(/weights under model and ema; .*--weights model\n/);
    expect(await refusal("two-dictionaries.pt", "--weights", "best")).toMatch(
      /Found "best", expected one of model, ema/,
    );
  });

  it.each([
    ["relu-between", "--layers gru,fc --activation gru=relu fc=linear"],
    ["batch-norm", "--layers gru,bn.norm,fc --activation gru=linear bn.norm=relu fc=linear"],
    ["head-data-parallel", "--layers gru,fc --activation gru=linear fc=sigmoid"],
    ["embedding-square", "--layers emb:embedding,gru --activation emb=linear gru=linear"],
    ["two-dictionaries", "--weights ema --layers gru,fc --activation gru=linear fc=linear"],
  ])("is told by a reference: %s", async (name, options) => {
    const { source } = cases.find((one) => one.name === name) as Case;
    const { code, stdout, stderr } = await cli([
      "convert",
      path.join(vectors, source),
      "-o",
      out(`told-${name}.safetensors`),
      ...answers(name),
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`As the reference tells: ${options}\n`);
  });

  it("is not taken from a reference of another model", async () => {
    expect(await refusal("relu-between.safetensors", ...answers("tutorial-wz-wr-w"))).toMatch(/"outputs" has shape/);
    expect(await refusal("weight-norm.pt", ...answers("trainer"))).toMatch(
      /does not compute what the source does, in none of the \d+ ways to put its layers together\. The closest/,
    );
  });

  it("is asked for when a reference cannot tell", async () => {
    const reference = out("positive.json");
    const { inputs, outputs } = { inputs: [[0], [0]], outputs: [[0.5], [0.5]] };
    writeFileSync(reference, JSON.stringify({ inputs, outputs }));
    const text = await refusal("relu-between.safetensors", "--reference", reference);
    expect(text).toMatch(/does not compute|Does not tell/);
  });

  it("is refused when it does not fit", async () => {
    expect(await refusal("weight-norm.pt", "--activation", "lstm=tanh")).toMatch(/NAME one of gru, fc/);
    expect(await refusal("weight-norm.pt", "--activation", "fc=swishy")).toMatch(/linear\|relu/);
    expect(await refusal("weight-norm.pt", "--activation", "gru=softmax", "fc=linear")).toMatch(
      /behind the last layer/,
    );
    expect(await refusal("weight-norm.pt", "--layers", "fc,gru")).toMatch(/fc gives 2 values, gru takes 3/);
    expect(await refusal("weight-norm.pt", "--layers", "gru")).toMatch(/fc is missing/);
    expect(await refusal("weight-norm.pt", "--layers", "gru,gru,fc")).toMatch(/stands twice/);
    expect(await refusal("weight-norm.pt", "--layers", "gru,head")).toMatch(/Found "head", expected .* gru, fc/);
    expect(await refusal("gru-3x5.pt", "--inputs", "a,b")).toMatch(/--inputs: Found 2 names, the model has 3/);
    expect(await refusal("gru-3x5.pt", "--config", "x.json")).toMatch(/--config: Not for PyTorch models/);
  });
});

describe("a model that cannot be converted", () => {
  it.each([
    ["bidirectional", /gru is bidirectional \(weight_ih_l0_reverse\).*bidirectional=False/],
    ["lstm", /is an LSTM \(12 rows for 3 units\)/],
    ["rnn", /is a plain RNN/],
    ["layernorm", /norm \(norm\.weight \[3\], norm\.bias \[3\]\) is nn\.LayerNorm .*BatchNorm1d/],
    ["conv", /conv \(conv\.weight \[3, 2, 3\], .* is nn\.Conv1d: a convolution needs a window/],
    ["attention", /look \(look\.in_proj_weight .* is nn\.MultiheadAttention: .*train without it/],
    ["legacy", /before PyTorch 1\.6/],
    [
      "whole-model",
      /an object of the class torch\.nn\.modules\.rnn\.GRU, whose code is not in the file.*model\.state_dict\(\)/,
    ],
    ["quantized", /quantize_dynamic\?\); convert the float model/],
  ])("is named: %s", async (name, text) => {
    expect(await refusal(`refused-${name}.pt`)).toMatch(text);
  });
});
