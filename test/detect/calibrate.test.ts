import { describe, expect, it } from "vitest";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import { parametersOf, referenceCases } from "../support/detectors.ts";

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
