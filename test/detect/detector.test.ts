import { describe, expect, it } from "vitest";
import { Detector } from "../../host/detect/detector.ts";
import { parametersOf, referenceCases } from "../support/detectors.ts";

describe.each(referenceCases().map((reference) => [reference.channels, reference] as const))(
  "Detector of %i channels",
  (channels, reference) => {
    it("has the features, scores and alerts of the reference, bit for bit", () => {
      const detector = new Detector(parametersOf(reference));
      const [features, seasonal, scores, alerts]: number[][][] = [[], [], [], []];
      for (const [row, raw] of reference.raw.entries()) {
        const { isAlert } = detector.step(raw, row, row < reference.warm);
        features?.push(Array.from({ length: channels }, (_, c) => [...detector.featuresOf(c)]).flat());
        seasonal?.push([...(detector.seasonalResiduals ?? [])]);
        scores?.push([...detector.scores]);
        if (isAlert) alerts?.push([row]);
      }
      expect(features).toEqual(reference.features);
      expect(seasonal).toEqual(reference.seasonal);
      expect(scores).toEqual(reference.scores);
      expect(alerts?.flat()).toEqual(reference.alerts);
    });
  },
);
