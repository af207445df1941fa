// What a detector does for its user, on readings made up here.

import { describe, expect, it } from "vitest";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector, type Verdict } from "../../host/detect/detector.ts";
import { expectationOf, usualErrorOf } from "../../host/detect/real.ts";
import { mulberry32 } from "../support/random.ts";

const PERIOD = 96;
const WEEK = 7 * PERIOD;

/** A reading with a daily course and noise, in thousandths. */
function course(seed: number, phase = 0) {
  const random = mulberry32(seed);
  const noise = () => random() + random() + random() - 1.5;
  return (row: number) => Math.round(20_000 + 3000 * Math.sin((2 * Math.PI * (row + phase)) / PERIOD) + 200 * noise());
}

const trained = (channels: readonly ((row: number) => number)[], rate = 1 / WEEK) =>
  calibrate(
    channels.map((reading) => Float64Array.from({ length: 2 * WEEK }, (_, row) => reading(row))),
    { rate, period: PERIOD },
  );

/** Alerts over rows that follow the training, with the verdict at each. */
function alertsOf(detector: Detector, rows: number, reading: (row: number) => readonly number[]) {
  const alerts: (Verdict & { row: number })[] = [];
  const first = detector.lastRow === undefined ? 2 * WEEK : detector.lastRow + 1;
  for (let row = first; row < first + rows; row++) {
    const verdict = detector.step(reading(row), row);
    if (verdict.isAlert) alerts.push({ ...verdict, row });
  }
  return alerts;
}

describe("a calibrated detector", () => {
  it("keeps its rate on healthy readings: 20 weeks at one alarm a week", () => {
    const readings = course(1);
    const detector = new Detector(trained([readings]));
    const alerts = alertsOf(detector, 20 * WEEK, (row) => [readings(row)]);
    expect(alerts.length).toBeGreaterThanOrEqual(5);
    expect(alerts.length).toBeLessThanOrEqual(40);
  });

  it.each<[string, (row: number, value: number) => number]>([
    ["a level that jumps", (_, value) => value + 4000],
    ["a spike", (row, value) => (row === 2 * WEEK + 300 ? value + 20_000 : value)],
    ["a sensor that is stuck", (row, value) => (row >= 2 * WEEK + 300 ? 21_000 : value)],
    ["noise that grows", (row, value) => value + (row % 2 === 0 ? 2500 : -2500)],
  ])("finds %s within 40 rows", (_, fault) => {
    const readings = course(2);
    const detector = new Detector(trained([readings]));
    const begin = 2 * WEEK + 300;
    const alerts = alertsOf(detector, 400, (row) => [row < begin ? readings(row) : fault(row, readings(row))]);
    expect(alerts.some(({ row }) => row >= begin && row < begin + 40)).toBe(true);
  });

  it("names the channel at fault", () => {
    const [a, b, c] = [course(3), course(4, 20), course(5, 50)];
    const detector = new Detector(trained([a, b, c]));
    const begin = 2 * WEEK + 300;
    const alerts = alertsOf(detector, 400, (row) => [a(row), b(row) + (row >= begin ? 5000 : 0), c(row)]);
    const found = alerts.find(({ row }) => row >= begin);
    expect(found?.channel).toBe(1);
  });

  it("takes a new level for usual after a while, and sees what comes then", () => {
    const readings = course(6);
    const detector = new Detector(trained([readings]));
    const begin = 2 * WEEK + 300;
    const rows = 4 * WEEK;
    const shifted = (row: number) => readings(row) + (row >= begin ? 6000 : 0);
    const last = 2 * WEEK + rows - 50;
    const alerts = alertsOf(detector, rows, (row) => [row >= last ? shifted(row) + 30_000 : shifted(row)]);
    expect(alerts.filter(({ row }) => row >= begin && row < begin + 40)).not.toEqual([]);
    expect(alerts.filter(({ row }) => row > begin + 2 * WEEK && row < last).length).toBeLessThan(10);
    expect(alerts.filter(({ row }) => row >= last)).not.toEqual([]);
  });

  it("says of a level that lasts how far it is from the usual, when the thresholds have got used to it", () => {
    const readings = course(6);
    const detector = new Detector(trained([readings]));
    const begin = 2 * WEEK + 300;
    const found: number[] = [];
    for (let row = 2 * WEEK; row < 6 * WEEK; row++) {
      const { score } = detector.step([readings(row) + (row >= begin ? 6000 : 0)], row);
      if (row === begin - 1 || row === 6 * WEEK - 1) found.push(score, detector.deviation);
    }
    const [, healthy, scoreAtEnd, deviationAtEnd] = found;
    expect(healthy).toBeLessThan(3);
    expect(scoreAtEnd).toBeLessThan(0);
    expect(deviationAtEnd).toBeGreaterThan(3);
  });

  it("is silent for 20 rows after a long gap, and goes on", () => {
    const readings = course(7);
    const detector = new Detector(trained([readings]));
    for (let row = 0; row < 100; row++) detector.step([readings(row)], row);
    const after = Array.from({ length: 40 }, (_, i) => detector.step([readings(i) + 15_000], 500 + i).isAlarm);
    expect(after.indexOf(true)).toBeGreaterThanOrEqual(20);
  });

  it("stays sane at the ends of 32 bits, and with a value that is stuck for a year", () => {
    const readings = course(8);
    const detector = new Detector(trained([readings]));
    let worst = 0;
    for (let row = 0; row < 35_040; row++) {
      const raw = row < 2000 ? [2 ** 30, -(2 ** 30), 0][row % 3]! : 2 ** 30;
      worst = Math.max(worst, Math.abs(detector.step([raw], row).score));
    }
    expect(worst).toBeLessThan(100);
    const alerts = alertsOf(detector, 2000, (row) => [row % 500 === 0 ? -(2 ** 30) : 2 ** 30]);
    expect(alerts.length).toBeLessThan(20);
  });

  it("does not move its thresholds while it warms up", () => {
    const readings = course(9);
    const parameters = trained([readings]);
    const [warmed, fresh] = [new Detector(parameters), new Detector(parameters)];
    for (let row = 0; row < 500; row++) expect(warmed.step([readings(row) + 9000], row, true).isAlarm).toBe(false);
    const scores = [warmed, fresh].map((detector) => detector.step([50_000], 501).score);
    expect(scores[0]).toBeGreaterThan(0);
  });

  it("refuses fewer than 100 rows", () => {
    expect(() => calibrate([new Float64Array(99)], { rate: 0.01 })).toThrow("99 rows, at least 100 are needed");
  });
});

describe("expectationOf", () => {
  it("is the reading that the last ones let expect, with its usual error", () => {
    const random = mulberry32(10);
    // In eighths: fraction 3.
    const readings = (row: number) => Math.round(8 * (50 + 5 * Math.sin(row / 10)) + 4 * (random() - 0.5));
    const parameters = calibrate([Float64Array.from({ length: 1000 }, (_, row) => readings(row))], { rate: 0.001 });
    const detector = new Detector(parameters);
    for (let row = 0; row < 300; row++) detector.step([readings(row)], row);
    const value = expectationOf(parameters.channels[0]!, 3, detector.expectedOf(0));
    const error = usualErrorOf(parameters.channels[0]!, 3);
    expect(Math.abs(value - readings(299) / 8)).toBeLessThan(1);
    expect(error).toBeGreaterThan(0.02);
    expect(error).toBeLessThan(0.5);
  });
});
