// The page of a run: opened, opened anew and closed as the configuration says, while bridges come and go.

import type { LoadedConfig } from "./config/load.ts";
import { parseListen } from "./config/web-schema.ts";
import type { Bridge } from "./mqtt/bridge.ts";
import type { Logger } from "./mqtt/log.ts";
import { hostRoute } from "./web/host-api.ts";
import { WebServer } from "./web/server.ts";

type WebConfig = NonNullable<LoadedConfig["config"]["web"]>;

/** What the page has to know of a configuration. */
export interface WebPlan {
  readonly loaded: Pick<LoadedConfig, "config">;
}

/** The web server of a run, as long as its configuration has one. */
export class RunWeb {
  readonly #log: Logger;
  #open: { readonly server: WebServer; readonly config: string } | undefined;
  #bridge: Bridge | undefined;
  #broker = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Shows a bridge, the only one from now on. */
  async attach(bridge: Bridge, { loaded: { config } }: WebPlan): Promise<void> {
    this.#bridge = bridge;
    this.#broker = config.broker.url;
    const text = JSON.stringify(config.web);
    if (this.#open?.config === text) return;
    await this.#close();
    if (config.web === undefined) return;
    const server = this.#createServer(config.web);
    this.#open = { server, config: text };
    await server.start();
  }

  /** Lets go of the bridge, which is about to end. */
  detach(): void {
    this.#bridge = undefined;
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    this.detach();
    await this.#close();
  }

  #createServer({ listen, token, hosts }: WebConfig): WebServer {
    const server = new WebServer({ listen: parseListen(listen) as Listen, token, hosts, log: this.#log });
    const bridge = () => this.#bridge;
    server.mount(hostRoute({ bridge, broker: () => this.#broker, viewers: () => server.viewers }));
    return server;
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.server.stop();
  }
}

type Listen = NonNullable<ReturnType<typeof parseListen>>;
