// Modules of detectors for microcontrollers compute the bits of the host.

import { describe, expect, it } from "vitest";
import { Detector } from "../../../host/detect/detector.ts";
import { type DetectorParameters, withoutClock } from "../../../host/detect/parameters.ts";
import { detectorHash } from "../../../host/detect/snapshot.ts";
import { buildDetector, proveDetector } from "../../../tools/mcu/detector.ts";
import { driveDetector, verdictWords } from "../../../tools/mcu/detector-drive.ts";
import { renderDetectorHeader } from "../../../tools/mcu/detector-header.ts";
import { checkModule } from "../../../tools/wasm/check.ts";
import { calibrated, hardRows, SHAPES, type Shape } from "../../support/detectors.ts";

interface Exports {
  readonly memory: WebAssembly.Memory;
  step(): number;
  reset(): void;
  forget(): void;
  selftest(): number;
  drive(seed: number, steps: number): number;
  readonly [name: string]: unknown;
}

const instantiate = (wasm: Uint8Array): Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm))).exports as unknown as Exports;

const name = ({ channels, period }: Shape) => `${channels} channels${period === undefined ? "" : " and a period"}`;
const build = (parameters: DetectorParameters, drive = true) =>
  buildDetector({ id: "d@00000000", parameters }, { target: "generic", drive });

/** The words of a module's memory from the address on that a global tells. */
const wordsAt = (module: Exports, global: string, count: number) =>
  new Int32Array(module.memory.buffer, (module[global] as WebAssembly.Global).value, count);

describe.each(SHAPES.map((shape) => [name(shape), shape] as const))("buildDetector, %s", (_, shape) => {
  const parameters = calibrated(shape);

  it("computes the bits of the host", async () => {
    const { built } = await build(parameters);
    const module = instantiate(built.wasm);
    expect(module.selftest()).toBe(0);
    for (const seed of [7, 8]) {
      expect(module.drive(seed, 3000)).toBe(driveDetector(withoutClock(parameters), seed, 3000));
    }
  });

  it("takes rows and missed rows, and tells the verdict of the host", async () => {
    const { built } = await build(parameters);
    const module = instantiate(built.wasm);
    const detector = new Detector(withoutClock(parameters));
    const input = wordsAt(module, "input", shape.channels);
    const missed = wordsAt(module, "missed", 1);
    const output = wordsAt(module, "output", 5);
    let [last, alarms] = [-1, 0];
    for (const { raw, row } of hardRows(40, shape.channels, 3000)) {
      input.set(raw);
      missed[0] = row - last - 1;
      last = row;
      expect(module.step()).toBe(0);
      const verdict = detector.step(raw, row);
      if (output.some((word, i) => word !== verdictWords(verdict)[i])) {
        expect({ row, words: [...output] }).toEqual({ row, words: verdictWords(verdict) });
      }
      expect(missed[0]).toBe(0);
      alarms += output[4] as number;
    }
    expect(alarms).toBeGreaterThan(5);
    const state = new Uint8Array(module.memory.buffer, built.program.state.address, built.program.state.bytes);
    expect(state).toEqual(detector.state());
  });
});

describe("the module of a detector", () => {
  const parameters = calibrated({ channels: 2, period: 96 });

  it("forgets what is recent as the host does, and starts anew at a reset", async () => {
    const { built } = await build(parameters);
    const module = instantiate(built.wasm);
    const detector = new Detector(withoutClock(parameters));
    const state = new Uint8Array(module.memory.buffer, built.program.state.address, built.program.state.bytes);
    module.forget();
    expect(state.every((byte) => byte === 0)).toBe(true);
    const step = (raw: number[], row: number) => {
      wordsAt(module, "input", 2).set(raw);
      module.step();
      detector.step(raw, row);
    };
    for (let row = 0; row < 60; row++) step([row, row < 50 ? row : 2 ** 29], row);
    expect(wordsAt(module, "alarm", 1)[0]).toBe(1);
    module.forget();
    detector.reset();
    expect(state).toEqual(detector.state());
    step([1, 2], 60);
    expect(state).toEqual(detector.state());
    module.reset();
    expect(state.every((byte) => byte === 0)).toBe(true);
  });

  it("keeps to what a microcontroller needs, and exports the addresses of its verdict", async () => {
    const { built, report } = await build(parameters, false);
    expect(report.isSound).toBe(true);
    const module = instantiate(built.wasm);
    const { score, ...rest } = built.program.constants as Record<string, number>;
    expect((module.score as WebAssembly.Global).value).toBe(score);
    expect(Object.keys(rest)).toEqual(["alarm", "block", "channel", "alert", "missed"]);
    expect(module.drive).toBeUndefined();
    const hash = new Uint8Array(module.memory.buffer, (module.model_hash as WebAssembly.Global).value, 16);
    expect(hash).toEqual(detectorHash(withoutClock(parameters)));
  });

  it.each([
    [1, 3072],
    [4, 4352],
    [8, 4864],
  ])("of %i channels has at most %i bytes, without its check", async (channels, most) => {
    const { built } = await build(calibrated({ channels }), false);
    // And check(), which may take 120.
    expect(built.wasm.length).toBeLessThanOrEqual(most + 120);
  });

  it("is refused when it differs from the host", async () => {
    const { built } = await build(parameters, false);
    const { tracker, noise } = parameters;
    const proof = (other: DetectorParameters) => () =>
      proveDetector("d", withoutClock(other), built.program, built.wasm);
    expect(proof({ ...parameters, noise: { ...noise, mean: noise.mean.map((mean) => mean + 999) } })).toThrow(
      "The module of d differs from the host at row",
    );
    expect(proof({ ...parameters, tracker: { ...tracker, rise: tracker.rise - 1 } })).toThrow(
      "The state of the module of d differs",
    );
    const damaged = built.wasm.slice();
    // The last byte of the parameters.
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    expect(() => proveDetector("d", withoutClock(parameters), built.program, damaged)).toThrow("differs from the host");
  });

  it("is found out when an address of its verdict lies elsewhere", async () => {
    const { built } = await build(parameters, false);
    const text = Buffer.from(built.wasm).toString("latin1");
    // `missed` is no longer there: the group is not whole.
    const changed = Buffer.from(text.replace("missed", "mizzed"), "latin1");
    const { isSound, properties } = checkModule(changed, { integerOnly: true });
    expect(isSound).toBe(false);
    expect(properties.find(({ code }) => code === "abi")?.findings[0]?.message).toContain("missed");
  });
});

describe("renderDetectorHeader", () => {
  it("tells addresses, fractions and names", async () => {
    const parameters = calibrated({ channels: 2 });
    const { built } = await build(parameters, false);
    const inputs = [
      { name: "flow", fraction: 5 },
      { name: "heat", fraction: -2 },
    ];
    const spec = { name: "pump", inputs, alarmsPerWeek: 1, rows: 800 };
    const header = renderDetectorHeader({ spec, parameters, id: "pump@12345678" }, built.program, built.wasm);
    const { score, missed } = built.program.constants as Record<string, number>;
    expect(header).toContain("/* pump@12345678, written by rivulet build.");
    expect(header).toContain(`#define RIVULET_SCORE ${score} `);
    expect(header).toContain(`#define RIVULET_MISSED ${missed} `);
    expect(header).toContain("#define RIVULET_INPUT_FRACTIONS { 5, -2 }\n");
    expect(header).toContain(
      '#define RIVULET_BLOCK_NAMES { "sensor", "relation", "noise", "time_of_day", "extreme" }\n',
    );
    expect(header).toContain(`#define RIVULET_WASM_SIZE ${built.wasm.length}\n`);
  });
});
