// What a verdict is explained by, in numbers and in words.

import { describe, expect, it } from "vitest";
import { anomalyOf } from "../../host/detect/anomaly.ts";
import { calibrate } from "../../host/detect/calibrate.ts";
import { describeCause } from "../../host/detect/cause.ts";
import { Detector } from "../../host/detect/detector.ts";
import type { DetectorFile } from "../../host/detect/file.ts";
import { mulberry32 } from "../support/random.ts";

const ROWS = 1000;

/** A detector of channels that each swing about a level of their own, in hundredths, with their readings. */
function made(channels: number, period?: number) {
  const random = mulberry32(8);
  const columns = Array.from({ length: channels }, (_, c) =>
    Float64Array.from({ length: ROWS }, (_, row) =>
      Math.round(1000 * (c + 1) + 100 * Math.sin((2 * Math.PI * row) / 48) + 30 * (random() + random() - 1)),
    ),
  );
  const parameters = calibrate(columns, { rate: 0.002, ...(period !== undefined && { period }) });
  const names = ["flow", "level", "speed"];
  const inputs = columns.map((_, c) => ({ name: names[c]!, fraction: 0, ...(c === 0 && { unit: "l/s" }) }));
  const file: DetectorFile = { id: "d@1", spec: { name: "d", inputs, alarmsPerWeek: 1, rows: ROWS }, parameters };
  const detector = new Detector(parameters);
  for (let row = 0; row < 300; row++)
    detector.step(
      columns.map((column) => column[row]!),
      row,
    );
  return { file, detector, columns };
}

/** The explanation of one more row, which takes the place of what would be usual. */
function explained({ file, detector, columns }: ReturnType<typeof made>, change: (usual: number, c: number) => number) {
  const row = detector.lastRow! + 1;
  const values = columns.map((column, c) => change(column[row]!, c));
  const verdict = detector.step(values, row);
  return { words: describeCause(file, detector, verdict, values), anomaly: anomalyOf(file, detector), row, values };
}

describe("describeCause", () => {
  it("says of a reading beyond all before what it was, with its unit", () => {
    const { words, anomaly } = explained(made(1), () => 25_000);
    expect(words).toMatch(/^flow 25000 l\/s/);
    expect(anomaly).toMatchObject({ isAlarm: true, since: 300, warmup: 0, cause: [{ input: "flow", share: 1 }] });
    expect(anomaly.score).toBeGreaterThan(0);
    expect(anomaly.deviation).toBeGreaterThan(3);
  });

  it("says of a jump within the range what was expected instead, and how sure that was", () => {
    const one = made(1);
    const { words, anomaly, values } = explained(one, (usual) => 2000 - usual);
    expect(anomaly.block).toBe("sensor");
    const [, reading, expected, error] = /^flow (\S+) l\/s, expected (\S+) ± (\S+)$/.exec(words) ?? [];
    expect(Number(reading)).toBe(values[0]);
    expect(Math.abs(Number(expected) - one.columns[0]![300]!)).toBeLessThan(60);
    expect(Number(error)).toBeGreaterThan(4);
    expect(Number(error)).toBeLessThan(30);
  });

  it("names the channel at fault, with its share, without a unit that it does not have", () => {
    const { words, anomaly } = explained(made(3), (usual, c) => (c === 1 ? 4000 - usual : usual));
    expect(words).toMatch(/^level \d+[, ].*; \d+ % of the score$/);
    expect(anomaly.cause.map(({ input }) => input)[0]).toBe("level");
    const shares = anomaly.cause.map(({ share }) => share);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    expect(words).toContain(`; ${Math.round(100 * shares[0]!)} % of the score`);
  });

  it("tells a channel that became noisy from one that fell silent", () => {
    const words = (change: (usual: number, row: number) => number) => {
      const one = made(1);
      const found = new Set<string>();
      for (let i = 0; i < 60; i++) {
        const { words, anomaly } = explained(one, (usual) => change(usual, i));
        if (anomaly.block === "noise") found.add(words.replace(/^.*, /, ""));
      }
      return [...found];
    };
    expect(words((usual, i) => usual + (i % 2 === 0 ? 90 : -90))).toContain("noisier than usual");
    expect(words(() => 1050)).toContain("quieter than usual");
  });

  it("says what does not fit the time of the period", () => {
    const seasonal = made(1, 48);
    const found = new Set<string>();
    for (let i = 0; i < 200; i++)
      found.add(explained(seasonal, (usual) => 2000 - usual).words.replace(/^flow \S+ l\/s/, "…"));
    expect([...found]).toContain("… is unusual for the time of the period");
  });

  it("says of channels that no longer go together which one it is", () => {
    const three = made(3);
    const found = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const { words, anomaly } = explained(three, (usual, c) => (c === 2 ? 6000 - usual : usual));
      if (anomaly.block === "relation") found.add(words.replace(/ -?\d+ /, " … ").replace(/; \d+ /, "; … "));
    }
    expect([...found]).toContain("speed … does not fit the other channels; … % of the score");
  });

  it("expects of a channel with a model what the model predicted", () => {
    const one = made(1);
    const parameters = {
      ...one.file.parameters,
      channels: [{ ...one.file.parameters.channels[0]!, residual: "model" as const }],
    };
    const file = { ...one.file, parameters };
    const verdict = { score: 1, isAlarm: true, isAlert: true, block: "sensor", channel: 0 } as const;
    expect(describeCause(file, one.detector, verdict, [12.34567], [987.6])).toMatch(
      /^flow 12.35 l\/s, expected 987.6 ±/,
    );
    expect(describeCause(file, one.detector, verdict, [12.34567], [null])).not.toContain("987.6");
    expect(describeCause(one.file, one.detector, verdict, [12.34567], [987.6])).not.toContain("987.6");
  });
});

describe("anomalyOf", () => {
  it("counts down the rows in which there is no alarm", () => {
    const { file } = made(1);
    const detector = new Detector(file.parameters);
    const counts = [0, 1, 2].map((row) => {
      detector.step([1000], row);
      return anomalyOf(file, detector).warmup;
    });
    expect(counts).toEqual([19, 18, 17]);
    expect(anomalyOf(file, detector)).toMatchObject({ isAlarm: false, since: null });
  });

  it("keeps the row at which an alarm began while it lasts", () => {
    const one = made(1);
    explained(one, () => 20_000);
    expect(explained(one, () => 20_000).anomaly).toMatchObject({ isAlarm: true, since: 300 });
  });
});
