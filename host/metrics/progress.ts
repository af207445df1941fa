import type { Measures } from "./measures.ts";

/** What progress is watched of. */
export interface ProgressOptions {
  readonly measures: Measures;
  /** Messages that wait to be done with; 0 while there is no bridge. */
  readonly pending: () => number;
  /** Time without progress after which messages are stuck, ms. */
  readonly mostMs: () => number;
  /** Clock, ms. */
  readonly now?: () => number;
}

const PERIOD_MS = 5000;

/**
 * Tells whether messages progress. They do not when some are waiting and none was done with for a while, and nobody knows why: a full
 * disk is known, and another process in the place of this one would find it full, too.
 */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #done = -1;
  #good: number;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#good = this.#now();
    this.#timer = setInterval(() => this.#look(), PERIOD_MS).unref();
  }

  /** How long messages have been waiting without progress, ms; undefined when they progress. */
  get stuckMs(): number | undefined {
    this.#look();
    const since = this.#now() - this.#good;
    return since > this.#options.mostMs() ? since : undefined;
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { measures, pending } = this.#options;
    if (pending() > 0 && measures.done === this.#done && measures.failure === undefined) return;
    this.#done = measures.done;
    this.#good = this.#now();
  }
}
