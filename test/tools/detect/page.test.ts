import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPump } from "../../../tools/demo/pump.ts";
import type { PageData } from "../../../tools/detect/page/data.ts";
import { pageHtml } from "../../../tools/detect/page/html.ts";
import { Points } from "../../../tools/detect/page/points.ts";
import { chromiumFlags, chromiumPath } from "../../browser/page.ts";
import { cli } from "../../support/cli.ts";
import { needs } from "../../support/needs.ts";

let folder = "";
const at = (name: string) => path.join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "rivulet-page-"));
  const pump = (rows: number, seed: number, failsAt?: number) => {
    const source = createPump(seed);
    if (failsAt !== undefined) source.failBearing(failsAt);
    const lines = Array.from({ length: rows }, () => source.next().join(","));
    return ["speed,pressure,current,bearing_temperature", ...lines].join("\n");
  };
  writeFileSync(at("normal.csv"), pump(4000, 21));
  writeFileSync(at("failing.csv"), pump(1200, 22, 700));
  await cli(["calibrate", "models/pump.safetensors", "--data", at("normal.csv"), "-o", at("pump.safetensors")]);
  await cli(["detect", at("pump.safetensors"), at("failing.csv"), "--report", at("page.html")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("Points", () => {
  it("keeps every row while there are few", () => {
    const points = new Points(1);
    for (let row = 0; row < 5; row++) points.take(row, [row * row], [row], 9 - row);
    expect(points.rowsPerPoint).toBe(1);
    expect(points.columns()).toEqual({ x: [0, 1, 2, 3, 4], score: [9, 8, 7, 6, 5] });
    const squares = [0, 1, 4, 9, 16];
    expect(points.channel(0)).toEqual({ least: squares, greatest: squares, expected: [0, 1, 2, 3, 4] });
  });

  it("loses no extreme of a million rows, in bounded memory", () => {
    const points = new Points(1);
    for (let row = 0; row < 1_000_000; row++) {
      const value = row === 777_777 ? 50 : row === 333_333 ? -50 : Math.sin(row);
      points.take(row, [value], [null], row === 123_456 ? 3 : -3);
    }
    const { x, score } = points.columns();
    expect(points.rowsPerPoint).toBe(64);
    expect(x).toHaveLength(1_000_000 / 64);
    const { least, greatest, expected } = points.channel(0);
    expect(greatest[Math.floor(777_777 / 64)]).toBe(50);
    expect(least[Math.floor(333_333 / 64)]).toBe(-50);
    expect(score[Math.floor(123_456 / 64)]).toBe(3);
    expect(new Set(expected)).toEqual(new Set([null]));
  });
});

describe("pageHtml", () => {
  it("lets no name or cause become markup", () => {
    const channel = { name: "</script><b>x</b>", least: [1], greatest: [1], expected: [1], error: 1 };
    const alarm = { from: 0, to: 1, rows: 2, peak: 1, cause: "<img src=x>" };
    const html = pageHtml(
      { isTime: false, x: [0], rowsPerPoint: 1, channels: [channel], score: [0], alarms: [alarm] },
      { title: "<i>t</i>", lines: ["<em>"], place: String },
    );
    expect(html.match(/<(b|i|em|img)>|<img/g)).toBeNull();
    expect(html.match(/<\/script>/g)).toHaveLength(2);
  });

  it("says how many rows a point stands for, where it is more than one", () => {
    const page = (rowsPerPoint: number) =>
      pageHtml(
        { isTime: false, x: [], rowsPerPoint, channels: [], score: [], alarms: [] },
        { title: "t", lines: [], place: String },
      );
    expect(page(1)).not.toContain("Each point");
    expect(page(4)).toContain("Each point is the least and the greatest of 4 rows.");
    expect(page(1)).toContain("<p>None.</p>");
  });

  it("counts the rows of an alarm", () => {
    const json = /<script type="application\/json" id="data">(.*)<\/script>/.exec(
      readFileSync(at("page.html"), "utf8"),
    );
    const { alarms, isTime } = JSON.parse(json?.[1] ?? "") as PageData;
    expect([isTime, alarms.length > 0]).toEqual([false, true]);
    for (const { from, to, rows } of alarms) expect(rows).toBe(to - from + 1);
  });

  it("loads nothing", () => {
    const html = readFileSync(at("page.html"), "utf8");
    expect(html).toContain("default-src 'none'");
    expect(html.match(/<(script|link|img)[^>]*(src|href)=/g)).toBeNull();
  });
});

describe("the page in Chromium", needs({ Chromium: chromiumPath !== undefined }), () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: [...chromiumFlags] });
  });
  afterAll(() => browser.close());

  it.each(["light", "dark"] as const)("draws scores and channels, %s, and zooms to an alarm", async (colorScheme) => {
    const page = await browser.newPage({ colorScheme });
    const faults: string[] = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith("file:")) faults.push(request.url());
    });
    await page.goto(`file://${at("page.html")}`);
    expect(await page.locator(".u-title").allTextContents()).toEqual([
      "score: distance to the threshold, powers of 2",
      "speed (rpm)",
      "pressure (bar)",
      "current (A)",
      "bearing_temperature (°C)",
    ]);
    expect(await page.locator("body").innerText()).toMatch(/\d alarms? in 1200 rows \(.* a week, 1 a week accepted\)/);
    const image = () =>
      page
        .locator("canvas")
        .last()
        .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const whole = await image();
    await page.locator("tbody tr").first().click();
    await expect.poll(image).not.toBe(whole);
    await page.locator("#whole").click();
    await expect.poll(image).toBe(whole);
    await page.locator(".u-over").last().hover();
    await page.mouse.wheel(0, -200);
    await expect.poll(image).not.toBe(whole);
    expect(faults).toEqual([]);
    await page.close();
  });
});
