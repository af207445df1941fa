// Files of detectors with one thing wrong: which tensor, what was found, what was expected.

import { describe, expect, it } from "vitest";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { parseDetector, serializeDetector } from "../../host/detect/file.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { answerTest, checkTestResult, runDetectorTest } from "../../host/detect/selftest.ts";
import type { DetectorTest } from "../../host/detect/tensors.ts";
import { readContainer, writeContainer } from "../../host/model/safetensors.ts";
import type { Tensor } from "../../host/model/types.ts";
import { gaussian, mulberry32 } from "../support/random.ts";

const random = mulberry32(3);
const COLUMNS = [0, 1].map((c) =>
  Float64Array.from({ length: 600 }, (_, row) => Math.round(900 * c + 80 * Math.sin(row / 4) + 20 * gaussian(random))),
);
const PARAMETERS = calibrate(COLUMNS, { rate: 0.01, period: 24, rows: Array.from({ length: 600 }, (_, row) => row) });
const SPEC: DetectorSpec = {
  name: "pair",
  inputs: [
    { name: "flow", unit: "l/s", fraction: 3 },
    { name: "level", fraction: 0, skill: -0.5 },
  ],
  interval: 60,
  alarmsPerWeek: 2,
  rows: 600,
  provenance: { source: "a test" },
};

/** Rows of which the last are far out: 40 of them, with an alarm. */
const INPUT = Int32Array.from({ length: 80 }, (_, i) => (i < 60 ? COLUMNS[i % 2]![i >> 1]! : 5000 * (1 + (i % 3))));
const TEST = vectors(PARAMETERS, INPUT);

function vectors(parameters: DetectorParameters, input: Int32Array): DetectorTest {
  const detector = new Detector(parameters);
  let row = 0;
  return answerTest(input, parameters.channels.length, (raw) => detector.step(raw, row++));
}

/** The file with some of its tensors changed; undefined takes one away. */
function withTensor(name: string, change: (tensor: Tensor | undefined) => Tensor | undefined): Uint8Array {
  const { metadata, tensors } = readContainer(serializeDetector(SPEC, PARAMETERS, TEST));
  const changed = new Map(tensors);
  const next = change(tensors.get(`detector.${name}`));
  if (next === undefined) changed.delete(`detector.${name}`);
  else changed.set(`detector.${name}`, next);
  return writeContainer({ metadata, tensors: changed });
}

const NAMES = [...readContainer(serializeDetector(SPEC, PARAMETERS, TEST)).tensors.keys()].map((name) =>
  name.replace("detector.", ""),
);

describe("the tensors of a detector", () => {
  it("are those of FORMAT.md 8, in their order", () => {
    const shapes = [...readContainer(serializeDetector(SPEC, PARAMETERS, TEST)).tensors].map(
      ([name, { dtype, shape }]) => `${name.replace("detector.", "")} ${dtype} ${shape.join("x")}`,
    );
    expect(shapes.sort()).toEqual(
      [
        ...["offset I32 2", "multiplier I16 2", "shift I8 2", "ar I16 2x8", "ar_bias I32 2"],
        ...["residual_multiplier I16 2", "residual_shift I8 2"],
        ...["sensor.mean I16 2x7", "sensor.weights I8 2x28", "sensor.shift I8 2x7"],
        ...["relation.mean I16 2", "relation.weights I8 3", "relation.shift I8 2"],
        ...["noise.mean I16 2", "noise.weights I8 3", "noise.shift I8 2"],
        ...["time_of_day.mean I16 2", "time_of_day.weights I8 3", "time_of_day.shift I8 2"],
        ...["start I32 5", "fall I32 5", "tail I32 5", "least I32 2", "greatest I32 2", "usual I32 2"],
        ...["time_of_day.slots I16 2x24", "time_of_day.visits I16 24"],
        ...["test.input I32 40x2", "test.score I32 40", "test.alarm I8 40"],
      ].sort(),
    );
  });

  it("give back all that was written", () => {
    const { spec, parameters, test } = parseDetector(serializeDetector(SPEC, PARAMETERS, TEST));
    expect(spec).toEqual(SPEC);
    expect(parameters).toEqual(PARAMETERS);
    expect(test).toEqual(TEST);
  });

  it.each(NAMES)("are refused without %s", (name) => {
    expect(() => parseDetector(withTensor(name, () => undefined))).toThrow(`detector.${name}: missing, expected `);
  });

  it.each(NAMES)("are refused with one more row in %s", (name) => {
    const bytes = withTensor(name, (tensor) => {
      const { dtype, shape, data } = tensor!;
      const size = [shape[0]! + 1, ...shape.slice(1)];
      const longer = new (data.constructor as Int32ArrayConstructor)(size.reduce((a, b) => a * b, 1));
      longer.set(data as Int32Array);
      return { dtype, shape: size, data: longer };
    });
    expect(() => parseDetector(bytes)).toThrow(new RegExp(`^detector.${name}: \\S+ \\[.*\\], expected \\S+ \\[.*\\]$`));
  });

  it("are refused with one of another type", () => {
    const bytes = withTensor("fall", (tensor) => ({ ...tensor!, dtype: "F32", data: new Float32Array(5) }));
    expect(() => parseDetector(bytes)).toThrow("detector.fall: F32 [5], expected I32 [5]");
  });

  it("are refused with one that does not belong there", () => {
    const bytes = withTensor("other", () => ({ dtype: "I8", shape: [1], data: Int8Array.of(1) }));
    expect(() => parseDetector(bytes)).toThrow("detector.other: this detector has no such tensor");
  });
});

