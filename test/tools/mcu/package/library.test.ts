// The library of a package computes the bits of the host, in several models at once, with its constants in RAM or in flash.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Detector } from "../../../../host/detect/detector.ts";
import { withoutClock } from "../../../../host/detect/parameters.ts";
import type { Model } from "../../../../host/model/types.ts";
import { createRuntime } from "../../../../host/runtime/runtime.ts";
import { hasProgram } from "../../../../tools/firmware/qemu.ts";
import { buildModule } from "../../../../tools/mcu/build.ts";
import { buildDetector } from "../../../../tools/mcu/detector.ts";
import { verdictWords } from "../../../../tools/mcu/detector-drive.ts";
import { createTestDetector } from "../../../support/alarms.ts";
import { randomF32Model, randomQ15Model } from "../../../support/models.ts";
import { needs } from "../../../support/needs.ts";
import { mulberry32 } from "../../../support/random.ts";
import { bitsOf, compileDriver, drive, hexWords, run, writePackage } from "./support.ts";

const root = mkdtempSync(path.join(tmpdir(), "rivulet-package-"));
afterAll(() => rmSync(root, { recursive: true }));

const MODELS: readonly (readonly [name: string, model: Model, flash: boolean])[] = [
  ["forecaster", randomQ15Model({ inputs: 3, layers: [7], outputs: 3, horizon: 1 }).model, true],
  ["two layers and a skip", randomQ15Model({ inputs: 2, layers: [9, 4], outputs: 2, skip: 3 }).model, true],
  ["31 outputs", randomQ15Model({ inputs: 2, layers: [4], outputs: 31 }).model, true],
  ["reset-before", randomQ15Model({ inputs: 3, layers: [5], reset: "before" }).model, true],
  ["f32", randomF32Model({ inputs: 3, layers: [6], outputs: 2 }).model, false],
];
const FORMS = MODELS.flatMap(([name, model, flash]) =>
  (flash ? [false, true] : [false]).map((at) => ({ name, model, flash: at })),
);

/** Samples of two machines, taken in turns that differ in length, and what the host answers. */
function rows(model: Model, steps: number) {
  const runtime = createRuntime(model, { simd: false });
  const sessions = [runtime.createSession(), runtime.createSession()];
  const random = mulberry32(9);
  const isFloat = model.spec.numeric === "f32";
  const lines: string[] = [];
  const expected: string[] = [];
  for (let t = 0; t < steps; t++) {
    const which = random() < 0.3 ? 1 : 0;
    const byFloat = isFloat || t % 4 === 3;
    const reals = model.spec.inputs.map(({ fraction = 0 }) =>
      Math.fround((random() - 0.5) * 2 ** (16 - fraction + random() * 12)),
    );
    const raw = reals.map((value, i) => Math.floor(value * 2 ** (model.spec.inputs[i]?.fraction ?? 0) + 0.5));
    lines.push(`${which + (byFloat ? 2 : 0)} ${hexWords(byFloat ? bitsOf(reals) : raw)}`);
    const outputs = Array.from(sessions[which]!.step(reals), Number);
    const words = outputs.map((value, o) => value * 2 ** (model.spec.outputs[o]?.fraction ?? 0));
    expected.push(hexWords(byFloat ? bitsOf(outputs) : words));
  }
  return { lines, expected, session: sessions[0]! };
}

