import { describe, expect, it } from "vitest";
import { createPacer, systemClock } from "../../../tools/replay/pace.ts";

describe("createPacer", () => {
  it("has every row due at once without a pace", () => {
    const dueAt = createPacer({ kind: "max" });
    expect([dueAt(0, ""), dueAt(1000, "")]).toEqual([0, 0]);
  });

  it("spaces rows evenly", () => {
    const dueAt = createPacer({ kind: "rate", rowsPerSecond: 50 });
    expect([dueAt(0, ""), dueAt(1, ""), dueAt(3, "")]).toEqual([0, 20, 60]);
  });

  it("spaces rows as they were recorded, so many times as fast", () => {
    const dueAt = createPacer({ kind: "speed", factor: 10 });
    const times = ["2024-01-01 00:00:00", " 2024-01-01T00:05:00Z ", "2024-01-01 00:05:00.5"];
    expect(times.map((time, i) => dueAt(i, time))).toEqual([0, 30_000, 30_050]);
  });

  it.each([
    ["1732000000", "1732000001.5", 1500],
    ["-5", "5", 10_000],
    ["99999999998", "99999999999", 1000],
    ["-99999999999", "-99999999998", 1000],
    ["100000000000", "100000000001", 1],
    ["-100000000001", "-100000000000", 1],
    ["1732000000000", "1732000001500", 1500],
  ])("reads numbers as Unix seconds or milliseconds: %s, %s", (first, second, ms) => {
    const dueAt = createPacer({ kind: "speed", factor: 1 });
    expect(dueAt(0, first)).toBe(0);
    expect(dueAt(1, second)).toBe(ms);
  });

  it.each(["", "  ", "soon", "12h"])("refuses %j as a time", (text) => {
    const dueAt = createPacer({ kind: "speed", factor: 1 });
    expect(() => dueAt(0, text)).toThrow(new SyntaxError(`"${text}" is not a time`));
  });
});

describe("systemClock", () => {
  it("waits as long as it is told", async () => {
    const start = systemClock.now();
    expect(await systemClock.sleep(30, undefined)).toBe(true);
    expect(systemClock.now() - start).toBeGreaterThan(25);
  });

  it("answers false when the signal is aborted before or meanwhile", async () => {
    expect(await systemClock.sleep(60_000, AbortSignal.abort())).toBe(false);
    const stop = new AbortController();
    const waiting = systemClock.sleep(60_000, stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
    expect(await systemClock.sleep(1, new AbortController().signal)).toBe(true);
  });
});
