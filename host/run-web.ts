// The page of a run: opened, opened anew and closed as the configuration says, while bridges come and go.

import { join } from "node:path";
import type { LoadedConfig } from "./config/load.ts";
import { parseListen } from "./config/web-schema.ts";
import type { Bridge } from "./mqtt/bridge.ts";
import type { Logger } from "./mqtt/log.ts";
import type { StreamOptions } from "./mqtt/stream.ts";
import type { RunWatch } from "./run-watch.ts";
import { openLevelStore } from "./store/level.ts";
import { createMemoryStore } from "./store/memory.ts";
import { freeBytes } from "./store/space.ts";
import type { StateStore } from "./store/store.ts";
import { keepLines, type LogLines } from "./web/log-lines.ts";
import { Page, type PageOptions } from "./web/page.ts";
import type { Listen } from "./web/server.ts";

type WebConfig = NonNullable<LoadedConfig["config"]["web"]>;

/** What the page has to know of a configuration. */
export interface WebPlan {
  readonly loaded: Pick<LoadedConfig, "config" | "streams">;
  readonly streams: readonly StreamOptions[];
}

/** What the page of a run is made of. */
export interface RunWebOptions {
  readonly log: Logger;
  readonly watch: RunWatch;
  /** Of the program. */
  readonly version?: string | undefined;
}

/** Bytes of the disk that the history leaves to others. */
const LEAST_FREE = 64 * 1024 * 1024;
/** Without a directory there is no room for more. */
const MOST_KEPT_IN_MEMORY_MS = 24 * 3_600_000;

/** The page of a run, as long as its configuration has one. */
export class RunWeb {
  /** What the run logs to, so that the page can show it. */
  readonly log: LogLines;
  readonly #watched: PageOptions["watched"];
  #open: { readonly page: Page; readonly key: string } | undefined;

  constructor({ log, watch, version = "unknown" }: RunWebOptions) {
    this.log = keepLines(log);
    this.#watched = { measures: watch.measures, progress: watch.progress, version };
  }

  /**
   * Shows a bridge, the only one from now on.
   *
   * @param directory  of the state, below which the history is kept; undefined: it is lost with the process
   */
  async attach(bridge: Bridge, { loaded, streams }: WebPlan, directory: string | undefined): Promise<void> {
    const { config } = loaded;
    const key = JSON.stringify([config.web, directory]);
    const files = Object.fromEntries(loaded.streams.map(({ name, config: { model } }) => [name, model]));
    const shown = { bridge, streams, broker: config.broker.url, files };
    if (this.#open?.key === key) {
      this.#open.page.show(shown);
      return;
    }
    await this.#close();
    if (config.web === undefined) return;
    const page = await this.#createPage(config.web, directory);
    this.#open = { page, key };
    await page.start(shown);
  }

  /** Lets go of the bridge, which is about to end. */
  detach(): void {
    this.#open?.page.hide();
  }

  /** Ends the page. */
  async stop(): Promise<void> {
    await this.#close();
  }

  async #createPage({ listen, token, hosts, history }: WebConfig, directory: string | undefined): Promise<Page> {
    const store = directory === undefined ? undefined : await this.#openHistory(join(directory, "history"));
    const keepMs = 1000 * history;
    return new Page({
      listen: parseListen(listen) as Listen,
      token,
      hosts,
      log: this.log,
      watched: this.#watched,
      store: store ?? createMemoryStore(),
      ...(directory !== undefined && {
        hasRoom: async () => ((await freeBytes(directory)) ?? LEAST_FREE) >= LEAST_FREE,
      }),
      keepMs: store === undefined ? Math.min(keepMs, MOST_KEPT_IN_MEMORY_MS) : keepMs,
    });
  }

  /** The page goes on without one that cannot be opened. */
  async #openHistory(directory: string): Promise<StateStore | undefined> {
    try {
      return await openLevelStore(directory, { onDamage: "quarantine" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.log.warn("web", `the history of the page is kept in memory only: ${reason}`, "history_failed");
      return undefined;
    }
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.page.stop();
  }
}