describe("a package", needs({ gcc: hasProgram("gcc") }), () => {
  it.each(FORMS)(
    "computes the bits of the host with two models at once: $name, constants in flash: $flash",
    async ({ name, model, flash }) => {
      const folder = path.join(root, `${name}-${flash}`.replaceAll(" ", "-"));
      await writePackage(folder, "cmake", { model, built: await buildModule(model, { target: "wasm2c", vectors: 2 }) });
      const program = await compileDriver(folder, flash);
      const { lines, expected, session } = rows(model, 300);
      const [start, ...answers] = await drive(program, [...lines, "4"]);
      expect(start).toBe("0 0");
      expect(answers.slice(0, -1)).toEqual(expected);
      const snapshot = Buffer.from(session.snapshot()).toString("hex");
      expect(answers.at(-1)).toBe(`0 ${snapshot} 1`);
    },
    60_000,
  );

  it("takes a snapshot over: both models then answer alike", async () => {
    const [name, model] = MODELS[0]!;
    const program = path.join(root, `${name}-false`, "driver-ram");
    const { lines } = rows(model, 40);
    const sample = lines.find((line) => line.startsWith("0"))!;
    const answers = await drive(program, [...lines, "4", sample, sample.replace("0", "1")]);
    expect(answers.at(-1)).toBe(answers.at(-2));
  });

  it("refuses numbers that are not finite, and keeps the state", async () => {
    const [name] = MODELS[0]!;
    const program = path.join(root, `${name}-false`, "driver-ram");
    const good = `2 ${hexWords(bitsOf([1, 2, 3]))}`;
    const [, ...answers] = await drive(program, [
      good,
      `2 ${hexWords(bitsOf([1, Number.NaN, 3]))}`,
      `2 ${hexWords(bitsOf([1, 2, -Infinity]))}`,
      good,
    ]);
    const [, ...twice] = await drive(program, [good, good]);
    expect(answers).toEqual([twice[0], "status 3", "status 3", twice[1]]);
  });

  it("refuses what is no token", async () => {
    const { model } = randomQ15Model({ layers: [6], embedding: { vocabulary: 5, size: 3 }, outputs: 2 });
    const folder = path.join(root, "tokens");
    await writePackage(folder, "cmake", { model, built: await buildModule(model, { target: "wasm2c", vectors: 2 }) });
    const program = await compileDriver(folder, false);
    const tokens = [4, 5, -1, 1.5].map((token) => `2 ${hexWords(bitsOf([token]))}`);
    const [start, first, ...others] = await drive(program, tokens);
    expect([start, others]).toEqual(["0 0", ["status 4", "status 4", "status 4"]]);
    expect(first).toMatch(/^[0-9a-f]{8} [0-9a-f]{8}$/);
  });

  it.each([false, true])(
    "tells score and alarm of a detector, constants in flash: %s",
    async (flash) => {
      const detector = createTestDetector(["speed", "current"]);
      const folder = path.join(root, `detector-${flash}`);
      await writePackage(folder, "cmake", {
        detector,
        built: (await buildDetector(detector, { target: "wasm2c" })).built,
      });
      const program = await compileDriver(folder, flash);
      const host = new Detector(withoutClock(detector.parameters));
      const lines: string[] = [];
      const expected: string[] = [];
      for (let t = 0; t < 300; t++) {
        const raw = [20, 22].map((level) => Math.round(1024 * (level + 3 * Math.sin(t / 9) + (t > 250 ? 40 : 0))));
        const words = verdictWords(host.step(raw, t));
        lines.push(`0 ${hexWords(raw)}`);
        expected.push(hexWords(words), `${words[0]} ${words[1]}`);
      }
      const [start, ...answers] = await drive(program, lines);
      expect(start).toBe("0 0");
      expect(answers).toEqual(expected);
      expect(answers.at(-1)).toMatch(/ 1$/);
    },
    60_000,
  );

  it("links with a second package that has a prefix, each with its own work space", async () => {
    const guard = path.join(root, "guard");
    const first = path.join(root, "two-layers-and-a-skip-false");
    const detector = createTestDetector(["speed"]);
    await writePackage(
      guard,
      "cmake",
      { detector, built: (await buildDetector(detector, { target: "wasm2c" })).built },
      "guard",
    );
    const main = path.join(guard, "both.c");
    writeFileSync(
      main,
      `#include <stdio.h>
#include "guard.h"
#include "rivulet.h"
static guard_model_t a;
static rivulet_model_t b;
int main(void) {
  float in[GUARD_INPUT_COUNT] = {20}, x[RIVULET_INPUT_COUNT] = {0}, y[RIVULET_OUTPUT_COUNT];
  printf("%d %d", guard_init(&a), rivulet_init(&b));
  for (int t = 0; t < 3; t++) printf(" %d %d", guard_step(&a, in, 0), rivulet_step(&b, x, y));
  printf(" %d %d %d %d\\n", guard_selftest(), rivulet_selftest(), guard_check(), rivulet_check());
}
`,
    );
    const sources = [
      `${guard}/src/guard.c`,
      `${guard}/src/guard_module.c`,
      `${first}/src/rivulet.c`,
      `${first}/src/rivulet_module.c`,
    ];
    const options = ["-std=c99", "-Wall", "-Wextra", "-Werror", `-I${guard}/include`, `-I${first}/include`];
    await run("gcc", [...options, main, ...sources, "-o", path.join(guard, "both")]);
    expect((await run(path.join(guard, "both"), [])).stdout).toBe("0 0 0 0 0 0 0 0 0 0 0 0\n");
  });

  it("has a header that C++11 takes", async () => {
    const folder = path.join(root, "two-layers-and-a-skip-false");
    const program = path.join(root, "cpp.cpp");
    writeFileSync(
      program,
      '#include "rivulet.h"\nstatic rivulet_model_t a;\nint main() { return rivulet_init(&a); }\n',
    );
    const strict = ["-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"];
    expect((await run("g++", [...strict, `-I${folder}/include`, program])).stderr).toBe("");
  });

  it("is found by find_package once it is installed", {
    timeout: 60_000,
    ...needs({ cmake: hasProgram("cmake") }),
  }, async () => {
    const folder = path.join(root, "two-layers-and-a-skip-false");
    const at = (name: string) => path.join(root, "cmake", name);
    await run("cmake", ["-S", folder, "-B", at("build")]);
    await run("cmake", ["--build", at("build")]);
    await run("cmake", ["--install", at("build"), "--prefix", at("installed")]);
    await run("cmake", [
      "-S",
      path.join(folder, "example"),
      "-B",
      at("example"),
      `-DCMAKE_PREFIX_PATH=${at("installed")}`,
    ]);
    await run("cmake", ["--build", at("example")]);
    const other = path.join(root, "cmake", "other");
    const { model } = randomQ15Model({ inputs: 2, layers: [4] });
    await writePackage(other, "cmake", { model, built: await buildModule(model, { target: "wasm2c" }) }, "pump_b");
    await run("cmake", ["-S", other, "-B", at("build-b")]);
    await run("cmake", ["--build", at("build-b")]);
    await run("cmake", ["--install", at("build-b"), "--prefix", at("installed")]);
    await run("cmake", [
      "-S",
      path.join(other, "example"),
      "-B",
      at("example-b"),
      `-DCMAKE_PREFIX_PATH=${at("installed")}`,
    ]);
    await run("cmake", ["--build", at("example-b")]);
    expect((await run(at("example-b/example"), [])).stdout).toMatch(/^-?\d+\/1000 \n/);
    expect((await run(at("example/example"), [])).stdout).toMatch(/^(-?\d+\/1000 ){2}\n/);
  });
});
