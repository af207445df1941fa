import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { InputSpec, ModelSpec } from "../../host/model/types.ts";
import { loadModel, serializeModel } from "../../host/runtime/index.ts";
import { cli } from "../support/cli.ts";
import { randomF32Model, tensorOf } from "../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-quantize-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function save(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const random = randomF32Model({ layers: [8], inputs: 2, outputs: 2, normalise: false });
const withoutRanges: ModelSpec = {
  ...random.spec,
  inputs: random.spec.inputs.map(({ name }): InputSpec => ({ name })),
};
const MODEL = save("model.safetensors", serializeModel(withoutRanges, random.tensors));
const RANGED = save("ranged.safetensors", random.bytes);
const DATA = save(
  "data.csv",
  `x0,x1\n${Array.from({ length: 200 }, (_, t) => `${2 * Math.sin(t)},${Math.cos(t / 9)}\n`).join("")}`,
);

const read = (file: string) => loadModel(readFileSync(file));
const out = (name: string) => path.join(folder, name);

describe("rivulet quantize", () => {
  it("writes a q15 model that loads, and tells size and error", async () => {
    const output = out("calibrated.safetensors");
    const { code, stdout, stderr } = await cli(["quantize", MODEL, "--calibrate", DATA, "-o", output]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { spec, id, bytes } = await read(output);
    expect(spec.numeric).toBe("q15");
    expect(stdout).toContain(`${output}: ${id}, ${bytes} bytes (f32: `);
    expect(stdout).toMatch(/over 200 samples/);
    const errors = [...stdout.matchAll(/^ {2}y\d +max \S+ +(\S+) % {2}rms \S+ +(\S+) %$/gm)];
    expect(errors).toHaveLength(2);
    for (const [, max] of errors) expect(Number(max)).toBeLessThan(2);
  });

  it("tells how the weights were rounded", async () => {
    const [calibrated, plain] = [out("weights.safetensors"), out("plain.safetensors")];
    const tuned = await cli(["quantize", MODEL, "--calibrate", DATA, "-o", calibrated]);
    expect(tuned.stdout).toContain("weights: calibrated with 160 samples; scale by least error: ");
    const nearest = await cli(["quantize", MODEL, "--calibrate", DATA, "--plain", "-o", plain]);
    expect(nearest.stdout).toContain("weights: rounded to nearest\n");
    expect(readFileSync(plain)).not.toEqual(readFileSync(calibrated));
    const without = await cli(["quantize", RANGED, "--ranges", "model", "-o", out("uncalibrated.safetensors")]);
    expect(without.stdout).toContain("weights: rounded to nearest; nothing was calibrated, give typical samples");
  });

  it("chooses ranges by percentile and by error", async () => {
    const values = Array.from({ length: 5000 }, (_, t) => `${t === 9 ? 1000 : Math.sin(t)},${Math.cos(t / 9)}\n`);
    const data = save("outlier.csv", `x0,x1\n${values.join("")}`);
    const greatest = async (...flags: string[]) => {
      const output = out("method.safetensors");
      const { code } = await cli(["quantize", MODEL, "--calibrate", data, "--margin", "0", "-o", output, ...flags]);
      expect(code).toBe(0);
      return (await read(output)).spec.inputs[0]?.range?.[1];
    };
    expect(await greatest()).toBe(1000);
    expect(await greatest("--ranges", "percentile")).toBeLessThan(2);
    expect(await greatest("--ranges", "error")).toBe(1000);
  });

  it("takes the ranges from the calibration data, widened by the margin", async () => {
    const output = out("margin.safetensors");
    await cli(["quantize", MODEL, "--calibrate", DATA, "--margin", "0.5", "-o", output]);
    const [x0, x1] = (await read(output)).spec.inputs;
    expect(x0?.range?.[1]).toBeCloseTo(4, 2);
    expect(x1?.range?.[0]).toBeCloseTo(-2, 2);
  });

  it("prefers a range that is given to the data", async () => {
    const output = out("ranges.safetensors");
    await cli(["quantize", RANGED, "--range", "x0=-7:9", "--calibrate", DATA, "-o", output]);
    const [x0, x1] = (await read(output)).spec.inputs;
    expect(x0?.range).toEqual([-7, 9]);
    expect(x1?.range?.[1]).toBeCloseTo(1.2, 2);
  });

  it("takes the ranges of the model where that is asked for, with samples for the weights or without", async () => {
    const [plain, tuned] = [out("own.safetensors"), out("own-tuned.safetensors")];
    const own = random.spec.inputs.map(({ range }) => range);
    const ranges = async (file: string) => (await read(file)).spec.inputs.map(({ range }) => range);
    await cli(["quantize", RANGED, "--ranges", "model", "-o", plain]);
    expect(await ranges(plain)).toEqual(own);
    const { stdout } = await cli(["quantize", RANGED, "--ranges", "model", "--calibrate", DATA, "-o", tuned]);
    expect(stdout).toContain("weights: calibrated with 160 samples");
    expect(await ranges(tuned)).toEqual(own);
    await cli(["quantize", RANGED, "--ranges", "model", "--range", "x0=-7:9", "-o", plain]);
    expect(await ranges(plain)).toEqual([[-7, 9], own[1]]);
  });

  it("refuses to guess ranges, and says that the model carries some", async () => {
    const output = out("guess.safetensors");
    const { code, stdout, stderr } = await cli(["quantize", RANGED, "-o", output]);
    const message =
      'The ranges of inputs "x0", "x1" are not known; give typical samples with --calibrate FILE, ' +
      "or their ranges with --range x0=min:max x1=min:max, or take those that the model carries with --ranges model";
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: `error: ${message}\n` });
    expect(existsSync(output)).toBe(false);
  });

  it("puts test vectors in the file that every runtime must reproduce exactly", async () => {
    const samples = tensorOf("F32", [3, 2], [0, 0.5, 1, -0.5, 1e9, -2]);
    const spec = { ...random.spec, selftest: { steps: 3, tolerance: 1e9 } };
    const tensors = new Map(random.tensors)
      .set("selftest.input", samples)
      .set("selftest.output", tensorOf("F32", [3, 2], [0, 0, 0, 0, 0, 0]));
    const output = out("vectors.safetensors");
    const file = save("vectors-f32.safetensors", serializeModel(spec, tensors));
    const { stdout } = await cli(["quantize", file, "-o", output, "--range", "x0=-1:1", "x1=-99:99"]);
    expect(stdout).toContain("self-test: 3 steps, exact\n");
    const model = await read(output);
    const [x0, x1] = model.spec.inputs.map(({ fraction }) => 2 ** (fraction as number)) as [number, number];
    expect(x0).not.toBe(x1);
    // 1e9 is beyond the raw integers: clamped, as a host does.
    expect([...(model.tensors.get("selftest.input")?.data ?? [])]).toEqual([0, x1 / 2, x0, -x1 / 2, 2 ** 30, -2 * x1]);
  });

  it.each([
    [
      [],
      1,
      'The ranges of inputs "x0", "x1" are not known; give typical samples with --calibrate FILE, or their ranges with --range x0=min:max x1=min:max\n',
    ],
    [
      ["--range", "x0=-1:1"],
      1,
      'The range of input "x1" is not known; give typical samples with --calibrate FILE, or its',
    ],
    [["--ranges", "model"], 1, 'The ranges of inputs "x0", "x1" are not in the model; give typical samples'],
    [["--range", "x0=1:-1"], 2, "--range x0=1:-1: Expected name=min:max with min < max"],
    [["--range", "xo=-1:1"], 2, '--range xo=-1:1: The model has no input "xo"; did you mean x0?'],
    [["--calibrate", "-"], 2, "--calibrate: Expected a file; standard input cannot be read twice"],
    [["--ranges", "error"], 2, "--ranges error: Expected samples to choose from with --calibrate FILE"],
    [["--calibrate", save("empty.csv", "x0,x1\n")], 1, "empty.csv: There are no samples"],
    [
      ["--calibrate", save("bad.csv", "x0,x1\n1,2\n3,x\n")],
      1,
      'bad.csv:3: Column "x1" is "x", expected a decimal number',
    ],
    [["--calibrate", save("flat.csv", "x0,x1\n1,2\n3,2\n")], 1, 'Input "x1" is always 2 in the calibration data'],
  ])("refuses %j and writes nothing", async (flags, code, message) => {
    const output = out("refused.safetensors");
    const result = await cli(["quantize", MODEL, "-o", output, ...flags]);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(existsSync(output)).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("refuses a token that is not in the vocabulary", async () => {
    const file = save(
      "tokens.safetensors",
      randomF32Model({ layers: [4], embedding: { vocabulary: 20, size: 8 } }).bytes,
    );
    const data = save("tokens.csv", "x0\n3\n25\n");
    const { code, stderr } = await cli(["quantize", file, "--calibrate", data, "-o", out("tokens-q15.safetensors")]);
    const message = `${data}: Sample 2 is token 25, expected a whole number from 0 to 19`;
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error: ${message}\n` });
  });

  it("refuses a model that is quantized already", async () => {
    const output = out("once.safetensors");
    await cli(["quantize", RANGED, "--ranges", "model", "-o", output]);
    const { code, stderr } = await cli(["quantize", output, "-o", out("twice.safetensors")]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error: ${output}: Model is q15, expected f32\n` });
  });

  it("leaves no half-written file behind when the output cannot be written", async () => {
    const { code, stderr } = await cli(["quantize", RANGED, "-o", path.join(folder, "absent", "x.safetensors")]);
    expect(code).toBe(1);
    expect(stderr).toContain("x.safetensors: There is no folder ");
    expect((await cli(["quantize", RANGED, "-o", folder])).stderr).toBe(`error: ${folder}: Is not a regular file
`);
  });
});
