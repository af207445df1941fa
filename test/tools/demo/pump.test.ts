import { describe, expect, it } from "vitest";
import { createPump, PUMP_INPUTS, type PumpOptions } from "../../../tools/demo/pump.ts";
import { mulberry32 } from "../../../tools/random.ts";

const [SPEED, PRESSURE, CURRENT, TEMPERATURE] = [0, 1, 2, 3] as const;

/** Takes `steps` samples of a new pump; its bearing fails from step `failAt` on. */
function record(seed: number, steps: number, failAt = Number.POSITIVE_INFINITY, options: PumpOptions = {}) {
  const pump = createPump(seed, options);
  pump.failBearing(failAt);
  return Array.from({ length: steps }, () => pump.next());
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("mulberry32", () => {
  it("gives the same numbers as its twin in tools/training/vectors.py", () => {
    const random = mulberry32(101);
    expect([random(), random(), random()].map((value) => value * 2 ** 32)).toEqual([582603121, 3284799363, 2321895009]);
  });
});

describe("createPump", () => {
  it("gives the same samples for the same seed, and others for another", () => {
    expect(record(7, 200)).toEqual(record(7, 200));
    expect(record(7, 200)).not.toEqual(record(8, 200));
  });

  it.each([
    [
      1,
      {},
      Number.POSITIVE_INFINITY,
      [
        "0 0.01 0.15 19.4",
        "1 0.01 0.2 19.6",
        "2520 4.33 14.1 34.4",
        "2009 2.94 9.5 38.4",
        "2612 4.75 15.1 47.5",
        "2032 3.11 9.65 43.2",
        "2611 4.02 16.5 46.1",
      ],
    ],
    [
      1,
      {},
      100,
      [
        "0 0.01 0.15 19.4",
        "1 0.01 0.2 19.6",
        "2520 4.33 14.1 34.4",
        "2009 2.94 10.15 39.6",
        "2612 4.75 19.8 132.5",
        "2032 3.11 13.7 117",
        "2611 4.02 21.5 130",
      ],
    ],
    [
      2,
      { interval: 30, bearingTemperature: 90 },
      Number.POSITIVE_INFINITY,
      [
        "2 0.03 0 85.4",
        "2428 4.65 11.45 50.9",
        "2424 4.72 11.5 43.6",
        "2882 6.42 15.7 47",
        "1870 2.66 8.7 35.3",
        "1068 0.85 6 35.9",
        "2305 3.8 11.75 46.3",
      ],
    ],
  ] as const)(
    "gives the samples that the demo model was trained on: seed %i, %j, failing at %d",
    (seed, options, failAt, rows) => {
      const samples = record(seed, 2001, failAt, options);
      expect([0, 20, 60, 110, 400, 900, 2000].map((step) => samples[step]?.join(" "))).toEqual(rows);
    },
  );

  it("starts at rest and cold", () => {
    const [speed, pressure, current, temperature] = createPump(1).next();
    expect(speed).toBeLessThan(20);
    expect(pressure).toBeLessThan(0.2);
    expect(current).toBeLessThan(1);
    expect(temperature).toBeGreaterThan(10);
    expect(temperature).toBeLessThan(35);
  });

  it("starts with a hot bearing when told so, which cools down", () => {
    const samples = record(1, 400, undefined, { bearingTemperature: 120 });
    expect(samples[0]?.[TEMPERATURE]).toBeGreaterThan(100);
    expect(samples[399]?.[TEMPERATURE]).toBeLessThan(60);
  });

  it("keeps every value of healthy and failing pumps inside the ranges of the model", () => {
    const samples = Array.from({ length: 20 }, (_, seed) => record(seed, 3000, 1500)).flat();
    PUMP_INPUTS.forEach(({ range: [least, greatest] }, input) => {
      const outside = samples
        .map((sample) => sample[input] as number)
        .filter((value) => value < least || value > greatest);
      expect(outside).toEqual([]);
    });
  });

  it("runs, stops and changes its speed", () => {
    const speeds = record(3, 5000).map((sample) => sample[SPEED]);
    expect(speeds.filter((speed) => speed < 30).length).toBeGreaterThan(100);
    expect(speeds.filter((speed) => speed > 1700).length).toBeGreaterThan(3000);
  });

  it("follows the affinity law: pressure grows with the square of the speed", () => {
    for (const [speed, pressure] of record(4, 3000)) {
      if (speed < 1500) continue;
      // P (1.15 - 0.35 q^2) over 2900^2, with P within 5 % of 6 bar and q within 0.4..1, and some noise.
      const share = pressure / (speed / 2900) ** 2;
      expect(share).toBeGreaterThan(4.2);
      expect(share).toBeLessThan(7.4);
    }
  });

  it("draws no current when it stands", () => {
    const standing = record(5, 3000).filter(([speed]) => speed === 0);
    expect(standing).toHaveLength(10);
    for (const [, , current] of standing) expect(current).toBeLessThan(0.8);
  });

  it("warms its bearing slowly", () => {
    const samples = record(6, 3000);
    for (let step = 1; step < samples.length; step++) {
      const [before, after] = [samples[step - 1]?.[TEMPERATURE] as number, samples[step]?.[TEMPERATURE] as number];
      expect(Math.abs(after - before)).toBeLessThan(1.5);
    }
  });

  it("rounds like a sensor", () => {
    for (const [speed, pressure, current, temperature] of record(9, 300)) {
      expect(Number.isInteger(speed)).toBe(true);
      for (const [value, perUnit] of [
        [pressure, 100],
        [current, 20],
        [temperature, 10],
      ] as const) {
        expect(Math.round(value * perUnit) / perUnit).toBe(value);
      }
    }
  });

  it("takes an interval of its own", () => {
    const slow = record(2, 100, undefined, { interval: 60 });
    expect(slow.some(([speed]) => speed > 1700)).toBe(true);
    expect(() => createPump(2, { interval: 0 })).toThrow("Pump interval is 0 s, expected a positive number");
  });
});

describe("failBearing", () => {
  it("changes nothing before its step", () => {
    expect(record(11, 500, 500)).toEqual(record(11, 500));
  });

  it("ramps the friction up and leaves it there", () => {
    const pump = createPump(11);
    pump.failBearing(10, { rampSteps: 20, friction: 3 });
    const friction = Array.from({ length: 60 }, () => {
      pump.next();
      return pump.friction;
    });
    expect(friction[0]).toBe(1);
    expect(friction[19]).toBe(2);
    expect(friction[59]).toBe(3);
  });

  it("raises bearing temperature and current, and leaves speed and pressure alone", () => {
    for (let seed = 20; seed < 30; seed++) {
      const healthy = record(seed, 800);
      const failing = record(seed, 800, 300);
      const late = (samples: typeof healthy, input: number) =>
        mean(samples.slice(500).map((sample) => sample[input] as number));
      expect(late(failing, TEMPERATURE)).toBeGreaterThan(late(healthy, TEMPERATURE) + 20);
      expect(late(failing, CURRENT)).toBeGreaterThan(late(healthy, CURRENT) + 1);
      expect(Math.abs(late(failing, SPEED) - late(healthy, SPEED))).toBeLessThan(2);
      expect(Math.abs(late(failing, PRESSURE) - late(healthy, PRESSURE))).toBeLessThan(0.02);
    }
  });
});
