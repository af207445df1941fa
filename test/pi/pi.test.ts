// The processors of Raspberry Pis, 64 and 32 bits: the same bits as here, and the same answers of a run.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasMosquitto } from "../support/mosquitto.ts";
import { lacking } from "../support/needs.ts";
import { lacksOf, MACHINES, nodeOf } from "./machines.ts";
import { runOn } from "./runs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-bits-"));
const program = path.join(folder, "bits.mjs");
const HERE = [process.execPath];

beforeAll(async () => {
  const options = { bundle: true, platform: "node", format: "esm", logLevel: "warning" } as const;
  await build({ ...options, entryPoints: ["test/pi/bits.ts"], outfile: program });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The lines of `bits.ts`, run by a Node. */
async function bitsOn([command = "", ...args]: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(command, [...args, program]);
  return stdout.trim().split("\n");
}

describe.concurrent.each(MACHINES)("Node on $arch", (machine) => {
  const lacks = lacksOf(machine);
  const needed = hasMosquitto ? lacks : [...lacks, "Mosquitto"];

  it(
    "computes the bits of this machine: models, detectors, training, with and without SIMD",
    lacking(lacks),
    async () => {
      const bits = await bitsOn(await nodeOf(machine));
      expect(bits).toEqual(await bitsOn(HERE));
      expect(bits[0]).toBe("builds: simd scalar");
      expect(bits.length).toBeGreaterThan(90);
    },
  );

  it("runs a stream with LevelDB, and goes on after a restart", lacking(needed), async () => {
    const there = await runOn(await nodeOf(machine));
    expect(there.codes, there.log).toEqual([0, 0]);
    expect(there.answers.length).toBe(80);
    expect(there.answers.at(-1)).toMatchObject({ n: 80 });
    expect(there.answers).toEqual((await runOn(HERE)).answers);
  });
});