/** The file with one element of a tensor replaced. */
const withElement = (name: string, index: number, value: number): Uint8Array =>
  withTensor(name, (tensor) => {
    const data = tensor!.data.slice();
    data[index] = value;
    return { ...tensor!, data };
  });

describe("the numbers of a detector", () => {
  it.each([
    ["offset", 2 ** 30, 2 ** 30 + 1],
    ["offset", -(2 ** 30) + 1, -(2 ** 30)],
    ["multiplier", 16384, 16383],
    ["shift", -30, -31],
    ["shift", 31, 32],
    ["residual_multiplier", 1, 0],
    ["residual_shift", 0, -1],
    ["residual_shift", 31, 32],
    ["sensor.shift", 31, 32],
    ["relation.shift", 31, 32],
    ["noise.shift", 31, 32],
    ["time_of_day.shift", 31, 32],
    ["start", 60 * 2 ** 24, 60 * 2 ** 24 + 1],
    ["start", -60 * 2 ** 24, -60 * 2 ** 24 - 1],
    ["fall", 1, 0],
    ["fall", 2 ** 28, 2 ** 28 + 1],
    ["tail", 0, -1],
    ["tail", 60 * 2 ** 24, 60 * 2 ** 24 + 1],
    ["least", -(2 ** 30), -(2 ** 30) - 1],
    ["greatest", 2 ** 30, 2 ** 30 + 1],
    ["time_of_day.visits", 0, -1],
    ["time_of_day.visits", 255, 256],
    ["test.input", 2 ** 30, 2 ** 30 + 1],
    ["test.input", -(2 ** 30), -(2 ** 30) - 1],
    ["test.alarm", 1, 2],
    ["test.alarm", 0, -1],
  ])("of %s may be %d and not %d, in any place", (name, kept, refused) => {
    const last =
      readContainer(serializeDetector(SPEC, PARAMETERS, TEST)).tensors.get(`detector.${name}`)!.data.length - 1;
    for (const index of [0, last]) {
      expect(() => parseDetector(withElement(name, index, kept))).not.toThrow();
      const refusal = () => parseDetector(withElement(name, index, refused));
      expect(refusal).toThrow(`detector.${name}`);
      expect(refusal).toThrow(String(refused));
    }
  });

  it("are refused where a range is upside down", () => {
    const greatest = PARAMETERS.channels[1]!.range![1];
    expect(() => parseDetector(withElement("least", 1, greatest))).not.toThrow();
    expect(() => parseDetector(withElement("least", 1, greatest + 1))).toThrow(
      `detector.least[1]: found ${greatest + 1}, expected -1073741824 to ${greatest}`,
    );
  });

  it("are refused where a model's residual has a multiplier that only AR(8) may have", () => {
    const channels = PARAMETERS.channels.map((channel) => ({ ...channel, residual: "model" as const }));
    const inputs = SPEC.inputs.map((input) => ({ ...input, residual: "model" as const }));
    const low = channels.map((channel) => ({ ...channel, residualMultiplier: 16383 }));
    expect(() => serializeDetector({ ...SPEC, inputs }, { ...PARAMETERS, channels: low })).toThrow(
      "detector.residual_multiplier[0]: found 16383, expected 16384 to 32767",
    );
  });
});

