import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { createRuntime } from "../../host/runtime/index.ts";
import { cli } from "../support/cli.ts";
import { randomF32Model, randomQ15Model } from "../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-predict-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const f32 = randomF32Model({ layers: [8], inputs: 2, outputs: 2, skip: 3 });
const q15 = randomQ15Model({ layers: [8], inputs: 2, outputs: 2 });
const MODEL = save("f32.safetensors", f32.bytes);
const Q15_MODEL = save("q15.safetensors", q15.bytes);

const SAMPLES = Array.from({ length: 40 }, (_, t) => [Math.sin(t), 10 * Math.cos(t)]);
const NDJSON = SAMPLES.map((sample) => `${JSON.stringify(sample)}\n`).join("");
const CSV = `t,x1,x0\n${SAMPLES.map(([x0, x1], t) => `${t},${x1},${x0}\n`).join("")}`;

function save(name: string, content: string | Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

const parseLines = (text: string): number[][] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** What a session of the library predicts. */
function expectedOf({ model }: typeof f32): number[][] {
  const session = createRuntime(model).createSession();
  return SAMPLES.map((sample) => [...session.step(sample)]);
}

describe("rivulet predict", () => {
  it("answers each line with a line of the bits that the library computes", async () => {
    const { code, stdout, stderr } = await cli(["predict", MODEL], { stdin: NDJSON });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(parseLines(stdout).map((row) => row.map(Math.fround))).toEqual(expectedOf(f32));
  });

  it("prints the exact values of a q15 model", async () => {
    const { stdout } = await cli(["predict", Q15_MODEL], { stdin: NDJSON });
    expect(parseLines(stdout)).toEqual(expectedOf(q15));
  });

  it.each(["f32", "q15"] as const)("writes residuals when asked, in %s", async (numeric) => {
    const make = numeric === "f32" ? randomF32Model : randomQ15Model;
    const built = make({ layers: [8], inputs: 2, outputs: 3, horizon: 2 });
    const file = save(`forecaster-${numeric}.safetensors`, built.bytes);
    const state = path.join(folder, `forecaster-${numeric}.state`);
    const session = createRuntime(built.model).createSession();
    const exact = (values: readonly (number | null)[]) =>
      values.map((value) => (value === null || numeric === "q15" ? value : Math.fround(value)));
    let seen = 0;
    // The second call goes on where the first one stopped.
    for (const part of [SAMPLES.slice(0, 7), SAMPLES.slice(7)]) {
      const stdin = part.map((sample) => `${JSON.stringify(sample)}\n`).join("");
      const { stdout } = await cli(["predict", file, "--residuals", "--state", state], { stdin });
      const lines = stdout.trimEnd().split("\n");
      expect(lines).toHaveLength(part.length);
      part.forEach((sample, t) => {
        const prediction = [...session.step(sample)];
        const { expected, residual } = session;
        const line = JSON.parse(lines[t]!);
        expect(Object.keys(line)).toEqual(["prediction", "expected", "residual"]);
        expect([line.prediction, line.expected, line.residual].map(exact)).toEqual([prediction, expected, residual]);
        expect(residual[0] === null).toBe(seen++ < 2);
        expect(residual[2]).toBeNull();
      });
    }
  });

  it("reads a CSV file as it reads NDJSON", async () => {
    const { stdout } = await cli(["predict", MODEL], { stdin: NDJSON });
    expect(await cli(["predict", MODEL, save("samples.csv", CSV)])).toEqual({ code: 0, stdout, stderr: "" });
  });

  it("computes the same without SIMD", async () => {
    const { stdout } = await cli(["predict", MODEL], { stdin: NDJSON });
    expect((await cli(["predict", MODEL, "--no-simd"], { stdin: NDJSON })).stdout).toBe(stdout);
  });

  it("runs an f32 model in q15 by the ranges that it holds", async () => {
    const { code, stdout } = await cli(["predict", MODEL, "--numeric", "q15"], { stdin: "[0,0]\n" });
    expect({ code, rows: parseLines(stdout).length }).toEqual({ code: 0, rows: 1 });
  });

  it("refuses to run a q15 model in f32", async () => {
    const { code, stderr } = await cli(["predict", Q15_MODEL, "--numeric", "f32"], { stdin: NDJSON });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: Model random@\w{8} is quantized; for f32, use the model that it was made from\n$/);
  });

  it("answers each line as it arrives", async () => {
    const stdin = new PassThrough();
    let asked = 0;
    // The next line comes only when the one before it is answered.
    const ask = () => (asked < 3 ? stdin.write(`${JSON.stringify(SAMPLES[asked++])}\n`) : stdin.end());
    ask();
    const { stdout } = await cli(["predict", MODEL], { stdin, onOutput: ask });
    expect(parseLines(stdout)).toHaveLength(3);
  });

  it("names the line of a bad row after answering the rows before it", async () => {
    const { code, stdout, stderr } = await cli(["predict", MODEL], { stdin: "[1,2]\n[3,4]\n[5]\n[6,7]\n" });
    expect(code).toBe(1);
    expect(stderr).toBe("error: stdin:3: Sample has 1 values, the model has 2 inputs: x0, x1\n");
    expect(parseLines(stdout)).toHaveLength(2);
  });

  it.each([
    [["predict", "absent.safetensors"], "error: absent.safetensors: No such file or directory (ENOENT)\n"],
    [["predict", MODEL, "absent.csv"], "error: absent.csv: No such file or directory (ENOENT)\n"],
    [["predict", MODEL, folder], `error: ${folder}: Is a directory, expected a file\n`],
  ])("tells of a missing file without a stack trace: %j", async (argv, stderr) => {
    expect(await cli(argv)).toEqual({ code: 1, stdout: "", stderr });
  });

  it("names the file of a malformed model", async () => {
    const file = save("cut.safetensors", f32.bytes.subarray(0, -1));
    const { code, stderr } = await cli(["predict", file]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: .*cut\.safetensors: .+\n$/);
  });
});

