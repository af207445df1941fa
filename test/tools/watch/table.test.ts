import { describe, expect, it } from "vitest";
import type { DeviceView } from "../../../tools/watch/board.ts";
import { numberText, rateText, renderWatch, type TableOptions } from "../../../tools/watch/table.ts";
import { device, START } from "./views.ts";

const options = (more: Partial<TableOptions> = {}): TableOptions => ({
  columns: 80,
  rows: 24,
  hasColors: false,
  now: START + 1000,
  broker: "mqtt://plant",
  isConnected: true,
  host: "online",
  ...more,
});

const FLEET = Array.from({ length: 30 }, (_, i) =>
  device({ device: `hall-${i}`, ...(i === 0 ? { alarm: "bearing_temperature" } : {}) }),
);

describe("the table", () => {
  it("has a line for each device", () => {
    expect(renderWatch([device(), device({ device: "8", alarm: "" })], options())).toEqual([
      "mqtt://plant, host online, 2 devices, 1 alarm, 4.0/s",
      "device              rate         values    next residual score  state",
      "pump/7             2.0/s      1480 3.25    1481     -0.5  -1.3  ok",
      "pump/8             2.0/s      1480 3.25    1481     -0.5  -1.3  ALARM",
    ]);
  });

  it.each([
    [{ alarm: "bearing" }, "ALARM bearing"],
    [{ health: "stale" as const, since: START - 899_000 }, "stale 15 min"],
    [{ health: "stuck" as const, since: START - 7_199_000 }, "stuck 2 h"],
    [{ learning: 0.637 }, "learning 63 %"],
    [{ warmup: 12 }, "warm-up 12"],
    [{ last: 0 }, "nothing yet"],
    [{ last: START - 119_000 }, "2 min ago"],
    [{ isAnswered: false }, "no answer"],
  ])("says how a device is: %j", (more, state) => {
    expect(
      renderWatch([device(more)], options())
        .at(-1)
        ?.slice(-state.length - 2),
    ).toBe(`  ${state}`);
  });

  it.each([
    [80, 24],
    [60, 12],
    [40, 8],
  ])("fits a terminal of %i x %i, with the state of every line", (columns, rows) => {
    const lines = renderWatch(FLEET, options({ columns, rows }));
    expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThanOrEqual(columns);
    expect(lines.length).toBeLessThan(rows);
    expect(lines[2]).toContain("ALARM bearing_");
    expect(lines.slice(3, -1).every((line) => line.endsWith("  ok"))).toBe(true);
    const hidden = 30 - (lines.length - 3);
    expect(lines.at(-1)).toBe(`… ${hidden} more, all quiet`);
  });

  it("tells that devices below need attention", () => {
    const fleet = FLEET.map((one) => ({ ...one, alarm: "" }));
    expect(renderWatch(fleet, options({ rows: 10 })).at(-1)).toMatch(/^… \d+ more, \d+ of them need attention$/);
  });

  it("shows values where any device has some, and no column of them where none has", () => {
    const silent = device({ values: [] });
    const title = (devices: DeviceView[]) => renderWatch(devices, options())[1];
    expect(title([silent, device()])).toContain("values");
    expect(title([silent])).not.toContain("values");
    expect(title([])).not.toContain("values");
  });

  it("shows the first two values, and no time before a fault began", () => {
    const line = renderWatch([device({ values: [1, 2, 3] })], options())[2];
    expect(line).toMatch(/ 1 2 +1481 /);
    const early = device({ health: "stale", since: START + 5000 });
    expect(renderWatch([early], options())[2]).toMatch(/ {2}stale 0 ms$/);
  });

  it("leaves columns out from the least important on, and cuts names after those", () => {
    const titles = (columns: number, name = "7") =>
      renderWatch([device({ device: name })], options({ columns }))[1]
        ?.trim()
        .split(/ +/)
        .slice(1, -1);
    expect(titles(80)).toEqual(["rate", "values", "next", "residual", "score"]);
    // 16 for a name, 18 for the state: 46 for columns of 15, 8, 6, 8 and 9.
    expect(titles(79)).toEqual(["rate", "values", "next", "score"]);
    expect(titles(71)).toEqual(["rate", "values", "next", "score"]);
    expect(titles(70)).toEqual(["rate", "values", "score"]);
    expect(titles(62)).toEqual(["rate", "values"]);
    expect(titles(56)).toEqual(["values"]);
    expect(titles(48)).toEqual([]);
    // A long name takes the room of the prediction, not that of the score.
    const long = renderWatch([device({ device: "x".repeat(60) })], options({ columns: 80 }));
    expect(long[1]?.trim().split(/ +/).slice(1, -1)).toEqual(["rate", "values", "score"]);
    expect(long[2]).toMatch(/^pump\/x{27}… /);
  });

  it("counts what needs attention, and rates of all devices", () => {
    const [first] = renderWatch(
      [
        device({ alarm: "" }),
        device({ health: "stale" }),
        device({ health: "stuck" }),
        device({ health: "stuck", rate: undefined }),
      ],
      options({ columns: 120, isConnected: false, host: undefined }),
    );
    expect(first).toBe("mqtt://plant (no connection), no host, 4 devices, 1 alarm, 1 stale, 2 stuck, 6.0/s");
    expect(renderWatch([device({ rate: undefined })], options())[0]).toBe("mqtt://plant, host online, 1 device");
  });

  it("says how long a device is silent after a minute, and not before", () => {
    const state = (silence: number) => renderWatch([device({ last: START })], options({ now: START + silence }))[2];
    expect(state(60_000)).toMatch(/ {2}ok$/);
    expect(state(60_001)).toMatch(/ {2}1 min ago$/);
  });

  it("lets no name break a line", () => {
    const lines = renderWatch([device({ device: "a\nb\u001b[31m" })], options());
    expect(lines).toHaveLength(3);
    expect(lines.join("")).not.toContain("\u001b");
  });

  it.each([
    [1234.567, "1234.6"],
    [0.0001234, "1.2e-4"],
    [1e7, "1.0e+7"],
    [21.456, "21.46"],
    [Number.NaN, "–"],
    [undefined, "–"],
    [0, "0"],
    [99_999, "99999"],
    [1e5, "1.0e+5"],
    [0.001, "0.001"],
    [0.00099, "9.9e-4"],
    [-0.0005, "-5.0e-4"],
    [999.94, "999.9"],
    [1000.04, "1000"],
  ])("prints %d as %s", (value, text) => {
    expect(numberText(value)).toBe(text);
  });

  it.each([
    [12, "12/s"],
    [0.2, "12/min"],
    [0.001, "3.6/h"],
    [1, "1.0/s"],
    [1 / 60, "1.0/min"],
    [9.94, "9.9/s"],
    [10, "10/s"],
    [undefined, ""],
  ])("prints %d a second as %s", (rate, text) => {
    expect(rateText(rate)).toBe(text);
  });
});
