import { describe, expect, it } from "vitest";
import { RowClock } from "../../host/alarm/rows.ts";

const MINUTE = 60_000;
const timed = (period = 1) => new RowClock({ intervalMs: MINUTE, period, isTimed: true });
const take = (clock: RowClock, times: readonly number[]) => times.map((time) => clock.take(time));

describe("RowClock with times", () => {
  it("numbers rows by the time, so that missed rows count", () => {
    expect(
      take(
        timed(),
        [0, 1, 2, 7].map((t) => t * MINUTE),
      ),
    ).toEqual([0, 1, 2, 7]);
    expect(timed().take(1_732_000_020_000)).toBe(28_866_667);
  });

  it("leaves out a second sample of a row, and one that comes too late", () => {
    expect(
      take(
        timed(),
        [5, 5.1, 4, 6].map((t) => t * MINUTE),
      ),
    ).toEqual([5, undefined, undefined, 6]);
  });

  it("takes every sample of a device whose times wander about the middle between two rows", () => {
    const times = Array.from({ length: 200 }, (_, t) => (t + 0.5 + (t % 2 === 0 ? 0.02 : -0.02)) * MINUTE);
    const rows = take(timed(), times);
    expect(rows.every((row) => row !== undefined)).toBe(true);
    expect(rows.at(-1)! - rows[0]!).toBeLessThanOrEqual(200);
  });

  it("never runs ahead of a device that sends too often", () => {
    const rows = take(
      timed(),
      Array.from({ length: 300 }, (_, t) => 0.7 * t * MINUTE),
    ).filter((row) => row !== undefined);
    expect(rows.at(-1)).toBeLessThanOrEqual(211);
    expect(rows.length).toBeGreaterThan(200);
    expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
  });

  it("believes a clock that was set back after 32 samples, and keeps the time of day", () => {
    const clock = timed(1440);
    clock.take(10_000 * MINUTE);
    const rows = take(
      clock,
      Array.from({ length: 40 }, (_, t) => (100 + t) * MINUTE),
    );
    expect(rows.slice(0, 32).every((row) => row === undefined)).toBe(true);
    const first = rows[32]!;
    expect(first).toBeGreaterThan(10_033);
    expect(first % 1440).toBe(132);
    expect(rows[39]).toBe(first + 7);
  });

  it("begins at 0 or above before 1970, with the time of day", () => {
    const row = timed(1440).take(-100 * MINUTE)!;
    expect(row).toBe(1340);
  });

  it("goes on from its state", () => {
    const whole = timed(1440);
    const before = timed(1440);
    const times = [9000, 9001, ...Array.from({ length: 50 }, (_, t) => 10 + t)].map((t) => t * MINUTE);
    const expected = take(whole, times);
    const head = take(before, times.slice(0, 20));
    const after = timed(1440);
    Object.assign(after.state, before.state);
    expect([...head, ...take(after, times.slice(20))]).toEqual(expected);
  });
});

describe("RowClock without times", () => {
  it("counts samples, however they arrive, and takes a long silence for a gap", () => {
    const clock = new RowClock({ intervalMs: MINUTE, period: 1, isTimed: false });
    expect(
      take(
        clock,
        [0, 1, 1, 1, 34, 68].map((t) => t * MINUTE),
      ),
    ).toEqual([0, 1, 2, 3, 4, 38]);
  });

  it("counts without an interval, whatever the times", () => {
    const clock = new RowClock({ intervalMs: undefined, period: 1, isTimed: true });
    expect(take(clock, [0, 9e9, 5])).toEqual([0, 1, 2]);
  });
});
