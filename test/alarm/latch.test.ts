import { describe, expect, it } from "vitest";
import { type Explanation, Latch } from "../../host/alarm/latch.ts";
import type { AlarmSettings } from "../../host/alarm/types.ts";

const why = (text: string): Explanation => ({ cause: [], text });

/**
 * Runs a latch over rows a minute apart, "x" in alarm with score 1, digits with theirs, "." not, "u" neither, but unusual; tells the
 * changes by row.
 */
function run(rows: string, settings: AlarmSettings) {
  const latch = new Latch(settings);
  return [...rows].flatMap((row, t) => {
    const isActive = row !== "." && row !== "u";
    const score = !isActive ? -1 : row === "x" ? 1 : Number(row);
    const judged = { isActive, isUnusual: row !== ".", score, at: t * 60_000, time: 1000 + t };
    const change = latch.take(judged, () => why(`row ${t}`));
    if (change === undefined) return [];
    const { isAlarm, since, score: peak, text, lastedMs } = change;
    return [[t, isAlarm, since - 1000, peak, text, lastedMs]];
  });
}

const active = (at: number, time: number) => ({ isActive: true, isUnusual: true, score: 1, at, time });

describe("Latch", () => {
  it("tells an alarm at its first row, and its end at the first row without", () => {
    expect(run("..x2x..", {})).toEqual([
      [2, true, 2, 1, "row 2", undefined],
      [5, false, 5, 2, "", 3],
    ]);
  });

  it("tells an alarm that lasts long enough, with the time it began and its worst row", () => {
    expect(run("..xx.x3x..", { minDurationMs: 120_000 })).toEqual([
      [7, true, 5, 3, "row 6", undefined],
      [8, false, 8, 3, "", 3],
    ]);
  });

  it("ends an alarm when it was quiet long enough, so that one that comes and goes is one", () => {
    expect(run(".x..x...x", { holdMs: 120_000 })).toEqual([
      [1, true, 1, 1, "row 1", undefined],
      [7, false, 7, 1, "", 6],
      [8, true, 8, 1, "row 8", undefined],
    ]);
  });

  it("goes on while readings are far from usual, for so long at most", () => {
    expect(run(".xuuu.uu.x", { whileUnusualMs: 600_000 })).toEqual([
      [1, true, 1, 1, "row 1", undefined],
      [5, false, 5, 1, "", 4],
      [9, true, 9, 1, "row 9", undefined],
    ]);
    expect(run("uuxuuuuu", { whileUnusualMs: 180_000 })).toEqual([
      [2, true, 2, 1, "row 2", undefined],
      [5, false, 5, 1, "", 3],
    ]);
    expect(run("xuuuxxxu", { whileUnusualMs: 240_000 })).toEqual([
      [0, true, 0, 1, "row 0", undefined],
      [7, false, 7, 1, "", 7],
    ]);
    expect(run(".xuu..", { whileUnusualMs: 600_000, holdMs: 60_000 }).at(-1)).toEqual([5, false, 5, 1, "", 4]);
    expect(run("xuuuu", {}).at(-1)).toEqual([1, false, 1, 1, "", 1]);
    expect(run("xuux", { whileUnusualMs: 600_000, minDurationMs: 120_000 })).toEqual([]);
  });

  it("ends an alarm on demand, without a score; nothing when there is none, or none was told yet", () => {
    const latch = new Latch({ minDurationMs: 60_000 });
    latch.take(active(0, 5), () => why("first"));
    expect(latch.end(6)).toBeUndefined();
    expect(latch.take(active(0, 7), () => why("second"))).toBeUndefined();
    expect(latch.take(active(60_000, 8), () => why("third"))).toMatchObject({
      isAlarm: true,
      since: 7,
      text: "second",
    });
    expect(latch.end(9)).toEqual({ isAlarm: false, since: 9, score: null, cause: [], text: "", lastedMs: 2 });
    expect(latch.end(9)).toBeUndefined();
  });
});
