import { createServer } from "node:net";
import { parseListen } from "../../host/config/web-schema.ts";
import type { Logger } from "../../host/mqtt/log.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { keepLines } from "../../host/web/log-lines.ts";
import { Page, type Shown } from "../../host/web/page.ts";
import { CliError } from "../errors.ts";

const KEPT_MS = 24 * 3_600_000;

/**
 * Serves the page of the demo: where it is told to, or else on another port where that is taken.
 *
 * @throws {CliError} when it is told no address
 */
export async function openPage(shown: Shown, address: string, log: Logger): Promise<Page> {
  const listen = parseListen(address);
  if (listen === undefined)
    throw new CliError(`--web ${address}: expected an address and a port, such as 127.0.0.1:8099`);
  const page = new Page({
    listen: { ...listen, port: (await isFree(listen)) ? listen.port : 0 },
    log: keepLines(log),
    store: createMemoryStore(),
    keepMs: KEPT_MS,
  });
  await page.start(shown);
  return page;
}

function isFree({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
