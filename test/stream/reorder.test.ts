import { describe, expect, it } from "vitest";
import { Reorder } from "../../host/stream/reorder.ts";

/** Gives readings to a reorder, and keeps the order in which they come out. */
function setUp(isCounted: boolean, most = 64) {
  const reorder = new Reorder<number>({ waitMs: 100, most, isCounted });
  const out: number[] = [];
  const look = (now: number) => {
    for (const value of reorder.due(now, out.at(-1))) out.push(value);
  };
  return {
    reorder,
    out,
    look,
    take(value: number, now = 0) {
      reorder.add(value, value, now);
      look(now);
    },
  };
}

describe("readings that are counted", () => {
  it("go on at once where none is missing", () => {
    const { out, take } = setUp(true);
    for (const value of [7, 8, 9]) take(value);
    expect(out).toEqual([7, 8, 9]);
  });

  it("wait for the one that is missing, and follow it", () => {
    const { out, take } = setUp(true);
    for (const value of [1, 4, 3, 5]) take(value);
    expect(out).toEqual([1]);
    take(2);
    expect(out).toEqual([1, 2, 3, 4, 5]);
  });

  it("go on without it after a time, those behind them with them", () => {
    const { out, take, look, reorder } = setUp(true);
    take(1);
    take(3, 10);
    take(4, 50);
    expect(reorder.deadline).toBe(110);
    look(109);
    expect(out).toEqual([1]);
    look(110);
    expect(out).toEqual([1, 3, 4]);
    expect(reorder.deadline).toBeUndefined();
  });

  it("go on when too many wait", () => {
    const { out, take } = setUp(true, 3);
    for (const value of [1, 3, 5, 7, 9]) take(value);
    expect(out).toEqual([1, 3]);
  });
});

describe("readings with times", () => {
  it("wait, each its time, and come out in order", () => {
    const { out, take, look } = setUp(false);
    take(2000, 0);
    take(1000, 40);
    take(3000, 60);
    expect(out).toEqual([]);
    look(100);
    expect(out).toEqual([1000, 2000]);
    look(160);
    expect(out).toEqual([1000, 2000, 3000]);
  });
});

describe("what waits", () => {
  it("is known, and can be had at once", () => {
    const { reorder, take } = setUp(false);
    take(5);
    take(3);
    expect([reorder.has(3), reorder.has(4), reorder.isOvertaken(4), reorder.isOvertaken(6)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(reorder.drain()).toEqual([3, 5]);
    expect(reorder.deadline).toBeUndefined();
  });
});
