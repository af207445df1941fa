// What q15 adds to the forecast of a real sensor. The data is not part of the repository: RIVULET_DATA names the folder that holds `nab/`.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRuntime, loadModel } from "../../host/runtime/index.ts";
import { cli } from "../support/cli.ts";
import { needs } from "../support/needs.ts";

const data = path.resolve(process.env.RIVULET_DATA ?? "../shared/data", "nab/machine_temperature_system_failure.csv");

const MODEL = "models/machine-temperature.safetensors";
const folder = await mkdtemp(path.join(tmpdir(), "rivulet-forecast-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Mean absolute error one step ahead. */
async function forecastError(file: string, readings: Float64Array): Promise<number> {
  const predictions = createRuntime(await loadModel(await readFile(file)))
    .createSession()
    .run(readings);
  let sum = 0;
  for (let t = 1; t < readings.length; t++) sum += Math.abs((predictions[t - 1] as number) - (readings[t] as number));
  return sum / (readings.length - 1);
}

const file = needs({ [`the file ${data}`]: existsSync(data) });
describe("a quantized forecast of a real machine's temperature", file, () => {
  it.each(["minmax", "percentile", "error"])(
    "adds at most a hundredth to the error on readings that it was not calibrated with: --ranges %s",
    async (ranges) => {
      const [header = "", ...rows] = (await readFile(data, "utf8")).trim().split("\n");
      const half = Math.floor(rows.length / 2);
      const [known, q15] = [path.join(folder, "known.csv"), path.join(folder, `${ranges}.safetensors`)];
      await writeFile(known, `${[header, ...rows.slice(0, half)].join("\n")}\n`);
      const { code } = await cli(["quantize", MODEL, "--calibrate", known, "--ranges", ranges, "-o", q15]);
      expect(code).toBe(0);
      const unseen = Float64Array.from(rows.slice(half), (row) => Number(row.split(",")[1]));
      const [exact, rounded] = [await forecastError(MODEL, unseen), await forecastError(q15, unseen)];
      console.log(`${ranges}: ${exact} in f32, ${rounded} in q15`);
      expect(rounded / exact).toBeLessThan(1.01);
    },
  );
});
