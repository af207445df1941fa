import { describe, expect, it } from "vitest";
import { bytes, moment, rate, reading, score, span } from "../../../host/web/client/format.ts";
import { deviceHref, parseRoute } from "../../../host/web/client/route.ts";
import { rangeOf } from "../../../host/web/client/rows.ts";
import { stateWords } from "../../../host/web/client/words.ts";

describe("numbers and times of the page", () => {
  it.each([
    [reading(2951.26, "rpm"), "2,951 rpm"],
    [reading(0), "0"],
    [reading(-0.000012), "-1.20e-5"],
    [reading(null, "bar"), "–"],
    [score(-2.14), "−2.1"],
    [score(0), "+0.0"],
    [span(2400), "2 s"],
    [span(150_000), "3 min"],
    [span(5_400_000), "1 h 30 min"],
    [span(400_000_000), "5 days"],
    [rate(50), "20 a second"],
    [rate(60_000), "every 1 min"],
    [rate(null), "–"],
    [bytes(12_345_678), "12.35 MB"],
  ])("prints %s", (text, expected) => expect(text).toBe(expected));

  it("has the date of a time that is not today's", () => {
    const noon = new Date(2026, 4, 3, 12, 0, 0).getTime();
    expect(moment(noon, noon + 1000)).toBe("12:00:00");
    expect(moment(noon, noon + 86_400_000)).toBe("3 May 12:00:00");
  });
});

describe("stateWords", () => {
  const fine = { attention: "fine" as const, isMuted: false, warmup: 0, seen: 0 };

  it.each([
    [fine, "Fine"],
    [{ ...fine, isMuted: true }, "Muted"],
    [{ ...fine, warmup: 3 }, "Warming up"],
    [{ ...fine, attention: "learning" as const, learning: 0.456 }, "Learning, 45 %"],
    [{ ...fine, attention: "stale" as const }, "Silent for 1 min"],
    [{ ...fine, attention: "alarm" as const, isMuted: true }, "In alarm"],
  ])("says of %j: %s", (state, words) => expect(stateWords(state, 60_000)).toBe(words));
});

describe("places of the page", () => {
  it("carry any name", () => {
    for (const device of ["a/b", "<b>", "%2e%2e", "ü ", "#", "?x=1"]) {
      expect(parseRoute(deviceHref("pump", device))).toEqual({ view: "device", stream: "pump", device });
    }
  });

  it("are the list of devices where they are none", () => {
    expect(["", "#/", "#/x", "#/device/a", "#/device/a/%"].map((hash) => parseRoute(hash).view)).toEqual(
      Array(5).fill("devices"),
    );
    expect(parseRoute("#/host")).toEqual({ view: "host" });
  });
});

describe("rangeOf", () => {
  it("asks for more than is in view, in steps, so that scrolling a little asks for nothing", () => {
    expect(rangeOf(0, 12)).toEqual({ from: 0, count: 80 });
    expect(rangeOf(45, 12)).toEqual({ from: 20, count: 80 });
    expect(rangeOf(59, 12)).toEqual(rangeOf(45, 12));
    expect(rangeOf(9990, 1000).count).toBe(400);
  });
});
