import { describe, expect, it } from "vitest";
import { BinRing, Gathering, short, thin, toColumns } from "../../host/web/bins.ts";

const binOf = (time: number, ...samples: number[][]) => {
  const gathering = new Gathering(samples[0]?.length ?? 0);
  for (const sample of samples) gathering.add(sample, time);
  return gathering.bin();
};

describe("Gathering", () => {
  it("answers the least, mean and greatest value of each series", () => {
    const bin = binOf(1000, [1, 10], [2, 40], [6, 10]);
    expect({ ...bin, mean: [...bin.mean], min: [...bin.min], max: [...bin.max] }).toEqual({
      time: 1000,
      count: 3,
      mean: [3, 20],
      min: [1, 10],
      max: [6, 40],
    });
  });

  it("leaves out what is not there, and has NaN for a series without values", () => {
    const bin = binOf(0, [1, Number.NaN], [3, Number.NaN], [Number.NaN, Number.NaN]);
    expect([bin.count, ...bin.mean, ...bin.min, ...bin.max]).toEqual([3, 2, Number.NaN, 1, Number.NaN, 3, Number.NaN]);
  });

  it("adds bins by their samples", () => {
    const whole = new Gathering(1);
    whole.addBin(binOf(5, [1], [2], [3]));
    whole.addBin(binOf(9, [10]));
    const bin = whole.bin();
    expect([bin.time, bin.count, bin.mean[0], bin.min[0], bin.max[0]]).toEqual([5, 4, 4, 1, 10]);
    whole.clear();
    expect(whole.count).toBe(0);
    expect(whole.bin().mean[0]).toBeNaN();
  });
});

describe("BinRing", () => {
  it("keeps the latest bins, in order, while it grows and when it is full", () => {
    const ring = new BinRing(2);
    for (let t = 0; t < 100; t++) ring.push(binOf(t, [t, -t]), 40);
    expect(ring.length).toBe(40);
    expect([ring.at(0).time, ring.at(39).time]).toEqual([60, 99]);
    expect(ring.since(97).map(({ mean }) => [...mean])).toEqual([
      [97, -97],
      [98, -98],
      [99, -99],
    ]);
  });

  it("lets go of memory when fewer are to be kept", () => {
    const ring = new BinRing(1);
    for (let t = 0; t < 64; t++) ring.push(binOf(t, [t]), 64);
    ring.push(binOf(64, [64]), 16);
    expect(ring.length).toBe(16);
    expect([ring.at(0).time, ring.at(15).time]).toEqual([49, 64]);
  });
});

describe("thin", () => {
  it("joins neighbours until few enough are left, and loses no extreme", () => {
    const bins = Array.from({ length: 10 }, (_, t) => binOf(t, [t === 4 ? 99 : t]));
    const thinned = thin(bins, 4);
    expect(thinned.map(({ time, count }) => [time, count])).toEqual([
      [0, 3],
      [3, 3],
      [6, 3],
      [9, 1],
    ]);
    expect(thinned[1]?.max[0]).toBe(99);
    expect(thin(bins, 10)).toBe(bins);
  });
});

describe("toColumns", () => {
  it("has a column for each series, null for none, and no extremes of single samples", () => {
    const single = [binOf(1, [1.23456789, Number.NaN]), binOf(2, [2, 5])];
    expect(toColumns(single, 2)).toEqual({
      time: [1, 2],
      count: [1, 1],
      mean: [
        [1.234568, 2],
        [null, 5],
      ],
    });
    expect(toColumns([binOf(1, [1], [3])], 1)).toMatchObject({ mean: [[2]], min: [[1]], max: [[3]] });
  });
});

describe("short", () => {
  it("keeps seven digits", () => expect([short(1 / 3), short(Number.NaN)]).toEqual([0.3333333, null]));
});
