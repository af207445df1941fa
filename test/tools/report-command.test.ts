import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cli } from "../support/cli.ts";
import { randomF32Model } from "../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const out = (name: string) => path.join(folder, name);

function save(name: string, content: string | Uint8Array): string {
  writeFileSync(out(name), content);
  return out(name);
}

const rows = (count: number, phase: number) =>
  `x0,x1\n${Array.from({ length: count }, (_, t) => `${2 * Math.sin(t + phase)},${Math.cos(t / 9 + phase)}\n`).join("")}`;

const MODEL = save("model.safetensors", randomF32Model({ layers: [6], inputs: 2, outputs: 2, normalise: false }).bytes);
const DATA = save("data.csv", rows(200, 0));
const OTHER = save("other.csv", rows(90, 1));

const quantize = (...flags: string[]) => cli(["quantize", MODEL, "-o", out("q15.safetensors"), ...flags]);

describe("rivulet quantize --report", () => {
  it("writes a page, and prints the report behind the summary", async () => {
    const { code, stdout, stderr } = await quantize("--calibrate", DATA, "--report", out("page.html"));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readFileSync(out("page.html"), "utf8")).toContain("the last 40 samples of the calibration data");
    expect(stdout).toMatch(/over 200 samples.*\ndrift\n.*\nno warnings\n$/s);
  });

  it("prints JSON alone, with errors on held-out data", async () => {
    const { code, stdout } = await quantize("--calibrate", DATA, "--held-out", OTHER, "--json");
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ schema: 1, heldOutSource: "file", steps: { calibration: 200, heldOut: 90 } });
    expect(report.outputs[1].heldOut.rmsPercent).toBeLessThan(1);
    expect(report.plots).toBeUndefined();
  });

  it("refuses a report without samples", async () => {
    const { code, stderr } = await quantize("--range", "x0=-2:2", "x1=-1:1", "--report", out("none.html"));
    expect(code).toBe(2);
    expect(stderr).toContain("--report: Expected samples to measure with, give them with --calibrate FILE");
    expect(existsSync(out("none.html"))).toBe(false);
  });

  it("names the file when held-out data is bad, and writes nothing", async () => {
    const bad = save("bad.csv", "x0,x1\n1,oops\n");
    const output = out("unwritten.safetensors");
    const { code, stderr } = await cli(["quantize", MODEL, "--calibrate", DATA, "--held-out", bad, "-o", output]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${bad}:2`);
    expect(existsSync(output)).toBe(false);
  });

  it("refuses one sample, which cannot be split", async () => {
    const one = save("one.csv", "x0,x1\n1,0.5\n");
    const { code, stderr } = await quantize("--calibrate", one, "--range", "x0=-2:2", "x1=-1:1", "--json");
    expect(code).toBe(1);
    expect(stderr).toContain(`${one}: There is one sample, a report needs two; give more, or --held-out FILE`);
  });
});
