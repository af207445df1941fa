// The page in headless Chromium, as people see it.

import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createMemoryStore } from "../../host/store/memory.ts";
import { chromiumFlags, chromiumPath } from "../browser/page.ts";
import { createLastingStore, until } from "../support/bridge.ts";
import { needs } from "../support/needs.ts";
import { type PageHostOptions, startPageHost } from "../support/page-host.ts";
import { step } from "../support/steps.ts";

let browser: Browser;
const closers: (() => Promise<unknown>)[] = [];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A host, and a browser's page that looks at it; every error in the browser, and every request to elsewhere, is kept. */
async function open(
  options: PageHostOptions & { readonly context?: BrowserContextOptions; readonly place?: string } = {},
) {
  const host = await startPageHost(options);
  closers.push(() => host.stop());
  const page = await look(host.address + (options.place ?? ""), options.context);
  return { host, ...page };
}

async function look(address: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
  closers.push(() => context.close());
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    // What a lost host is told by; anything else is a fault, the content security policy's complaints too.
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) problems.push(message.text());
  });
  page.on("request", (asked) => {
    if (!asked.url().startsWith(new URL(address).origin)) problems.push(`asks ${asked.url()}`);
  });
  await page.goto(address);
  return { page, problems };
}

const text = async (page: Page, selector: string) =>
  (await page.locator(selector).first().innerText()).replace(/\s+/g, " ");
const waitForText = (page: Page, selector: string, part: string) =>
  page.locator(selector).filter({ hasText: part }).first().waitFor();

