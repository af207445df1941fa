// What the training scripts write, read by the runtime. The part that runs Python needs torch and safetensors: set
// RIVULET_PYTHON to an interpreter that has them (`pip install -r tools/training/requirements.txt`).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createRuntime, loadModel, parseModel } from "../../host/runtime/index.ts";
import { createPump, hotStart, PUMP_INPUTS, PUMP_INTERVAL } from "../../tools/demo/pump.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readModel = (name: string) => loadModel(readFileSync(join(root, "models", name)));

const python = process.env.RIVULET_PYTHON ?? "python3";
const hasTorch = spawnSync(python, ["-c", "import torch, safetensors"]).status === 0;

describe("the committed models", () => {
  for (const file of readdirSync(join(root, "models")).filter((name) => /(?<!-detector)\.safetensors$/.test(name))) {
    it(`pass their own test vectors and say where they come from: ${file}`, async () => {
      const model = await readModel(file);
      expect(`${model.spec.name}.safetensors`).toBe(file);
      expect(model.spec.selftest?.steps).toBe(64);
      const [script = ""] = (model.spec.provenance?.script ?? "").split(",");
      expect(existsSync(join(root, script))).toBe(true);
      expect(Object.keys(model.spec.provenance ?? {})).toEqual(expect.arrayContaining(["data", "versions", "metric"]));
    });

    it(`forecast each input and have a range for the quantizer: ${file}`, async () => {
      const { inputs, outputs } = (await readModel(file)).spec;
      expect(outputs.map(({ forecasts }) => forecasts)).toEqual(inputs.map(({ name }) => name));
      for (const { range } of inputs) expect(range).toHaveLength(2);
    });
  }
});

/** Residuals of a pump in units of `residual_sigma`, [steps - 1][4]; its bearing fails from step `failAt` on. */
async function pumpScores(seed: number, steps: number, failAt: number): Promise<number[][]> {
  const model = await readModel("pump.safetensors");
  const session = createRuntime(model).createSession();
  const sigma = model.spec.detector?.residual_sigma as number[];
  const pump = createPump(seed);
  pump.failBearing(failAt);
  let predicted = [...session.step(pump.next())];
  return Array.from({ length: steps - 1 }, () => {
    const sample = pump.next();
    const scores = sample.map((value, i) => (value - (predicted[i] as number)) / (sigma[i] as number));
    predicted = [...session.step(sample)];
    return scores;
  });
}

const bearing = (scores: readonly (readonly number[])[]) => scores.map((row) => row[3] as number);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the pump model", () => {
  it("has the inputs and the interval of the simulator", async () => {
    const { inputs, interval } = (await readModel("pump.safetensors")).spec;
    expect(inputs).toEqual(PUMP_INPUTS);
    expect(interval).toBe(PUMP_INTERVAL);
  });

  it("was trained on this very simulator; after a change to it, run tools/training/pump.py again", async () => {
    const { provenance } = (await readModel("pump.safetensors")).spec;
    const recipe = / --pumps (\d+) --steps (\d+) --seed (\d+) --hot:/.exec(provenance?.data ?? "");
    const [pumps, steps, seed] = (recipe ?? []).slice(1).map(Number) as [number, number, number];
    const hash = createHash("sha256");
    for (let index = 0; index < pumps; index++) {
      const pump = createPump(seed + index, { bearingTemperature: hotStart(index, pumps) });
      for (let step = 0; step < steps; step++) hash.update(new Float32Array(pump.next()));
    }
    expect(hash.digest("hex")).toBe(provenance?.data_sha256);
  });

  it("keeps the bearing of a healthy pump within 5 sigma for 5,000 steps", async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const scores = bearing(await pumpScores(seed, 5000, Number.POSITIVE_INFINITY)).slice(60);
      expect(Math.max(...scores.map(Math.abs))).toBeLessThan(5);
    }
  });

  it("shows a failing bearing plainly: a mean of more than 4 sigma over the steps 40 to 70 of the failure", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const scores = bearing(await pumpScores(seed, 600, 500));
      expect(mean(scores.slice(539, 569))).toBeGreaterThan(4);
    }
  });
});

const SCRIPT = `
import sys
import numpy as np, torch
from torch import nn
from rivulet_model import gru_tensors, linear_tensors, write_model
torch.manual_seed(3)
gru, linear = nn.GRU(2, 5, num_layers=2, batch_first=True), nn.Linear(5, 3)
x = torch.randn(20, 2)
with torch.no_grad():
    y = torch.softmax(linear(gru(x[None])[0]), dim=-1)[0]
layers = [{"kind": "gru", "size": 5, "reset": "after"}] * 2 + [{"kind": "dense", "size": 3, "activation": "softmax"}]
spec = {"name": "written", "inputs": [{"name": "a", "unit": "°C"}, {"name": "b"}],
        "outputs": [{"name": n} for n in "xyz"], "layers": layers}
tensors = {**gru_tensors(gru), **linear_tensors(linear, 2)}
for path in sys.argv[1:]:
    print(write_model(path, spec, tensors, (x.numpy(), y.numpy())))
`;

import { needs } from "../support/needs.ts";

describe("write_model of rivulet_model.py", needs({ [`torch in ${python}`]: hasTorch }), () => {
  it("writes what the reader reads, the same bytes each time, and returns their hash", () => {
    const folder = mkdtempSync(join(tmpdir(), "rivulet-writer-"));
    try {
      const paths = [join(folder, "a.safetensors"), join(folder, "b.safetensors")];
      const result = spawnSync(python, ["-c", SCRIPT, ...paths], {
        cwd: join(root, "tools/training"),
        encoding: "utf8",
      });
      expect(result.stderr).toBe("");
      const [first, second] = paths.map((path) => readFileSync(path)) as [Buffer, Buffer];
      expect(first.equals(second)).toBe(true);
      const model = parseModel(first);
      expect(result.stdout.split("\n")[0]).toBe(model.hash);
      expect(model.spec.inputs[0]?.unit).toBe("°C");
      expect(model.tensors.get("layers.1.U")?.shape).toEqual([15, 5]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
