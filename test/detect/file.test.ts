import { describe, expect, it } from "vitest";
import { parseDetector, serializeDetector } from "../../host/detect/file.ts";
import type { DetectorParameters } from "../../host/detect/parameters.ts";
import { parametersOf, referenceCases } from "../support/detectors.ts";

const [one, two] = referenceCases().map(parametersOf) as [DetectorParameters, DetectorParameters];
const SPEC = { name: "d", alarmsPerWeek: 1, rows: 700, interval: 300 };
const specOf = (count: number) => ({
  ...SPEC,
  inputs: Array.from({ length: count }, (_, c) => ({ name: `x${c}`, unit: "°C", fraction: 4 - c })),
});

describe("a detector file", () => {
  it.each([
    ["one channel", 1, one],
    ["two channels", 2, two],
  ])("gives back what was written, of %s", (_, count, parameters) => {
    const bytes = serializeDetector(specOf(count), parameters);
    const found = parseDetector(bytes);
    expect(found.spec).toEqual(specOf(count));
    expect(found.parameters).toEqual(parameters);
    expect(found.id).toMatch(/^d@[0-9a-f]{8}$/);
    expect(serializeDetector(found.spec, found.parameters)).toEqual(bytes);
  });

  it("goes without a period, an interval and units", () => {
    const { seasonality: _, ...rest } = one;
    const tracker = { ...one.tracker, start: one.tracker.start.slice(1), fall: one.tracker.fall.slice(1) };
    const { interval: __, ...spec } = specOf(1);
    const found = parseDetector(
      serializeDetector({ ...spec, inputs: [{ name: "x", fraction: 0 }] }, { ...rest, tracker }),
    );
    expect(found.parameters.seasonality).toBeUndefined();
    expect(found.spec.interval).toBeUndefined();
  });

  it.each<[string, (channel: DetectorParameters["channels"][number]) => object, string]>([
    ["an offset", () => ({ offset: -(2 ** 30) }), "detector.offset[0]: found -1073741824"],
    ["a multiplier", () => ({ multiplier: 16383 }), "detector.multiplier[0]: found 16383, expected 16384 to 32767"],
    ["a shift", () => ({ shift: -31 }), "detector.shift[0]: found -31"],
    ["a residual's multiplier", () => ({ residualMultiplier: 0 }), "detector.residual_multiplier[0]: found 0"],
    ["weights", () => ({ ar: Int16Array.of(32767, 32767, 0, 0, 0, 0, 0, 2) }), "detector.ar[0]: its sum can reach"],
    [
      "a block's shift",
      ({ sensor }) => ({ sensor: { ...sensor, shifts: sensor.shifts.map(() => 32) } }),
      "detector.sensor.shift: row 0 is 32",
    ],
  ])("refuses %s with which sums would leave 32 bits", (_, change, message) => {
    const [channel] = one.channels;
    const channels = [{ ...channel!, ...change(channel!) }];
    expect(() => serializeDetector(specOf(1), { ...one, channels })).toThrow(message);
  });

  it.each([
    ["another version", { format: 3 }, /detector.format: version 3, this reader knows 2/],
    ["an unknown field", { intervall: 3 }, /detector.intervall: unknown field, did you mean "interval"/],
    ["slots that overflow", { period: 2 ** 24 }, /detector.slots: 16777216 rows in 24 slots/],
    ["test vectors in version 1", { selftest: { steps: 3 } }, /detector.selftest: not allowed here: version 1/],
    ["a model's residual in version 1", { inputs: [{ name: "x", fraction: 0, residual: "model" }] }, /unknown field/],
    ["a number of alarms", { alarms_per_week: 0 }, /detector.alarms_per_week: found 0/],
  ])("refuses %s", (_, change, message) => {
    const bytes = serializeDetector(specOf(1), one);
    const text = new TextDecoder("latin1").decode(bytes);
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const document = JSON.parse(header.__metadata__.rivulet_detector);
    header.__metadata__.rivulet_detector = JSON.stringify({ ...document, ...change });
    const json = Buffer.from(JSON.stringify(header));
    const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, 0x20)]);
    const start = Buffer.alloc(8);
    start.writeUInt32LE(padded.length);
    const changed = Buffer.concat([start, padded, Buffer.from(text.slice(8 + length), "latin1")]);
    expect(() => parseDetector(changed)).toThrow(message);
  });
});