/** Serious and critical findings of axe-core. */
async function findings(page: Page): Promise<string[]> {
  // The policy of the page lets no script in but by the debugger's way.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}

describe("the page in Chromium", needs({ Chromium: chromiumPath !== undefined }), () => {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: [...chromiumFlags] });
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  afterAll(() => browser?.close());

  it("shows the failing pump on top, why, since when, and takes what it is told", async () => {
    const { host, page, problems } = await open();
    for (const name of ["pump-1", "pump-2"]) await host.run(name, 3, 0);
    await host.run("pump-7", 60, 0);
    await waitForText(page, ".device", "pump-7");
    expect(await text(page, ".device")).toContain("pump-1");
    await host.run("pump-7", 0, 3);
    await waitForText(page, ".device.is-alarm", "pump-7");
    expect(await text(page, ".device")).toMatch(/^pump-7 pump In alarm for .* speed 1\d\d.* \+\d/);
    expect(await page.title()).toBe("(1) Rivulet");

    await page.click(".device a");
    await waitForText(page, ".alarm-now", "speed 1");
    await page.waitForSelector(".alarms li.is-now");
    expect(await text(page, ".alarms")).toMatch(/^speed 1\d\d.* now Show$/);
    await page.waitForFunction(() => document.querySelectorAll(".uplot").length === 5);
    await page.waitForSelector('.plot[aria-label^="Chart of"]');
    expect(await page.getAttribute(".plot", "aria-label")).toMatch(
      /^Chart of score: between .* 0 and above is an alarm; 1 alarms$/,
    );

    await page.click("text=Acknowledge");
    await page.waitForSelector("dialog[open]");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector("dialog") === null);
    await page.click("text=Acknowledge");
    await page.click("dialog button.is-main");
    await waitForText(page, ".badge", "Acknowledged");
    expect(await text(page, ".told")).toBe("The alarm is acknowledged.");

    await page.click("text=Mute");
    await page.click("text=1 hour");
    await waitForText(page, ".told", "Muted from the next reading on.");
    await host.run("pump-7", 0, 1);
    await page.getByRole("button", { name: "Unmute" }).waitFor();
    expect(await text(page, ".alarms")).toContain("lasted");
    expect(problems).toEqual([]);
  }, 30_000);

  it("tells that the host is gone, and goes on by itself when it is back, with what was before", async () => {
    const stores = { store: createLastingStore(), history: { ...createMemoryStore(), close: async () => {} } };
    const { host, page, problems } = await open(stores);
    await host.run("a", 60, 3);
    await waitForText(page, ".device.is-alarm", "a");
    await page.click(".device a");
    await waitForText(page, ".status", "Connected to the broker");
    const port = Number(new URL(host.address).port);
    await host.stop();
    closers.splice(0, 1);
    await waitForText(page, ".status", "The host does not answer");
    const again = await startPageHost({ ...stores, port });
    closers.unshift(() => again.stop());
    await waitForText(page, ".status", "Connected to the broker");
    await waitForText(page, ".alarm-now", "speed 1");
    await again.run("a", 0, 1);
    await waitForText(page, ".facts", "64");
    expect(problems).toEqual([]);
  }, 30_000);

  it("shows names as text, whatever is in them", async () => {
    const { host, page, problems } = await open();
    const names = ["<img src=x onerror=document.title=1>", "\"'><script>alert(1)", "a%2fb", "&lt;b&gt;"];
    for (const [k, name] of names.entries()) {
      host.send(name, 1, 2);
      await until(() => host.broker.last.acks.length === k + 1);
    }
    for (const name of names) await waitForText(page, ".device-name b", name);
    expect(await page.locator(".device img, .device script").count()).toBe(0);
    await page.locator(".device a", { hasText: "<img" }).click();
    await waitForText(page, "h1", names[0] as string);
    expect(await page.title()).toBe(`${names[0]} – Rivulet`);
    await page.click("text=Reset");
    expect(await text(page, "dialog")).toContain(names[0]);
    expect(await page.locator("main img").count()).toBe(0);
    expect(problems).toEqual([]);
  }, 30_000);

  it("draws what is in view of 10,000 devices, and finds each", async () => {
    const { host, page } = await open();
    await host.run("first", 1, 0);
    for (let k = 0; k < 9999; k++) host.observe(step(`d${String(k).padStart(5, "0")}`, Date.now(), [k, 1]));
    await waitForText(page, ".chip", "10,000");
    expect(await page.locator(".device").count()).toBeLessThan(40);
    await page.evaluate(() => document.querySelector(".scroller")?.scrollTo(0, 1e9));
    await waitForText(page, ".device", "first");
    expect(await page.locator(".device").count()).toBeLessThan(40);
    await page.fill(".search", "d05555");
    await waitForText(page, ".device", "d05555");
    await page.waitForFunction(() => document.querySelectorAll(".device").length === 1);
  }, 30_000);

  it("is used by keys alone", async () => {
    const { host, page } = await open();
    for (const name of ["fan-1", "fan-2", "fan-3"]) await host.run(name, 3, 0);
    await waitForText(page, ".device", "fan-3");
    await page.locator(".device a").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await waitForText(page, "h1", "fan-2");
    await page.waitForSelector(".uplot");
    await page.locator(".plots").focus();
    await page.keyboard.press("ArrowLeft");
    expect(await page.getAttribute(".live", "aria-pressed")).toBe("false");
    const shown = await text(page, ".time-shown");
    await page.keyboard.press("+");
    expect(await text(page, ".time-shown")).not.toBe(shown);
    await page.keyboard.press("End");
    expect(await page.getAttribute(".live", "aria-pressed")).toBe("true");
  }, 30_000);

  it("zooms into what is marked, and shows an alarm of before", async () => {
    const { host, page } = await open();
    await host.run("a", 60, 3);
    await host.run("a", 90, 0);
    await waitForText(page, ".device.is-recent", "a");
    await page.click(".device a");
    await page.waitForSelector('.plot[aria-label^="Chart of"]');
    const chart = page.locator(".u-over").nth(1);
    const box = await chart.boundingBox();
    if (box === null) throw new Error("The chart has no place");
    await page.mouse.move(box.x + 0.3 * box.width, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 40, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => document.querySelector(".live")?.getAttribute("aria-pressed") === "false");
    expect(await text(page, ".time-shown")).toMatch(/ to \d\d:\d\d:\d\d \(\d\d s\)$/);
    await page.click(".live");
    await waitForText(page, ".time-shown", "to now");
    await page.click(".alarms .link");
    await page.waitForFunction(() => document.querySelector(".live")?.getAttribute("aria-pressed") === "false");
  }, 30_000);

  it.each(["light", "dark"] as const)(
    "has nothing that axe-core calls serious, %s",
    async (colorScheme) => {
      const { host, page } = await open({ context: { colorScheme } });
      await host.run("a", 60, 3);
      await host.run("b", 3, 0);
      host.broker.last.deliver("plant/b/data", "{", 9999);
      await waitForText(page, ".device.is-alarm", "a");
      const found: Record<string, string[]> = { devices: await findings(page) };
      await page.click(".device a");
      await page.waitForSelector(".uplot");
      found.device = await findings(page);
      await page.click("text=Reset");
      found.dialog = await findings(page);
      await page.keyboard.press("Escape");
      for (const name of ["Models", "Host"]) {
        await page.click(`nav >> text=${name}`);
        await waitForText(page, "h1", name);
        found[name] = await findings(page);
      }
      expect(found).toEqual({ devices: [], device: [], dialog: [], Models: [], Host: [] });
    },
    60_000,
  );

  it("fits into 360 pixels", async () => {
    const { host, page } = await open({ context: { viewport: { width: 360, height: 700 } } });
    await host.run("a-device-with-a-name-that-is-much-longer-than-the-width-of-a-telephone", 60, 3);
    await page.waitForSelector(".device.is-alarm");
    const widths: number[] = [];
    const measure = async () => widths.push(await page.evaluate(() => document.documentElement.scrollWidth));
    await measure();
    await page.click(".device a");
    await page.waitForSelector(".uplot");
    await measure();
    for (const name of ["Models", "Host"]) {
      await page.click(`nav >> text=${name}`);
      await waitForText(page, "h1", name);
      await measure();
    }
    expect(Math.max(...widths)).toBe(360);
  }, 30_000);

  it("works below a prefix, and asks for the token", async () => {
    const host = await startPageHost({ token: "correct horse battery" });
    closers.push(() => host.stop());
    await host.run("a", 3, 0);
    const proxy = createServer((asked, answer) => {
      const path = (asked.url ?? "").replace(/^\/some\/prefix/, "");
      const { method, headers } = asked;
      const onward = request(host.address + path.slice(1), { method: method ?? "GET", headers }, (from) => {
        answer.writeHead(from.statusCode ?? 500, from.headers);
        from.pipe(answer);
      });
      onward.on("error", () => answer.destroy());
      asked.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    closers.push(async () => proxy.closeAllConnections());
    const { page, problems } = await look(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}/some/prefix/`);
    await page.fill("#token", "wrong");
    await page.click("text=Show the page");
    await waitForText(page, ".problem", "The token is wrong");
    await page.fill("#token", "correct horse battery");
    await page.click("text=Show the page");
    await waitForText(page, ".device", "a");
    await page.click(".device a");
    await page.waitForSelector(".uplot");
    expect(problems).toEqual([]);
    proxy.close();
  }, 30_000);
});
