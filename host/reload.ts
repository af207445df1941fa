// A run whose configuration can be read again. Streams that stay have their state from the store, and the MQTT session is the
// same: the broker keeps what comes in between, and the subscriptions are compared with those it has.

import type { Bridge } from "./mqtt/bridge.ts";
import { openStore, planRun, type RunOptions, type RunPlan, startPlan, storePlace } from "./run.ts";
import { RunWatch } from "./run-watch.ts";
import { RunWeb } from "./run-web.ts";
import { ServiceManager } from "./service-manager.ts";
import type { StateStore } from "./store/store.ts";

/** A run whose configuration can be read again. */
export interface ReloadableRun {
  /** The bridge at work; another one after each reload. */
  readonly bridge: Bridge;
  /**
   * Reads the configuration again and goes on with it. One that cannot be used is logged, and the old one runs on.
   *
   * @returns whether the new configuration is in use
   */
  reload(): Promise<boolean>;
  /** Ends gracefully, after a reload that is under way. */
  stop(): Promise<void>;
}

/**
 * Starts what a configuration file describes, as `startRun` does.
 *
 * @throws {ConfigError} when the configuration or one of its models cannot be used
 * @throws {StateStoreError} when the state directory cannot be used
 */
export async function startReloadableRun(given: RunOptions): Promise<ReloadableRun> {
  const watch = new RunWatch();
  const web = new RunWeb({ log: given.log, watch, version: given.version });
  const options = { ...given, log: web.log };
  const plan = await planRun(options);
  const store = await openStore(plan, options);
  const run = new Run(options, plan, store, web, watch);
  await run.start();
  await run.service.ready(run.describe());
  return run;
}

class Run implements ReloadableRun {
  readonly #options: RunOptions;
  #plan: RunPlan;
  #store: StateStore;
  #bridge: Bridge | undefined;
  readonly #web: RunWeb;
  readonly #watch: RunWatch;
  readonly service: ServiceManager;
  /** Reloads and the stop, one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: RunOptions, plan: RunPlan, store: StateStore, web: RunWeb, watch: RunWatch) {
    this.#options = options;
    this.#plan = plan;
    this.#store = store;
    this.#web = web;
    this.#watch = watch;
    this.service = new ServiceManager({ env: options.env, log: options.log, progress: watch.progress });
  }

  get bridge(): Bridge {
    return this.#bridge as Bridge;
  }

  async start(): Promise<void> {
    this.#bridge = await startPlan(this.#plan, keptOpen(this.#store), this.#options, this.#watch);
    await this.#web.attach(this.#bridge, this.#plan, storePlace(this.#plan));
  }

  /** What the service manager is told. */
  describe(): string {
    return `at work for ${this.#plan.streams.map(({ name }) => name).join(", ")}`;
  }

  reload(): Promise<boolean> {
    const done = this.#last.then(async () => {
      if (this.#isStopped) return false;
      await this.service.reloading();
      const isDone = await this.#reload();
      await this.service.ready(this.describe());
      return isDone;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#last;
    await this.service.stopping();
    await this.#web.stop();
    this.#watch.stop();
    await this.bridge.stop();
    await this.#store.close();
  }

  async #reload(): Promise<boolean> {
    const { log } = this.#options;
    let plan: RunPlan;
    let store = this.#store;
    try {
      plan = await planRun(this.#options);
      if (storePlace(plan) !== storePlace(this.#plan)) store = await openStore(plan, this.#options);
    } catch (error) {
      this.#options.onLogSettings?.(this.#plan.loaded.config.log);
      const reason = error instanceof Error ? error.message : String(error);
      log.error("config", `cannot be used, the old one runs on: ${reason}`, "config_refused");
      return false;
    }
    this.#web.detach();
    this.#watch.detach();
    await this.bridge.stop({ isHandover: true });
    if (store !== this.#store) await this.#store.close();
    this.#plan = plan;
    this.#store = store;
    await this.start();
    log.info("config", "read again", "config_reloaded");
    return true;
  }
}

/** The store for one bridge after another: none of them closes it. */
function keptOpen(store: StateStore): StateStore {
  return {
    get: (key) => store.get(key),
    commit: (changes) => store.commit(changes),
    entries: (prefix) => store.entries(prefix),
    close: async () => {},
  };
}
