import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseModel } from "../../../host/model/model.ts";
import { cli } from "../../support/cli.ts";
import { gaussian, mulberry32 } from "../../support/random.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-train-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Two readings a row, one an autoregression, the other its echo two rows later; an hour apart. */
async function readings(name: string, rows: number, header = "time,flow,heat"): Promise<string> {
  const random = mulberry32(3);
  const flow: number[] = [0, 0];
  const lines = Array.from({ length: rows }, (_, t) => {
    flow.push(1.6 * (flow.at(-1) as number) - 0.8 * (flow.at(-2) as number) + gaussian(random));
    const time = new Date(Date.UTC(2024, 0, 1) + 3_600_000 * t).toISOString();
    const heat = 40 + 3 * (flow.at(-3) as number) + 0.1 * gaussian(random);
    return `${time},${(100 + (flow.at(-1) as number)).toFixed(3)},${heat.toFixed(3)}`;
  });
  const path = join(folder, name);
  await writeFile(path, `${[header, ...lines].join("\n")}\n`);
  return path;
}

const modelAt = async (path: string) => parseModel(await readFile(path));

describe("rivulet train --linear", () => {
  it("writes a model with all that a deployment needs", async () => {
    const data = await readings("pump.csv", 1200);
    const output = join(folder, "pump.safetensors");
    const { code, stderr } = await cli(["train", data, "-o", output, "--linear"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { spec, detector } = await modelAt(output);
    expect(spec).toMatchObject({
      name: "pump",
      numeric: "f32",
      inputs: [{ name: "flow" }, { name: "heat" }],
      outputs: [
        { name: "next_flow", forecasts: "flow" },
        { name: "next_heat", forecasts: "heat" },
      ],
      interval: 3600,
      selftest: { steps: 64 },
      provenance: { data: "pump.csv", rows: "1200" },
    });
    expect(detector).toBeDefined();
    expect(spec.warmup).toBe((spec.skip?.length ?? 0) - 1);
    expect((await cli(["inspect", output])).stdout).toMatch(/self-test\n {2}passed/);
  });

  it("finds the law behind the readings: its errors are the noise", async () => {
    const output = join(folder, "pump.safetensors");
    await cli(["train", await readings("pump.csv", 4000), "-o", output, "--linear"]);
    const [own, ...others] = (await modelAt(output)).spec.skill?.table ?? [];
    expect(others.map(({ name }) => name)).toEqual(["last value", "seasonal last value", "ridge AR"]);
    const [flow, heat] = own?.rmse ?? [];
    expect(flow).toBeGreaterThan(0.93);
    expect(flow).toBeLessThan(1.07);
    // The echo is known but for its own noise: three times that of the readings' last digits, and that of the column.
    expect(heat).toBeLessThan(0.13);
    expect(others[0]?.rmse?.[1]).toBeGreaterThan(3);
  });

  it("forecasts several steps ahead", async () => {
    const output = join(folder, "far.safetensors");
    await cli([
      "train",
      await readings("pump.csv", 1500),
      "-o",
      output,
      "--linear",
      "--horizon",
      "1,3",
      "--targets",
      "flow",
    ]);
    const { spec } = await modelAt(output);
    expect(spec.outputs).toEqual([{ name: "next_flow", forecasts: "flow" }, { name: "flow_in_3" }]);
    const [near, far] = spec.skill?.table[0]?.rmse ?? [];
    expect(far).toBeGreaterThan(1.5 * (near as number));
  });

  it("tells a column by the others", async () => {
    const output = join(folder, "heat.safetensors");
    const { code } = await cli([
      ...["train", await readings("pump.csv", 1500), "-o", output, "--linear"],
      ...["--task", "regress", "--label", "heat"],
    ]);
    const { spec } = await modelAt(output);
    expect({ code, outputs: spec.outputs, inputs: spec.inputs.map(({ name }) => name) }).toEqual({
      code: 0,
      outputs: [{ name: "heat" }],
      inputs: ["flow"],
    });
    expect(spec.skill?.table[0]?.rmse?.[0]).toBeLessThan(0.13);
  });

  it("makes the same file of the same data", async () => {
    const data = await readings("pump.csv", 900);
    const files = ["a", "b"].map((name) => join(folder, name, "pump.safetensors"));
    const bytes: Buffer[] = [];
    for (const file of files) {
      const output = join(folder, "pump.safetensors");
      expect((await cli(["train", data, "-o", output, "--linear"])).code, file).toBe(0);
      bytes.push(await readFile(output));
    }
    expect(bytes[0]?.equals(bytes[1] as Buffer)).toBe(true);
  });

  it("says when a simpler forecast did better", async () => {
    const random = mulberry32(5);
    // Until row 1700 a walk that returns to its middle, then one that does not.
    let value = 0;
    const lines = Array.from({ length: 2000 }, (_, t) => {
      value = (t < 1700 ? 0.5 : 1) * value + gaussian(random) + (t < 1700 ? 0 : 0.5);
      return value.toFixed(3);
    });
    const data = join(folder, "walk.csv");
    await writeFile(data, `${["level", ...lines].join("\n")}\n`);
    const { stdout } = await cli(["train", data, "-o", join(folder, "walk.safetensors"), "--linear"]);
    expect(stdout).toMatch(/warning: on held-out rows "last value" did \d+ % better than the model/);
    expect(stdout).toContain("detector: none, how far rows are apart is not known");
  });

  it("measures against a season longer than what a model needs to warm up", async () => {
    const random = mulberry32(9);
    const lines = Array.from({ length: 6000 }, (_, t) => {
      const level = Math.sin((2 * Math.PI * t) / 1440) + 0.1 * gaussian(random);
      return `${1714521600 + 60 * t},${level.toFixed(4)}`;
    });
    const data = join(folder, "days.csv");
    await writeFile(data, `${["time,level", ...lines].join("\n")}\n`);
    const { stdout } = await cli(["train", data, "-o", join(folder, "days.safetensors"), "--linear"]);
    expect(stdout).toContain("season: 1440 rows");
    // All held-out steps are answered by all: 15 % of the rows, but for the one whose answer is behind the end.
    expect((await modelAt(join(folder, "days.safetensors"))).spec.skill?.rows).toBe(899);
  });

  it("refuses a season that lies before no held-out row", async () => {
    const data = await readings("pump.csv", 400);
    const flags = ["--linear", "--season", "390"];
    const { code, stderr } = await cli(["train", data, "-o", join(folder, "pump.safetensors"), ...flags]);
    expect(code).toBe(1);
    expect(stderr).toContain("--season: 390 rows are more than lie before any held-out row");
  });

  it("writes its result as JSON", async () => {
    const output = join(folder, "pump.safetensors");
    const { stdout } = await cli(["train", await readings("pump.csv", 1200), "-o", output, "--linear", "--json"]);
    const { id, skill } = JSON.parse(stdout);
    const model = await modelAt(output);
    expect({ id, skill }).toEqual({ id: model.id, skill: model.spec.skill });
  });

  it.each([
    ["too few rows", 60, [], /60 rows, the longest stretch without a gap has 60; at least 114 in a row are needed/],
    ["a horizon beyond the data", 400, ["--horizon", "90"], /at least 707 in a row are needed at a horizon of 90/],
    ["a missing column", 400, ["--inputs", "flow,dew"], /dew/],
    ["an unknown task", 400, ["--task", "guess"], /--task: Found guess, expected forecast or regress/],
    ["regress without a label", 400, ["--task", "regress"], /Name the column that is to be told with --label/],
    ["a label of a forecast", 400, ["--label", "heat"], /--label: A forecast has targets/],
    ["a time that is an input", 400, ["--inputs", "flow", "--time", "flow"], /--time: "flow" is an input, too/],
  ])("refuses %s and writes nothing", async (_, rows, flags, message) => {
    const data = await readings("pump.csv", rows);
    const { code, stderr } = await cli(["train", data, "-o", join(folder, "pump.safetensors"), ...flags]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
    expect(await readdir(folder)).toEqual(["pump.csv"]);
  });

  it("refuses a column that never changes", async () => {
    const data = join(folder, "still.csv");
    const lines = Array.from({ length: 300 }, (_, t) => `${Math.sin(t)},7`);
    await writeFile(data, `${["flow,valve", ...lines].join("\n")}\n`);
    const { code, stderr } = await cli(["train", data, "-o", join(folder, "still.safetensors")]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /Column "valve" is always 7 in the \d+ rows that are learned from; leave it out with --inputs/,
    );
  });
});
