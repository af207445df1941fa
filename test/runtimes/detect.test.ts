// Detectors in every WebAssembly runtime: the hash of the detector in TypeScript. One differing bit fails.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDetector } from "../../tools/mcu/detector.ts";
import { driveDetector } from "../../tools/mcu/detector-drive.ts";
import { calibrated, SHAPES } from "../support/detectors.ts";
import { type Answers, Unavailable } from "./jobs.ts";
import { RUNTIMES } from "./runtimes.ts";

const SEED = 20_261;
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-runtimes-"));
afterAll(() => rmSync(folder, { recursive: true }));

const DETECTORS = SHAPES.map((shape) => ({
  name: `detector-${shape.channels}${shape.period === undefined ? "" : "-period"}`,
  parameters: calibrated(shape),
}));
const fileOf = (name: string) => path.join(folder, `${name}.wasm`);

beforeAll(async () => {
  for (const { name, parameters } of DETECTORS) {
    const { built } = await buildDetector({ id: name, parameters }, { target: "generic", drive: true });
    writeFileSync(fileOf(name), built.wasm);
  }
}, 120_000);

describe.each(RUNTIMES)("$name", ({ steps, prepare }) => {
  let answers: Answers = new Map();
  let unavailable: Unavailable | undefined;

  beforeAll(async () => {
    try {
      const run = await prepare();
      answers = await run(
        DETECTORS.map(({ name }) => ({ kind: "drive", name, module: fileOf(name), source: `${SEED}`, steps })),
      );
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      unavailable = error;
    }
  }, 480_000);

  it.for(DETECTORS)("answers the hash of the host: $name", ({ name, parameters }, { skip }) => {
    if (unavailable) skip(unavailable.message);
    expect(answers.get(name)).toEqual({ hash: driveDetector(parameters, SEED, steps) >>> 0, selftest: 0 });
  });
});
