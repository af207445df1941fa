// What viewers are told, once a second while there are any.

import { toColumns } from "./bins.ts";
import type { Board, Wanted } from "./board.ts";
import { detailsOf, rowOf } from "./rows.ts";
import type { Viewer } from "./viewers.ts";

const PERIOD_MS = 1000;

/** A part of the list of devices. */
export interface ListView extends Wanted {
  /** Index of the first row, and how many. */
  readonly from: number;
  readonly count: number;
}

/** What a viewer looks at: tells it what is new, if it is not behind. */
type Teller = (now: number, shared: Map<string, string>) => void;

/** Tells viewers what has happened, all of them in the same tick. */
export class Feed {
  readonly #board: Board;
  readonly #now: () => number;
  readonly #status: () => unknown;
  readonly #tellers = new Set<Teller>();
  #timer: NodeJS.Timeout | undefined;

  /** @param status  what each event says of the host */
  constructor(board: Board, status: () => unknown, now: () => number = Date.now) {
    this.#board = board;
    this.#status = status;
    this.#now = now;
  }

  /** Tells a viewer a part of the list from now on; answers what ends it. */
  list(viewer: Viewer, view: ListView): () => void {
    const key = JSON.stringify(view);
    return this.#add(viewer, (now, shared) => {
      let data = shared.get(key);
      if (data === undefined) {
        data = JSON.stringify(this.rows(view, now));
        shared.set(key, data);
      }
      viewer.send("rows", data);
    });
  }

  /** A part of the list, as an event has it. */
  rows(view: ListView, now: number = this.#now()) {
    const selected = this.#board.select(view);
    const { counts } = this.#board.ordered();
    const rows = selected.slice(view.from, view.from + view.count).map((device) => rowOf(device, now));
    return { now, total: selected.length, from: view.from, counts, host: this.#status(), rows };
  }

  /** Tells a viewer of a device from now on, with the bins of a second that are new each time; answers what ends it. */
  device(viewer: Viewer, stream: string, name: string, since: number): () => void {
    let from = since;
    return this.#add(viewer, (now) => {
      const device = this.#board.find(stream, name);
      if (device === undefined || viewer.isBehind) {
        if (device === undefined) viewer.send("device", JSON.stringify({ now, host: this.#status() }));
        return;
      }
      const bins = device.secondsSince(from);
      // The last one may not be over: it is told again.
      from = bins.at(-1)?.time ?? from;
      const bars = toColumns(bins, device.stream.series.length);
      viewer.send("device", JSON.stringify({ now, host: this.#status(), device: detailsOf(device, now), bins: bars }));
    });
  }

  /** Tells a viewer of the host from now on; answers what ends it. */
  host(viewer: Viewer, describe: () => unknown): () => void {
    return this.#add(viewer, (_, shared) => {
      const data = shared.get("host") ?? JSON.stringify(describe());
      shared.set("host", data);
      viewer.send("host", data);
    });
  }

  /** Ends. */
  stop(): void {
    clearInterval(this.#timer);
    this.#tellers.clear();
  }

  #add(viewer: Viewer, teller: Teller): () => void {
    const tell: Teller = (now, shared) => {
      if (!viewer.isBehind) teller(now, shared);
    };
    this.#tellers.add(tell);
    tell(this.#now(), new Map());
    this.#timer ??= setInterval(() => this.#tick(), PERIOD_MS);
    return () => {
      this.#tellers.delete(tell);
      if (this.#tellers.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #tick(): void {
    const shared = new Map<string, string>();
    const now = this.#now();
    for (const tell of this.#tellers) tell(now, shared);
  }
}
