import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { type Browser, chromium, type Page } from "playwright-core";
import type * as Runtime from "../../host/runtime/index.ts";
import { randomF32Model } from "../support/models.ts";
import { findProgram } from "../support/programs.ts";

/** Options with which Chromium starts no traffic of its own. */
export const chromiumFlags: readonly string[] = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
].concat(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);

/** Path of Chromium, or undefined when it is not installed. */
export const chromiumPath: string | undefined = findProgram("chromium") ?? findProgram("google-chrome");

/** What the page's script leaves for `page.evaluate`. */
export interface PageGlobals {
  readonly rivulet: Promise<typeof Runtime>;
}

const { bytes: modelBytes } = randomF32Model({ inputs: 2, layers: [4] });

const FILES: Readonly<Record<string, { readonly type: string; readonly read: () => string | Uint8Array }>> = {
  "/model.safetensors": { type: "application/octet-stream", read: () => modelBytes },
  "/": { type: "text/html", read: () => '<!doctype html><script>globalThis.rivulet = import("/runtime.js")</script>' },
  "/runtime.js": { type: "text/javascript", read: () => readFileSync("dist/runtime.js", "utf8") },
};

/**
 * Opens a page that has loaded dist/runtime.js from a server on a free port, where `/model.safetensors` is a model too. `close` ends browser
 * and server.
 *
 * @param policy  the page's Content-Security-Policy, where it has one
 */
export async function openPage(policy?: string): Promise<{ page: Page; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const file = FILES[request.url ?? ""];
    const headers = {
      "content-type": file?.type ?? "text/plain",
      ...(policy && { "content-security-policy": policy }),
    };
    response.writeHead(file ? 200 : 404, headers).end(file?.read());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no port");

  let browser: Browser | undefined;
  const close = async () => {
    await browser?.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  try {
    browser = await chromium.launch({ executablePath: chromiumPath ?? "", args: [...chromiumFlags] });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${address.port}/`);
    return { page, close };
  } catch (error) {
    await close();
    throw error;
  }
}
