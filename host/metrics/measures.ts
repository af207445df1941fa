import type { Change, StateStore } from "../store/store.ts";
import { Histogram } from "./exposition.ts";

/** From a tenth of a millisecond to a minute. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** What is measured of a run, through all bridges that it has one after the other. */
export class Measures {
  /** Time of a commit that worked, seconds. */
  readonly commits = new Histogram(SECONDS);
  /** From the arrival of a message to its acknowledgement, seconds. */
  readonly messages = new Histogram(SECONDS);
  /** Keys and values in commits that worked, bytes. */
  writtenBytes = 0;
  /** Messages that were done with. */
  done = 0;
  /** Why the latest commit failed; undefined when it worked. */
  failure: string | undefined;

  /** Takes in that a message was acknowledged, or would have been if it were to be; `seconds` after it came. */
  readonly acknowledged = (seconds: number): void => {
    this.done++;
    this.messages.observe(seconds);
  };

  /** Answers a store whose commits are measured. */
  measured(store: StateStore): StateStore {
    return {
      get: (key) => store.get(key),
      entries: (prefix) => store.entries(prefix),
      close: () => store.close(),
      commit: (changes) => this.#commit(store, changes),
    };
  }

  async #commit(store: StateStore, changes: readonly Change[]): Promise<void> {
    const start = performance.now();
    try {
      await store.commit(changes);
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
      throw error;
    }
    this.failure = undefined;
    this.commits.observe((performance.now() - start) / 1000);
    for (const [key, value] of changes) this.writtenBytes += key.length + (value?.length ?? 0);
  }
}
