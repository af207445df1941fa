import { describe, expect, it } from "vitest";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import { parametersOf, referenceCases } from "../support/detectors.ts";
import { mulberry32 } from "../support/random.ts";

describe.each(referenceCases().map((reference) => [reference.channels, reference] as const))(
  "calibrate with %i channels",
  (channels, reference) => {
    const warm = reference.raw.slice(0, reference.warm);
    const raw = Array.from({ length: channels }, (_, c) => Float64Array.from(warm, (row) => row[c]!));
    const expected = parametersOf(reference);
    // The reference's alarms per row, from what its thresholds fall: a block's share of the rate.
    const shares = expected.tracker.fall.length - 0.5;
    const rate = (expected.tracker.fall[0]! / (0.87 * 2 ** 24)) * shares;
    const found = calibrate(raw, { rate, period: reference.period });

    it("finds the reference's channels and blocks", () => {
      // The range seen is not of the reference, which starts with the first reading's.
      expect(found.channels.map(({ range: _, ...rest }) => rest)).toEqual(expected.channels);
      expect(found.channels.map(({ range }) => range)).toEqual(raw.map((of) => [Math.min(...of), Math.max(...of)]));
      expect(found.relation).toEqual(expected.relation);
      expect(found.noise).toEqual(expected.noise);
      expect(found.seasonality).toEqual(expected.seasonality);
    });

    it("starts its thresholds where the reference does", () => {
      expect(found.tracker.fall).toEqual(expected.tracker.fall);
      for (const [k, start] of expected.tracker.start.entries()) {
        expect(Math.abs(found.tracker.start[k]! - start) / 2 ** 24).toBeLessThan(0.001);
      }
      const detector = new Detector(found);
      const alerts = reference.raw.flatMap((row, t) => (detector.step(row, t, t < reference.warm).isAlert ? [t] : []));
      expect(alerts).toEqual(reference.alerts);
    });
  },
);

describe("calibrate with rows by the clock", () => {
  it("learns each time of the period where it is, with rows that are missing", () => {
    // 0 in the first half of a period of 8 rows, 1000 in the second; the readings begin at row 4, and row 12 is missing.
    const rows = Array.from({ length: 400 }, (_, i) => (i < 8 ? 4 + i : 5 + i));
    const random = mulberry32(4);
    const column = Float64Array.from(rows, (row) => (row % 8 < 4 ? 0 : 1000) + Math.round(40 * random()));
    const { seasonality } = calibrate([column], { rate: 0.01, period: 8, rows });
    const { means, visits } = seasonality!.seen!;
    expect(means.subarray(0, 4).every((mean) => mean < 0)).toBe(true);
    expect(means.subarray(4).every((mean) => mean > 0)).toBe(true);
    // Slot 4 was visited at rows 4, 20, 28, …: in every period but that of row 12.
    expect(visits[4]).toBe(visits[5]! - 1);
    expect(calibrate([column], { rate: 0.01, period: 8 }).seasonality!.seen).toBeUndefined();
  });
});
