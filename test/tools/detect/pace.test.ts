// How far rows are apart, and the period, in every case.

import { describe, expect, it } from "vitest";
import { chooseInterval, choosePeriod } from "../../../tools/detect/pace.ts";
import { CliError, UsageError } from "../../../tools/errors.ts";

const asked = (of: { interval?: number; time?: string; period?: string } = {}) => ({
  data: "a.csv",
  period: "auto",
  ...of,
});

describe("chooseInterval", () => {
  it.each<[asked: number | undefined, found: number | undefined, ofModel: number | undefined, chosen: number]>([
    [60, undefined, undefined, 60],
    [60, 60, undefined, 60],
    // As far as times may be off.
    [60, 90, undefined, 60],
    [60, 40, undefined, 60],
    [undefined, 300, undefined, 300],
    [undefined, 70, 60, 60],
    [70, undefined, 60, 70],
    [undefined, undefined, 60, 60],
  ])("of %s asked for, %s found and %s of the model is %s", (interval, found, ofModel, chosen) => {
    expect(chooseInterval(asked(interval === undefined ? {} : { interval }), found, ofModel)).toBe(chosen);
  });

  it.each([91, 39])("contradicts times that are %s s apart", (found) => {
    const choose = () => chooseInterval(asked({ interval: 60 }), found, undefined);
    expect(choose).toThrow(CliError);
    expect(choose).toThrow(`a.csv: --interval is 60 s, the times say ${found} s`);
  });

  it.each([91, 39])("contradicts a model of 60 s where rows are %s s apart", (found) => {
    const text = `a.csv: Rows are ${found} s apart, the model was trained with 60 s`;
    expect(() => chooseInterval(asked(), found, 60)).toThrow(text);
    expect(() => chooseInterval(asked({ interval: found }), undefined, 60)).toThrow(text);
  });

  it("is asked for where nothing tells it", () => {
    expect(() => chooseInterval(asked(), undefined, undefined)).toThrow(UsageError);
    expect(() => chooseInterval(asked(), undefined, undefined)).toThrow("name the column of the time with --time, or");
    expect(() => chooseInterval(asked({ time: "t" }), undefined, undefined)).toThrow("the times do not tell it;");
  });
});

describe("choosePeriod", () => {
  const period = (text: string, interval = 900, rows = 1000) => choosePeriod(asked({ period: text }), interval, rows);

  it("is a day where it fits twice into the rows and has four of them", () => {
    expect([period("auto"), period("auto", 900, 192), period("auto", 900, 191)]).toEqual([96, 96, undefined]);
    expect([period("auto", 21_600), period("auto", 28_800)]).toEqual([4, undefined]);
  });

  it("is what is asked for", () => {
    expect([period("none"), period("day"), period("week", 3600), period("7"), period("2")]).toEqual([
      undefined,
      96,
      168,
      7,
      2,
    ]);
  });

  it.each(["1", "0", "2.5", "month", "-3"])("is not %s", (text) => {
    expect(() => period(text)).toThrow(UsageError);
    expect(() => period(text)).toThrow(`--period: Found ${text}, expected auto, none, day, week or a number of rows`);
  });

  it("is not a day of one row", () => {
    expect(() => period("day", 86_400)).toThrow("--period: Found day");
  });
});
