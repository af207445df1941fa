// `rivulet train --from`: a model that is there, fitted to other readings.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../../host/model/model.ts";
import { cli } from "../../support/cli.ts";
import { gaussian, mulberry32 } from "../../support/random.ts";

let folder: string;
const file = (name: string) => join(folder, name);

/** A quadratic map with a bend of its own, as a machine with another gain and zero reports it. */
async function writeMap(name: string, rows: number, { bend = 1.6, gain = 1, zero = 0, seed = 11 } = {}): Promise<void> {
  const random = mulberry32(seed);
  let level = 0.3;
  const lines = Array.from({ length: rows }, (_, t) => {
    level = Math.max(-0.99, Math.min(1, 1 - bend * level * level + 0.02 * gaussian(random)));
    return `${1714521600 + 60 * t},${(gain * level + zero).toFixed(4)},${t % 7}`;
  });
  await writeFile(file(name), `${["time,level,phase", ...lines].join("\n")}\n`);
}

const tune = async (data: string, ...flags: string[]) =>
  await cli(["train", file(data), "--from", file("fleet.safetensors"), "-o", file("own.safetensors"), ...flags]);
const model = async (name: string) => parseModel(await readFile(file(name)));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-tune-"));
  await writeMap("fleet.csv", 1500);
  await writeMap("moved.csv", 700, { gain: 40, zero: 300, seed: 5 });
  await writeMap("bent.csv", 900, { bend: 1.3, seed: 6 });
  const flags = ["--inputs", "level", "--hidden", "8", "--restarts", "0"];
  const made = await cli(["train", file("fleet.csv"), "-o", file("fleet.safetensors"), ...flags]);
  expect(made).toMatchObject({ code: 0, stderr: "" });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("rivulet train --from", () => {
  it("learns all weights further where that is better, and says what it comes from", async () => {
    const { code, stdout, stderr } = await tune("bent.csv");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /\ntuned: all weights, \d+ rounds\nmodel: that of fleet.safetensors, tuned; squared error \d/,
    );
    const [before, own] = [await model("fleet.safetensors"), await model("own.safetensors")];
    expect(own.spec.provenance).toMatchObject({ tuned_from: before.id, data: "bent.csv" });
    expect(own.spec.skill?.table.map(({ name }) => name).slice(0, 2)).toEqual(["model, tuned", "model before"]);
    const [tuned, old] = own.spec.skill?.table ?? [];
    expect(tuned?.rmse?.[0]).toBeLessThan(0.8 * (old?.rmse?.[0] as number));
    expect(own.spec.layers).toEqual(before.spec.layers);
    expect((await cli(["inspect", file("own.safetensors")])).stdout).toMatch(/self-test\n {2}passed/);
  });

  it("leaves the GRU alone with --only head", async () => {
    const { stdout } = await tune("bent.csv", "--only", "head");
    expect(stdout).toContain("tuned: the layers behind the last GRU");
    const [before, own] = [await model("fleet.safetensors"), await model("own.safetensors")];
    const isSame = (name: string) =>
      Buffer.from(own.tensors.get(name)?.data.buffer as ArrayBuffer).equals(
        Buffer.from(before.tensors.get(name)?.data.buffer as ArrayBuffer),
      );
    expect(["layers.0.W", "layers.0.U", "layers.0.b", "layers.0.c"].map(isSame)).toEqual([true, true, true, true]);
    expect(isSame("layers.1.W")).toBe(false);
  });

  it("makes offsets and scales those of the data with --only calibration, and learns nothing", async () => {
    const { stdout } = await tune("moved.csv", "--only", "calibration");
    expect(stdout).toContain("model: that of fleet.safetensors, normalised anew; squared error ");
    const own = await model("own.safetensors");
    const [anew, old] = own.spec.skill?.table ?? [];
    expect(anew?.rmse?.[0]).toBeLessThan(0.2 * (old?.rmse?.[0] as number));
    const before = await model("fleet.safetensors");
    expect(own.tensors.get("layers.0.U")).toEqual(before.tensors.get("layers.0.U"));
    expect(own.tensors.get("input.offset")?.data[0]).toBeGreaterThan(280);
    expect(own.spec.inputs[0]?.range?.[1]).toBeGreaterThan(330);
  });

  it("keeps the model as it was where tuning does not help, with a detector of the data", async () => {
    await writeMap("same.csv", 900, { seed: 21 });
    const { stdout } = await tune("same.csv", "--only", "calibration");
    expect(stdout).toMatch(/model: that of fleet.safetensors as it was; normalised anew: squared error 1\d\d\.\d %/);
    const [before, own] = [await model("fleet.safetensors"), await model("own.safetensors")];
    expect(own.tensors.get("input.offset")).toEqual(before.tensors.get("input.offset"));
    expect(own.spec.skill?.table.map(({ name }) => name).slice(0, 2)).toEqual([
      "model",
      "model, normalised anew, not kept",
    ]);
    expect(own.detector).toBeDefined();
  });

  it("takes a label for a model with one output that forecasts nothing", async () => {
    const { spec, tensors } = await model("fleet.safetensors");
    const { detector: _, selftest: __, skill: ___, ...bare } = { ...spec, outputs: [{ name: "phase_now" }] };
    const kept = new Map([...tensors].filter(([name]) => !name.startsWith("selftest.")));
    await writeFile(file("plain.safetensors"), serializeModel(bare, kept));
    const from = ["--from", file("plain.safetensors"), "-o", file("own.safetensors"), "--budget", "5"];
    expect((await cli(["train", file("fleet.csv"), ...from])).stderr).toBe(
      `error: ${file("plain.safetensors")}: Output "phase_now" does not say which input it forecasts; --label COLUMN names the column that it tells\n`,
    );
    const told = await cli(["train", file("fleet.csv"), ...from, "--label", "phase"]);
    expect(told).toMatchObject({ code: 0, stderr: "" });
    expect((await model("own.safetensors")).spec.outputs).toMatchObject([{ name: "phase_now" }]);
  });

  it.each<[readonly string[], string]>([
    [["--hidden", "8"], "--hidden: Does not go with --from, whose model has decided that"],
    [["--horizon", "3"], "--horizon: Does not go with --from, whose model has decided that"],
    [["--linear"], "--linear: Does not go with --from, whose model has decided that"],
    [["--keep-gru"], "--keep-gru: Does not go with --from, whose model has decided that"],
  ])("refuses %j, which the model has decided", async (flags, message) => {
    const { code, stderr } = await tune("bent.csv", ...flags);
    expect({ code, line: stderr.split("\n")[0] }).toEqual({ code: 2, line: `error: ${message}` });
  });

  it("refuses what cannot be tuned, and writes nothing", async () => {
    const without = await cli(["train", file("bent.csv"), "-o", file("none.safetensors"), "--only", "head"]);
    expect(without.stderr).toContain("--only: Is of a model that is there; name it with --from");
    await cli(["quantize", file("fleet.safetensors"), "--ranges", "model", "-o", file("q15.safetensors")]);
    const from = (name: string) => cli(["train", file("bent.csv"), "--from", name, "-o", file("none.safetensors")]);
    expect((await from(file("q15.safetensors"))).stderr).toBe(
      `error: --from: ${file("q15.safetensors")} is quantized, and rounded weights do not learn; give the f32 model it was made of\n`,
    );
    expect((await from(file("gone.safetensors"))).stderr).toMatch(/^error: .*gone\.safetensors.*\n$/);
    await writeFile(file("other.csv"), "time,depth\n1,2\n2,3\n");
    const other = await cli([
      "train",
      file("other.csv"),
      "--from",
      file("fleet.safetensors"),
      "-o",
      file("none.safetensors"),
    ]);
    expect(other.stderr).toMatch(/^error: .*other\.csv:1: .*"level".*\n$/);
    expect(await readdir(folder)).not.toContain("none.safetensors");
  });
});
