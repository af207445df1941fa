import type { Bridge } from "../mqtt/bridge.ts";
import type { MessageOutcome } from "../mqtt/outcomes.ts";
import type { StreamOptions } from "../mqtt/stream.ts";
import type { StateStore } from "../store/store.ts";
import { apiRoutes } from "./api.ts";
import { assetRoutes } from "./assets.ts";
import { Board } from "./board.ts";
import { Feed } from "./feed.ts";
import { History } from "./history.ts";
import { describeHost, describeLatency } from "./host-api.ts";
import type { LogLines } from "./log-lines.ts";
import { describeModel, type ModelDescription } from "./models.ts";
import { viewStream } from "./series.ts";
import { WebServer, type WebServerOptions } from "./server.ts";
import { type WatchSource, watchRoutes } from "./watch-routes.ts";

/** What a page is made of. */
export interface PageOptions extends Omit<WebServerOptions, "log"> {
  readonly log: LogLines;
  /** Keeps the history; closed at the end. */
  readonly store: StateStore;
  /** How long it is kept, ms. */
  readonly keepMs: number;
  /** Tells whether there is room on the disk for a history. Default: there is. */
  readonly hasRoom?: () => Promise<boolean>;
  /** What other programs ask for. Default: they get nothing. */
  readonly watched?: Pick<WatchSource, "measures" | "progress" | "version"> | undefined;
}

/** What the page shows at a time. */
export interface Shown {
  readonly bridge: Bridge;
  readonly streams: readonly StreamOptions[];
  /** The broker, without login. */
  readonly broker: string;
  /** Files of models, by stream. */
  readonly files?: Readonly<Record<string, string | undefined>>;
}

/** The page of a host: its server, what it knows of the devices, and their history. */
export class Page {
  readonly server: WebServer;
  readonly #board: Board;
  readonly #feed: Feed;
  readonly #history: History;
  readonly #watched: PageOptions["watched"];
  #shown: Shown | undefined;
  #models: ModelDescription[] | undefined;
  #forget: () => void = () => {};

  constructor(options: PageOptions) {
    const { log, store, keepMs, hasRoom, watched } = options;
    this.#watched = watched;
    this.server = new WebServer(options);
    this.#history = new History({ store, keepMs, log, ...(hasRoom && { hasRoom }) });
    this.#board = new Board(Date.now, this.#history);
    this.#feed = new Feed(this.#board, () => this.#status());
    const routes = apiRoutes({
      board: this.#board,
      feed: this.#feed,
      history: this.#history,
      bridge: () => this.#shown?.bridge,
      describeHost: () => this.#describeHost(log),
      describeModels: () => this.#describeModels(),
    });
    for (const route of [...routes, ...assetRoutes(), ...(watched === undefined ? [] : this.#watchRoutes(watched))]) {
      this.server.mount(route);
    }
  }

  /** Begins to listen, with what is known from before. */
  async start(shown: Shown): Promise<void> {
    const known = await this.#history.start();
    this.show(shown);
    for (const { stream, name, memory } of known) this.#board.recall(stream, name, memory);
    await this.server.start();
  }

  /** Shows a bridge, the only one from now on. */
  show(shown: Shown): void {
    this.#forget();
    this.#shown = shown;
    this.#models = undefined;
    const { bridge, streams } = shown;
    this.#board.show(streams.map(viewStream), (stream, device) => bridge.health(stream).get(device));
    const forgets = [
      bridge.onHealth((stream, device, health) => this.#board.observeHealth(stream, device, health)),
      bridge.onOutcome((outcome) => this.#observe(outcome)),
    ];
    this.#forget = () => {
      for (const forget of forgets) forget();
    };
  }

  /** Lets go of the bridge, which is about to end. */
  hide(): void {
    this.#forget();
    this.#shown = undefined;
  }

  /** Ends the server, and writes what is known of the devices. */
  async stop(): Promise<void> {
    this.hide();
    this.#feed.stop();
    await this.server.stop();
    await this.#history.stop(this.#board.all());
  }

  #observe(outcome: MessageOutcome): void {
    this.#board.observe(outcome);
    const change = outcome.kind === "step" ? outcome.anomaly?.change : undefined;
    if (change === undefined && outcome.kind !== "command") return;
    const device = this.#board.find(outcome.stream, outcome.device as string);
    if (device !== undefined) this.#history.remember(device);
  }

  #watchRoutes(watched: NonNullable<PageOptions["watched"]>) {
    return watchRoutes({
      ...watched,
      board: this.#board,
      shown: () => this.#shown,
      viewers: () => this.server.viewers,
    });
  }

  /** What every event says of the host. */
  #status(): { readonly isConnected: boolean } {
    return { isConnected: this.#shown?.bridge.status().isConnected ?? false };
  }

  #describeHost(log: LogLines) {
    const { bridge, broker = "" } = this.#shown ?? {};
    return {
      ...describeHost({ bridge: () => bridge, broker: () => broker, viewers: () => this.server.viewers }),
      rejections: this.#board.rejections.list(),
      log: log.latest,
      history: { written: this.#history.written },
      ...(this.#watched && { latency: describeLatency(this.#watched.measures) }),
    };
  }

  #describeModels() {
    const { streams = [], files = {} } = this.#shown ?? {};
    this.#models ??= streams.map((stream) => describeModel(stream, files[stream.name]));
    return { models: this.#models };
  }
}
