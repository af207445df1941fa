// What `rivulet quantize` prints, line by line.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { serializeModel } from "../../../host/model/model.ts";
import { cli } from "../../support/cli.ts";
import { randomF32Model, withSelftest } from "../../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-quantize-text-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => path.join(folder, name);
const save = (name: string, content: string | Uint8Array) => {
  writeFileSync(at(name), content);
  return at(name);
};

const built = randomF32Model({ layers: [6], inputs: 2, outputs: 2, normalise: false });
const units = built.spec.outputs.map((output, i) => (i === 0 ? { ...output, name: "hot", unit: "°C" } : output));
const MODEL = save("m.safetensors", serializeModel({ ...built.spec, outputs: units }, built.tensors));
const rows = (count: number) => Array.from({ length: count }, (_, t) => `${2 * Math.sin(t)},${Math.cos(t / 9)}\n`);
const DATA = save("data.csv", `x0,x1\n${rows(50).join("")}`);

describe("the summary of rivulet quantize", () => {
  it("tells size, self-test, rounding and the error of each output", async () => {
    const { code, stdout } = await cli(["quantize", MODEL, "--calibrate", DATA, "-o", at("q")]);
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^\S+\/q: \S+@[0-9a-f]{8}, (\d+) bytes \(f32: (\d+), (\d+) %\)$/);
    const [, q15, f32, percent] = /, (\d+) bytes \(f32: (\d+), (\d+) %\)$/.exec(lines[0] ?? "") ?? [];
    expect(Number(percent)).toBe(Math.round((100 * Number(q15)) / Number(f32)));
    expect(lines[1]).toBe("self-test: none, the f32 model has none");
    expect(lines[2]).toMatch(
      /^weights: calibrated with 40 samples; scale by least error: \d+ of 38 rows differ from max; biases corrected for the mean rounding error; rounding errors compensated column by column$/,
    );
    expect(lines[3]).toBe("error of q15 against f32 over 50 samples (in % of the output's range):");
    expect(lines[4]).toMatch(/^ {2}hot +max \d\S* °C +0\.\d{3} % +rms \d\S* °C +0\.\d{3} %$/);
    expect(lines[5]).toMatch(/^ {2}y1 +max \d\S* +0\.\d{3} % +rms \d\S* +0\.\d{3} %$/);
    expect(lines.slice(6)).toEqual([""]);
  });

  it("says how weights are rounded without samples, or without regard to them", async () => {
    const ranges = ["--range", "x0=-2:2", "x1=-1:1"];
    const bare = await cli(["quantize", MODEL, ...ranges, "-o", at("q")]);
    expect(bare.stdout.split("\n").slice(1)).toEqual([
      "self-test: none, the f32 model has none",
      "weights: rounded to nearest; nothing was calibrated, give typical samples with --calibrate FILE",
      "",
    ]);
    const plain = await cli(["quantize", MODEL, "--calibrate", DATA, "--plain", "-o", at("q")]);
    expect(plain.stdout.split("\n")[2]).toBe("weights: rounded to nearest");
  });

  it("keeps the length of the self-test", async () => {
    const tested = save("tested", withSelftest(built, 7).bytes);
    const { stdout } = await cli(["quantize", tested, "--calibrate", DATA, "-o", at("q")]);
    expect(stdout.split("\n")[1]).toBe("self-test: 7 steps, exact");
  });

  it("calibrates with at most 8192 samples, never with the last fifth", async () => {
    const many = save("many.csv", `x0,x1\n${rows(12_000).join("")}`);
    const { stdout } = await cli(["quantize", MODEL, "--calibrate", many, "-o", at("q")]);
    expect(stdout).toContain("weights: calibrated with 8192 samples;");
    expect(stdout).toContain("over 12000 samples");
  });

  it("stops when it is told to, and writes nothing", async () => {
    const { code, stderr } = await cli(["quantize", MODEL, "--calibrate", DATA, "-o", at("stopped")], {
      signal: AbortSignal.abort(),
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: "error: Stopped before the end; nothing is written\n" });
  });

  it("tells which options of a report need samples", async () => {
    const ranges = ["--range", "x0=-2:2", "x1=-1:1", "-o", at("q")];
    for (const [flags, option] of [
      [["--report", at("r.html")], "--report"],
      [["--json"], "--json"],
      [["--held-out", DATA], "--held-out"],
      [["--held-out", DATA, "--json"], "--json"],
      [["--report", at("r.html"), "--json"], "--report"],
    ] as const) {
      const { code, stderr } = await cli(["quantize", MODEL, ...ranges, ...flags]);
      expect(code).toBe(2);
      expect(stderr).toContain(`error: ${option}: Expected samples to measure with, give them with --calibrate FILE`);
    }
    const stdin = await cli(["quantize", MODEL, "--calibrate", DATA, "--held-out", "-", "-o", at("q")]);
    expect(stdin.stderr).toContain("--held-out: Expected a file, not standard input");
  });

  it("measures a report on two samples, and not on one", async () => {
    const flags = ["--range", "x0=-2:2", "x1=-1:1", "--json", "-o", at("q")];
    const two = save("two.csv", `x0,x1\n${rows(2).join("")}`);
    const { stdout } = await cli(["quantize", MODEL, "--calibrate", two, ...flags]);
    expect(JSON.parse(stdout)).toMatchObject({ heldOutSource: "tail", steps: { calibration: 1, heldOut: 1 } });
    const one = save("one.csv", `x0,x1\n${rows(1).join("")}`);
    expect((await cli(["quantize", MODEL, "--calibrate", one, ...flags])).stderr).toContain("There is one sample");
    const held = await cli(["quantize", MODEL, "--calibrate", one, "--held-out", two, ...flags]);
    expect(JSON.parse(held.stdout)).toMatchObject({ heldOutSource: "file", steps: { calibration: 1, heldOut: 2 } });
    const none = save("none.csv", "x0,x1\n");
    const empty = await cli(["quantize", MODEL, "--calibrate", two, "--held-out", none, ...flags]);
    expect(empty.stderr).toContain(`${none}: There are no samples`);
  });
});
