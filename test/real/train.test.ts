// `rivulet train` on a real sensor of a real machine (NAB), without touching a default. The data is not part of the repository:
// RIVULET_DATA names the folder that holds `nab/`.

import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRuntime, loadModel } from "../../host/runtime/index.ts";
import { cli } from "../support/cli.ts";
import { needs } from "../support/needs.ts";

const data = resolve(process.env.RIVULET_DATA ?? "../shared/data", "nab/machine_temperature_system_failure.csv");
/** The share that it learns from, as the PyTorch model in models/ did. */
const SHARE = 0.15;
/** Mean absolute error of that model on all other readings, as README.md has it. */
const PYTORCH = 0.7781;

describe("rivulet train on a real machine's temperature", needs({ [`the file ${data}`]: existsSync(data) }), () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-real-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("is at least as good on the unseen 85 % as the model that PyTorch trained", async () => {
    const lines = readFileSync(data, "utf8").trim().split("\n");
    const readings = lines.slice(1).map((line) => Number(line.split(",")[1]));
    const known = Math.floor(SHARE * readings.length);
    const [file, output] = [join(folder, "known.csv"), join(folder, "machine.safetensors")];
    await writeFile(file, `${lines.slice(0, known + 1).join("\n")}\n`);
    expect((await cli(["train", file, "-o", output, "--budget", "600"])).code).toBe(0);
    const answers = createRuntime(await loadModel(await readFile(output)))
      .createSession()
      .run(readings);
    const errors = readings.slice(known).map((value, i) => Math.abs(value - (answers[known + i - 1] as number)));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(PYTORCH);
  }, 120_000);
});
