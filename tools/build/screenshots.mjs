// Writes the pictures of docs/page.md: `node tools/build/screenshots.mjs` after `npm run build`, with Chromium installed (CHROMIUM says
// where, if it is not /usr/bin/chromium). The demo plays, and is looked at when its pump fails.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const DEMO_SECONDS = 60;
/** After the first alarm: what came of it is in the charts. */
const LATER_MS = 9000;

const demo = spawn(process.execPath, [
  "dist/cli.js",
  "demo",
  "--seconds",
  String(DEMO_SECONDS),
  "--web",
  "127.0.0.1:0",
]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});
try {
  const [line] = await once(createInterface(demo.stdout), "line");
  const address = line.replace("page: ", "");
  const open = async (place, width, height, colorScheme) => {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(address + place);
    return page;
  };
  const devices = await open("#/", 1100, 620, "light");
  const narrow = await open("#/", 360, 620, "dark");
  await devices.waitForSelector(".device.is-alarm", { timeout: 1000 * DEMO_SECONDS });
  await devices.screenshot({ path: "docs/page-devices.png" });
  const href = await devices.locator(".device.is-alarm a, .device.is-recent a").first().getAttribute("href");
  await narrow.screenshot({ path: "docs/page-narrow.png" });
  const device = await open(href, 1100, 900, "light");
  await device.waitForTimeout(LATER_MS);
  await device.screenshot({ path: "docs/page-device.png" });
} finally {
  await browser.close();
  demo.kill();
}
