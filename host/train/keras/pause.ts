// Work that lets others have their turn: a page that trains stays alive.

/** Longest time between two turns of others, ms; a part of the work adds to it. */
const BUDGET_MS = 12;

/** Lets whatever waits have its turn. */
function turn(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((done) => setImmediate(done));
  // Nested timers of a page wait 4 ms; a message does not.
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(undefined);
  });
}

/** Gives others their turn when it is time. */
export class Pauses {
  #last = performance.now();

  /** Whether it is time. */
  get isDue(): boolean {
    return performance.now() - this.#last >= BUDGET_MS;
  }

  /** Lets others have their turn. */
  async take(): Promise<void> {
    await turn();
    this.#last = performance.now();
  }

  /** Does work in parts. */
  async finish<T>(parts: Generator<undefined, T>): Promise<T> {
    for (;;) {
      const { done, value } = parts.next();
      if (done) return value;
      if (this.isDue) await this.take();
    }
  }
}
