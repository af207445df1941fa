import { describe, expect, it } from "vitest";
import { parseDuration } from "../../host/alarm/duration.ts";

describe("parseDuration", () => {
  it.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["10m", 600_000],
    ["10 min", 600_000],
    ["2h", 7_200_000],
    ["1.5 d", 129_600_000],
    ["1w", 604_800_000],
    [90, 90_000],
    [0, 0],
  ])("reads %s", (value, ms) => expect(parseDuration(value)).toBe(ms));

  it.each(["", "10", "m", "-1m", "1e3s", "10 minutes", "999999w", Number.NaN, -1, Infinity, true, null, undefined, {}])(
    "refuses %s",
    (value) => expect(parseDuration(value)).toBeUndefined(),
  );
});
