import type { ServerResponse } from "node:http";

/** What a viewer may leave unread before nothing more is sent to it, bytes; what it misses is part of a later event. */
const MOST_UNREAD = 262_144;
/** How long a viewer may leave that much unread before it is let go. */
const PATIENCE_MS = 30_000;
const HEARTBEAT_MS = 15_000;

/** Somebody who looks at the page, told by server-sent events. */
export class Viewer {
  readonly #response: ServerResponse;
  #behindSince: number | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Whether it has left so much unread that nothing is sent to it at present. */
  get isBehind(): boolean {
    const isBehind = this.#response.writableLength > MOST_UNREAD;
    if (!isBehind) this.#behindSince = undefined;
    return isBehind;
  }

  /** Sends an event, unless the viewer is behind; answers whether it did. */
  send(event: string, data: string): boolean {
    if (this.isBehind) return false;
    this.#response.write(`event: ${event}\ndata: ${data}\n\n`);
    return true;
  }

  /** Shows proxies and browsers that the connection is alive; lets go a viewer that stopped reading. */
  beat(now: number): void {
    if (!this.isBehind) {
      this.#response.write(":\n\n");
      return;
    }
    this.#behindSince ??= now;
    if (now - this.#behindSince >= PATIENCE_MS) this.#response.destroy();
  }

  /** Ends the connection. */
  end(): void {
    this.#response.destroy();
  }
}

/** Those who look at the page now: a bounded number, each with a bounded number of bytes unread. */
export class Viewers {
  readonly #most: number;
  readonly #all = new Set<Viewer>();
  #timer: NodeJS.Timeout | undefined;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#all.size;
  }

  get isFull(): boolean {
    return this.#all.size >= this.#most;
  }

  /** Begins a stream of events on a response; `start` answers what to do when the viewer leaves. */
  admit(response: ServerResponse, start: (viewer: Viewer) => () => void): void {
    // The head goes out now, not with the first event.
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    const viewer = new Viewer(response);
    this.#all.add(viewer);
    this.#timer ??= setInterval(() => this.#beat(), HEARTBEAT_MS);
    const leave = start(viewer);
    response.once("close", () => {
      this.#all.delete(viewer);
      if (this.#all.size === 0) this.stop();
      leave();
    });
    response.on("error", () => {}); // the connection is gone, which "close" tells
  }

  /** Lets all go. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const viewer of this.#all) viewer.end();
  }

  #beat(): void {
    const now = Date.now();
    for (const viewer of this.#all) viewer.beat(now);
  }
}
