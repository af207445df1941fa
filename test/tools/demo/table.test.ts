import { describe, expect, it } from "vitest";
import { renderFrame, renderLegend, renderTable, sparkline } from "../../../tools/demo/table.ts";
import { HISTORY, PumpWatch } from "../../../tools/demo/watch.ts";
import { openScreen } from "../../../tools/screen.ts";
import { Sink } from "../../support/cli.ts";

const SAMPLE = [2310, 4.125, 13.25, 48.31];

/** A pump whose answers had these scores; with a cause it is in alarm. */
function watchPump(scores: readonly number[], name = "pump-07", cause?: string): PumpWatch {
  const watch = new PumpWatch({ name, warmup: 2 });
  scores.forEach((score, i) => {
    watch.observe({ prediction: [2300, 4, 13, 48.5], score, n: i + 1 }, SAMPLE);
  });
  if (cause !== undefined) watch.alarm({ alarm: true, cause: [{ input: cause }], n: scores.length });
  return watch;
}

describe("sparkline", () => {
  it("draws the newest score on the right, from the lowest bar to the highest", () => {
    expect(sparkline([-9, -4, 0, 3, 99])).toBe("▁▁▅██".padStart(HISTORY));
  });
});

describe("renderTable", () => {
  it("has a line for each pump, at most 80 columns wide", () => {
    const alarm = watchPump(Array(300).fill(12.34), "pump-12", "bearing_temperature");
    const lines = renderTable([watchPump([]), alarm, watchPump([-2, -2, -2])], false);
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[2]).toMatch(/^pump-07 .* warm-up$/);
    expect(lines[3]).toMatch(/^pump-12 +2310 +4\.13 +13\.3 +48\.3 +48\.5 .*█ 12\.3 {2}bearing\?$/);
    expect(lines[4]).toMatch(/ -2\.0 {2}ok$/);
  });

  it("does not call a pump fine whose alarm has ended", () => {
    const watch = watchPump([-2, 1, 1, -1], "pump-07", "bearing_temperature");
    watch.alarm({ alarm: false, cause: [], n: 5 });
    const [, , line = ""] = renderTable([watch], false);
    expect(line).toMatch(/ -1\.0 {2}alarmed$/);
    expect(line.length).toBeLessThanOrEqual(80);
  });

  it("is red where there is an alarm, and only with colours", () => {
    const suspect = watchPump(Array(300).fill(1), "pump-01", "current");
    expect(renderTable([suspect], true).at(-1)).toContain("\x1b[31m");
    expect(renderTable([suspect], false).join("")).not.toContain("\x1b");
    expect(renderTable([suspect], false).at(-1)).toContain("current?");
  });
});

describe("renderFrame", () => {
  const pumps = Array.from({ length: 12 }, (_, i) =>
    watchPump(Array(300).fill(12.34), `pump-${i + 1}`, i === 10 ? "bearing_temperature" : undefined),
  );
  const frame = (columns: number, rows: number, shown = pumps) =>
    renderFrame({ stats: "stats", pumps: shown, news: ["event", "page: x"] }, { columns, rows, hasColors: false });

  it("shows everything where there is room", () => {
    expect(frame(80, 24)).toHaveLength(21);
    expect(frame(80, 24)).toContain(renderLegend(false)[0]);
  });

  it.each([
    [60, 12],
    [80, 12],
    [62, 20],
    [70, 8],
  ])("keeps the state of each pump on a terminal of %i x %i, and counts those that are hidden", (columns, rows) => {
    const lines = frame(columns, rows);
    expect(lines.length).toBeLessThan(rows);
    for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(columns);
    const shown = lines.filter((line) => /^pump-\d+ .*(ok|bearing\?)$/.test(line));
    const hidden = 12 - shown.length;
    const rest = lines.filter((line) => line.startsWith("…"));
    expect(rest).toEqual(hidden === 0 ? [] : [`… ${hidden} more pumps${hidden > 1 ? ", pump-11 bearing?" : ""}`]);
    expect(lines.slice(-2)).toEqual(["event", "page: x"]);
  });

  it("hides no pump to say that one is hidden", () => {
    expect(frame(80, 9, pumps.slice(0, 4)).filter((line) => line.startsWith("pump-"))).toHaveLength(4);
  });
});

describe("renderLegend", () => {
  it("fits into 80 columns", () => {
    for (const line of renderLegend(false)) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe("openScreen", () => {
  it("draws each frame over the one before and gives the cursor back", () => {
    const terminal = new Sink();
    const screen = openScreen(terminal);
    screen.draw(["a", "b"]);
    screen.draw(["c"]);
    screen.close();
    expect(terminal.text).toBe("\x1b[?25l\x1b[?7la\x1b[K\nb\x1b[K\n\x1b[J\x1b[2Ac\x1b[K\n\x1b[J\x1b[?7h\x1b[?25h");
  });
});