describe("rivulet predict on windows", () => {
  const SPLIT = NDJSON.indexOf("\n", NDJSON.length / 2) + 1;

  it.each([
    ["--reset-every", { reset: { every: 24 } }],
    ["--overlap", { overlap: { window: 24 } }],
  ])("answers as a session of the library does, and goes on from a state: %s", async (flag, windows) => {
    const state = path.join(folder, `windows${flag}.state`);
    const args = ["predict", MODEL, flag, "24", "--state", state];
    const first = await cli(args, { stdin: NDJSON.slice(0, SPLIT) });
    const second = await cli(args, { stdin: NDJSON.slice(SPLIT) });
    const session = createRuntime(f32.model).createSession(windows);
    const lines = parseLines(first.stdout + second.stdout);
    expect(lines.map((line) => line.map(Math.fround))).toEqual(SAMPLES.map((sample) => [...session.step(sample)]));
    const { code, stderr } = await cli(["predict", MODEL, "--state", state], { stdin: NDJSON });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("Snapshot is of a session with windows; say the same"),
    });
  });

  it("takes one of the two flags, with a length", async () => {
    expect(await cli(["predict", MODEL, "--overlap", "3", "--reset-every", "3"], { stdin: NDJSON })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'--reset-every <n>' cannot be used with option '--overlap <n>'"),
    });
    expect(await cli(["predict", MODEL, "--overlap", "4097"], { stdin: NDJSON })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("Expected an integer from 1 to 4096."),
    });
  });
});

describe("rivulet predict --state", () => {
  it("continues where the last call ended", async () => {
    const state = path.join(folder, "continued.state");
    const { stdout: whole } = await cli(["predict", MODEL], { stdin: NDJSON });
    const split = NDJSON.indexOf("\n", NDJSON.length / 2) + 1;
    const first = await cli(["predict", MODEL, "--state", state], { stdin: NDJSON.slice(0, split) });
    const second = await cli(["predict", MODEL, "--state", state], { stdin: NDJSON.slice(split) });
    expect(first.stdout + second.stdout).toBe(whole);
    expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
  });

  it("keeps the state of the rows before a bad one", async () => {
    const [bad, good] = [path.join(folder, "bad.state"), path.join(folder, "good.state")];
    expect((await cli(["predict", MODEL, "--state", bad], { stdin: "[1,2]\n[3]\n" })).code).toBe(1);
    await cli(["predict", MODEL, "--state", good], { stdin: "[1,2]\n" });
    expect(readFileSync(bad)).toEqual(readFileSync(good));
  });

  it("saves the state when the user stops it, and exits with 0", async () => {
    const [stopped, whole] = [path.join(folder, "stopped.state"), path.join(folder, "whole.state")];
    const stop = new AbortController();
    const stdin = new PassThrough();
    stdin.write("[1,2]\n[3");
    const { code, stdout } = await cli(["predict", MODEL, "--state", stopped], {
      stdin,
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    expect({ code, rows: parseLines(stdout).length }).toEqual({ code: 0, rows: 1 });
    await cli(["predict", MODEL, "--state", whole], { stdin: "[1,2]\n" });
    expect(readFileSync(stopped)).toEqual(readFileSync(whole));
  });

  it("refuses the state of another model, and leaves it alone", async () => {
    const state = path.join(folder, "other.state");
    await cli(["predict", Q15_MODEL, "--state", state], { stdin: NDJSON });
    const before = readFileSync(state);
    const { code, stdout, stderr } = await cli(["predict", MODEL, "--state", state], { stdin: NDJSON });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^error: .*other\.state: Snapshot belongs to the model with hash \w+…, this is \w+…; to begin anew, name another file\n$/,
    );
    expect(readFileSync(state)).toEqual(before);
  });

  it("refuses a state that could not be saved, before the first prediction", async () => {
    const state = path.join(folder, "absent", "x.state");
    expect(await cli(["predict", MODEL, "--state", state], { stdin: NDJSON })).toEqual({
      code: 1,
      stdout: "",
      stderr: `error: ${state}: There is no folder ${path.dirname(state)}\n`,
    });
  });

  it("refuses a damaged state", async () => {
    const { code, stderr } = await cli(["predict", MODEL, "--state", save("junk.state", "junk")], { stdin: NDJSON });
    expect(code).toBe(1);
    expect(stderr).toContain("junk.state: Snapshot has 4 bytes");
  });
});
