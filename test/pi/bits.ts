// A program that prints a hash of what every kernel computes, a line each: `name hash`. It is bundled, and run by one Node after another.

import { createHash } from "node:crypto";
import { KernelDetector } from "../../host/detect/kernel-detector.ts";
import { hasSimd } from "../../host/runtime/compile.ts";
import { createTrainer } from "../../host/train/trainer.ts";
import { calibrated, SHAPES as DETECTORS, hardRows } from "../support/detectors.ts";
import { driveHost } from "../support/drive.ts";
import { SHAPES } from "../support/kinds.ts";
import { randomF32Model, randomQ15Model } from "../support/models.ts";
import { batchFor, CASES, caseOptions } from "../support/training.ts";

const [STEPS, ROWS, UPDATES] = [32, 120, 2];
const BUILDS = hasSimd() ? [true, false] : [false];

const print = (name: string, hash: string | number): boolean => process.stdout.write(`${name}: ${hash}\n`);
const nameOf = (simd: boolean): string => (simd ? "simd" : "scalar");

print("builds", BUILDS.map(nameOf).join(" "));
for (const simd of BUILDS) {
  for (const [name, shape] of SHAPES) {
    print(`f32 ${nameOf(simd)} ${name}`, driveHost(randomF32Model(shape).model, simd, 5, STEPS));
    print(`q15 ${nameOf(simd)} ${name}`, driveHost(randomQ15Model(shape).model, simd, 5, STEPS));
  }
  for (const shape of DETECTORS) {
    const parameters = calibrated(shape);
    const detector = new KernelDetector(parameters, simd);
    const hash = createHash("sha256").update(JSON.stringify(parameters));
    for (const { raw, row } of hardRows(7, shape.channels, ROWS)) {
      hash.update(JSON.stringify(detector.step(Int32Array.from(raw), row)));
    }
    print(`detector ${nameOf(simd)} ${JSON.stringify(shape)}`, hash.update(detector.snapshot()).digest("hex"));
  }
  for (const one of CASES) {
    const options = caseOptions(one);
    const trainer = createTrainer(options, { simd });
    const hash = createHash("sha256");
    for (let u = 0; u < UPDATES; u++) hash.update(JSON.stringify(trainer.step(batchFor(options, 3, 5, u))));
    print(`training ${nameOf(simd)} ${one.name}`, hash.update(trainer.snapshot()).digest("hex"));
  }
}
