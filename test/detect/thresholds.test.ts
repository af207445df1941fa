import { describe, expect, it } from "vitest";
import { extremeTail, sharesOf, startOf, tailOf, trackerOf, withRate } from "../../host/detect/thresholds.ts";

const Q24 = 2 ** 24;

/** 1,000 scores of 0, with others at some rows: fewer than 2 %, so that 0 is the quantile. */
function scores(peaks: Readonly<Record<number, number>>): Float64Array {
  const all = new Float64Array(1000);
  for (const [row, value] of Object.entries(peaks)) all[Number(row)] = value;
  return all;
}

describe("tailOf", () => {
  it("takes rows within 20 of one another for one peak, as high as the highest", () => {
    const tail = tailOf(scores({ 100: 1, 120: 3, 140: 2, 161: 4 }));
    // 100, 120 and 140 hang together; 161 is 21 rows later.
    expect(tail).toEqual({ base: 0, rate: 2 / 1000, excess: (3 + 4) / 2 });
  });

  it("counts a peak at the first row and one at the last", () => {
    expect(tailOf(scores({ 0: 1, 999: 2 }))).toEqual({ base: 0, rate: 2 / 1000, excess: 1.5 });
  });

  it("assumes one peak of half a unit where none stands out, and a tenth at least", () => {
    expect(tailOf(new Float64Array(500))).toEqual({ base: 0, rate: 1 / 500, excess: 0.5 });
    expect(tailOf(scores({ 5: 0.01 })).excess).toBe(0.1);
  });
});

describe("startOf", () => {
  const tail = { base: 2, rate: 0.01, excess: 0.5 };

  it("is higher by the excess for alarms e times rarer, and never below the base", () => {
    expect(startOf(tail, 0.01 / Math.E)).toBeCloseTo(2.5, 12);
    expect(startOf(tail, 0.01)).toBe(2);
    expect(startOf(tail, 0.1)).toBe(2);
  });
});

describe("the tracker", () => {
  it("gives new extremes half of the share of others", () => {
    expect(sharesOf(["sensor", "noise", "extreme"])).toEqual([0.4, 0.4, 0.2]);
  });

  it("starts extremes at 5 % of the range, higher with more channels, whatever the rate", () => {
    expect(startOf(extremeTail(1), 1e-9)).toBe(-4.3);
    expect(startOf(extremeTail(8), 0.5)).toBeCloseTo(-1.3, 12);
  });

  it("falls between two alarms as much as an alarm raises", () => {
    const rates = [0.01, 0.002];
    const tails = [extremeTail(1), { base: 3, rate: 0.002, excess: 0.25 }];
    const { fall, everyLog2, rise, start, tail, hold, renew } = trackerOf(tails, rates);
    expect({ rise, hold, renew, everyLog2 }).toEqual({
      rise: Math.floor(0.87 * Q24),
      hold: 20,
      renew: 10,
      everyLog2: 0,
    });
    for (const [k, rate] of rates.entries()) expect(fall[k]! / rise / rate).toBeCloseTo(1, 3);
    expect([...start]).toEqual([Math.round(-4.3 * Q24), 3 * Q24]);
    expect([...tail!]).toEqual([0, Q24 / 4]);
  });

  it("falls every so many rows where a fall a row would be a few units: 1,024 at least", () => {
    const { fall, everyLog2, rise } = trackerOf([extremeTail(1)], [1e-6]);
    // 14.6 units a row: 128 rows make 1,868, and 64 make 934.
    expect(everyLog2).toBe(7);
    expect(fall[0]! / (rise * 128) / 1e-6).toBeCloseTo(1, 3);
    const rarest = trackerOf([extremeTail(1)], [1e-12]);
    expect([rarest.everyLog2, rarest.fall[0]]).toEqual([12, 1]);
  });

  it("keeps starts within 60 either way", () => {
    const { start } = trackerOf(
      [
        { base: 100, rate: 1, excess: 0 },
        { base: -100, rate: 1, excess: 0 },
      ],
      [1, 1],
    );
    expect([...start]).toEqual([60 * Q24, -60 * Q24]);
  });

  it("falls slower and starts higher for fewer alarms, as if it had been made for them", () => {
    const tails = [{ base: 1, rate: 0.02, excess: 0.5 }, extremeTail(1)];
    const made = trackerOf(tails, [0.01, 0.005]);
    const fewer = withRate(made, 0.1);
    const expected = trackerOf(tails, [0.001, 0.0005]);
    expect(fewer.everyLog2).toBe(expected.everyLog2);
    for (const k of [0, 1]) {
      expect(Math.abs(fewer.fall[k]! - expected.fall[k]!)).toBeLessThanOrEqual(1);
      expect(Math.abs(fewer.start[k]! - expected.start[k]!)).toBeLessThanOrEqual(8);
    }
    const { tail: _, ...old } = made;
    expect([...withRate(old, 0.1).start]).toEqual([...made.start]);
  });
});
