import type { Rejected } from "../mqtt/outcomes.ts";
import { printable } from "../printable.ts";

/** Messages of a stream that were not used for one reason. */
export interface Rejection {
  readonly stream: string;
  readonly reason: string;
  readonly count: number;
  /** The last one: when it came, and what was wrong with it. */
  readonly last: number;
  readonly text: string;
}

/** Counts what was rejected, with the last example of each reason. */
export class Rejections {
  readonly #all = new Map<string, { stream: string; reason: string; count: number; last: number; text: string }>();

  /** Takes one in. */
  add({ stream, reason, text }: Rejected, now: number): void {
    const key = `${stream} ${reason}`;
    const known = this.#all.get(key);
    if (known === undefined) {
      this.#all.set(key, { stream, reason, count: 1, last: now, text });
      return;
    }
    known.count++;
    known.last = now;
    known.text = text;
  }

  /** Answers all, the latest first. */
  list(): Rejection[] {
    return [...this.#all.values()]
      .map((rejection) => ({ ...rejection, text: printable(rejection.text).slice(0, 500) }))
      .sort((a, b) => b.last - a.last);
  }
}
