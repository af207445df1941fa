// How a run is watched by other programs, through all bridges that it has one after the other.

import { Measures } from "./metrics/measures.ts";
import { Progress } from "./metrics/progress.ts";
import type { Bridge } from "./mqtt/bridge.ts";

/** Time without progress after which messages are stuck, ms, and in pauses between two commits. */
const MOST_MS = 60_000;
const MOST_PAUSES = 3;

/** What is measured of a run, and whether its messages progress. */
export class RunWatch {
  readonly measures = new Measures();
  readonly progress: Progress;
  #bridge: Bridge | undefined;
  #pauseMs = 0;

  constructor() {
    this.progress = new Progress({
      measures: this.measures,
      pending: () => this.#bridge?.status().pending ?? 0,
      mostMs: () => Math.max(MOST_MS, MOST_PAUSES * this.#pauseMs),
    });
  }

  /**
   * Watches a bridge, the only one from now on.
   *
   * @param pauseMs  least time between two commits
   */
  attach(bridge: Bridge, pauseMs: number): void {
    this.#bridge = bridge;
    this.#pauseMs = pauseMs;
  }

  /** Lets go of the bridge, which is about to end. */
  detach(): void {
    this.#bridge = undefined;
  }

  /** Ends. */
  stop(): void {
    this.detach();
    this.progress.stop();
  }
}