describe("the test vectors of a detector", () => {
  it("have scores in units of 1/2048", () => {
    const detector = new Detector(PARAMETERS);
    for (let row = 0; row < 40; row++) {
      const { score } = detector.step(INPUT.subarray(2 * row, 2 * row + 2), row);
      expect(TEST.scores[row]! / 2048).toBe(score);
    }
  });

  it("come out, with and without alarms among them", () => {
    expect([...new Set(TEST.alarms)].sort()).toEqual([0, 1]);
    const file = parseDetector(serializeDetector(SPEC, PARAMETERS, TEST));
    const result = runDetectorTest(file);
    expect(result).toEqual({ rows: 40, passed: true });
    expect(() => checkTestResult(result)).not.toThrow();
  });

  it("are none in a file without", () => {
    const file = parseDetector(serializeDetector(SPEC, PARAMETERS));
    expect(file.test).toBeUndefined();
    expect(runDetectorTest(file)).toBeUndefined();
    expect(() => checkTestResult(undefined)).not.toThrow();
  });

  it.each([
    ["test.score", 39, TEST.scores[39]! + 1],
    ["test.score", 0, TEST.scores[0]! - 1],
    ["test.alarm", 39, 1 - TEST.alarms[39]!],
    ["test.alarm", 0, 1 - TEST.alarms[0]!],
  ])("notice a file whose %s differs at row %d", (name, index, value) => {
    const result = runDetectorTest(parseDetector(withElement(name, index, value)));
    expect(result).toEqual({ rows: 40, passed: false });
    expect(() => checkTestResult(result)).toThrow("detector.test: differs from what the detector computes");
  });
});

describe("the document of a detector", () => {
  /** What reading says of the document with other fields. */
  const refusal = (change: object) => () => {
    const { metadata, tensors } = readContainer(serializeDetector(SPEC, PARAMETERS, TEST));
    const [[key, text]] = [...metadata] as [[string, string]];
    parseDetector(
      writeContainer({ metadata: new Map([[key, JSON.stringify({ ...JSON.parse(text), ...change })]]), tensors }),
    );
  };
  const input = (change: object) => ({ inputs: [{ ...SPEC.inputs[0], ...change }, SPEC.inputs[1]] });

  it.each<[string, object, string]>([
    ["a period of one row", { period: 1 }, "detector.period: found 1"],
    ["a period that is too long", { period: 2 ** 24 + 1 }, "detector.period: found 16777217"],
    ["more slots than rows", { slots: 25 }, "detector.slots: found 25"],
    [
      "slots of too many rows",
      { period: 65536 * 24, slots: 23 },
      "detector.slots: 1572864 rows in 23 slots, at most 65535 a slot",
    ],
    ["slots that overflow", { period: 2 ** 23, slots: 512 }, "rows times 512 slots, expected a product below 2^32"],
    ["seldom falls", { every_log2: 13 }, "detector.every_log2: found 13"],
    ["no rise", { rise: 0 }, "detector.rise: found 0"],
    ["a long hold", { hold: 65536 }, "detector.hold: found 65536"],
    ["no renewal", { renew: 0 }, "detector.renew: found 0"],
    ["no rows", { rows: 0 }, "detector.rows: found 0"],
    ["too many test vectors", { selftest: { steps: 4097 } }, "detector.selftest.steps: found 4097"],
    ["provenance of numbers", { provenance: { rows: 5 } }, "detector.provenance.rows: expected a text"],
    ["a fraction", input({ fraction: 31 }), "detector.inputs[0].fraction: found 31"],
    ["a skill above 1", input({ skill: 1.5 }), "detector.inputs[0].skill: expected a number, 1 at most"],
    ["a skill in words", input({ skill: "good" }), "detector.inputs[0].skill: expected a number"],
    ["a name twice", input({ name: "level" }), 'detector.inputs[1].name: "level" stands twice'],
    [
      "a residual of a model that it is not in",
      input({ residual: "model" }),
      "detector.inputs[0].residual: of a model, and the file holds none",
    ],
    ["no format", { format: 0 }, "detector.format: found 0"],
    ["an empty name", { name: "" }, "detector.name"],
  ])("is refused with %s", (_, change, message) => {
    expect(refusal(change)).toThrow(message);
  });

  it("has no slots in its tensors where it is not by the clock", () => {
    expect(refusal({ clocked: false })).toThrow(/^detector\.time_of_day\.slots: this detector has no such tensor$/);
  });

  it("may say that residuals are those of AR(8), and that a skill is 1", () => {
    expect(refusal(input({ residual: "ar" }))).not.toThrow();
    expect(refusal(input({ skill: 1 }))).not.toThrow();
  });
});
