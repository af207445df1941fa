import { describe, expect, it } from "vitest";
import { openScreen } from "../../../tools/demo/screen.ts";
import { renderLegend, renderTable, sparkline } from "../../../tools/demo/table.ts";
import { HISTORY, PumpWatch, THRESHOLD } from "../../../tools/demo/watch.ts";
import { Sink } from "../../support/cli.ts";

const SAMPLE = [2310, 4.125, 13.25, 48.31];

function watchPump(residuals: readonly number[], name = "pump-07"): PumpWatch {
  const watch = new PumpWatch({ name, sigma: 0.1, warmup: 2 });
  residuals.forEach((residual, i) => {
    watch.observe({ prediction: [2300, 4, 13, 48.5], residual: [0, 0, 0, residual], n: i + 1 }, SAMPLE);
  });
  return watch;
}

describe("sparkline", () => {
  it("draws the newest score on the right, from the lowest bar to the highest", () => {
    expect(sparkline([0, THRESHOLD, 2 * THRESHOLD, 99])).toBe("▁▄██".padStart(HISTORY));
  });
});

describe("PumpWatch", () => {
  it("does not judge before the warm-up is over", () => {
    expect(watchPump([99, 99])).toMatchObject({ isWarm: false, score: 0, isSuspect: false, next: 48.5 });
  });

  it("stays calm while residuals are as large as a healthy pump's", () => {
    expect(watchPump(Array(200).fill(-0.1))).toMatchObject({ isWarm: true, isSuspect: false, detectedAt: undefined });
  });

  it("suspects the bearing when residuals stay large, and remembers when that began", () => {
    const watch = watchPump([...Array(50).fill(0.1), ...Array(50).fill(1)]);
    expect(watch.isSuspect).toBe(true);
    expect(watch.detectedAt).toBeGreaterThan(50);
    expect(watch.detectedAt).toBeLessThan(60);
  });
});

describe("renderTable", () => {
  it("has a line for each pump, at most 80 columns wide", () => {
    const lines = renderTable([watchPump([]), watchPump(Array(300).fill(2000), "pump-12")], false);
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[2]).toMatch(/^pump-07 .* warm-up$/);
    expect(lines[3]).toMatch(/^pump-12 +2310 +4\.13 +13\.3 +48\.3 +48\.5 .*█ 99\.9 {2}bearing\?$/);
  });

  it("is red where a bearing fails, and only with colours", () => {
    const suspect = watchPump(Array(300).fill(1));
    expect(renderTable([suspect], true).at(-1)).toContain("\x1b[31m");
    expect(renderTable([suspect], false).join("")).not.toContain("\x1b");
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
