import type { Change, StateStore } from "../store/store.ts";
import type { Contributor } from "./committer.ts";
import type { StreamCounters } from "./counters.ts";

/** What was counted in a stream since its state directory was made, through all restarts. */
export interface StreamTotals {
  /** When counting began and when a message came last, Unix milliseconds. */
  readonly since: number;
  readonly last: number;
  /** By name, as in `StreamCounters`; reasons of refusals as `rejected.not_json`. */
  readonly counts: Readonly<Record<string, number>>;
}

const PREFIX = "totals/";
/** Not a count of what happened. */
const STANDING = "devices";

/** Keeps the counters in the same commits as the states, so that they agree after a kill. */
export class Totals implements Contributor {
  readonly #counters: Readonly<Record<string, StreamCounters>>;
  readonly #now: () => number;
  readonly #earlier = new Map<string, StreamTotals>();
  /** Per stream: the messages that were done with at the last commit. */
  readonly #written = new Map<string, number>();
  readonly #started: number;
  #last = 0;
  #isTouched = false;

  constructor(counters: Readonly<Record<string, StreamCounters>>, now: () => number) {
    this.#counters = counters;
    this.#now = now;
    this.#started = now();
  }

  /** Reads the totals of earlier runs; what is damaged counts from zero. */
  async load(store: StateStore): Promise<void> {
    for (const name of Object.keys(this.#counters)) {
      const bytes = await store.get(PREFIX + name);
      const totals = bytes === undefined ? undefined : parse(bytes);
      if (totals === undefined) continue;
      this.#earlier.set(name, totals);
      this.#last = Math.max(this.#last, totals.last);
    }
  }

  /** When a message came last, in this run or an earlier one, Unix milliseconds; undefined when none ever did. */
  get last(): number | undefined {
    return this.#last === 0 ? undefined : this.#last;
  }

  /** Takes in that a message was counted. */
  touch(): void {
    this.#isTouched = true;
  }

  get hasChanges(): boolean {
    if (!this.#isTouched) return false;
    return Object.entries(this.#counters).some(([name, counters]) => this.#isNews(name, counters));
  }

  collect(): Change[] {
    this.#isTouched = false;
    const changes: Change[] = [];
    for (const [name, counters] of Object.entries(this.#counters)) {
      if (!this.#isNews(name, counters)) continue;
      this.#written.set(name, doneOf(counters));
      this.#last = this.#now();
      changes.push([PREFIX + name, new TextEncoder().encode(JSON.stringify(this.#total(name, counters)))]);
    }
    return changes;
  }

  /** Answers the totals of each stream, this run included. */
  all(): Record<string, StreamTotals> {
    return Object.fromEntries(
      Object.entries(this.#counters).map(([name, counters]) => [name, this.#total(name, counters)]),
    );
  }

  #isNews(name: string, counters: StreamCounters): boolean {
    return doneOf(counters) !== (this.#written.get(name) ?? 0);
  }

  #total(name: string, { rejected, ...counters }: StreamCounters): StreamTotals {
    const earlier = this.#earlier.get(name);
    const counts: Record<string, number> = { ...earlier?.counts };
    for (const [key, count] of Object.entries(counters)) {
      if (count > 0 && key !== STANDING) counts[key] = (earlier?.counts[key] ?? 0) + count;
    }
    for (const [reason, count] of Object.entries(rejected)) {
      const key = `rejected.${reason}`;
      counts[key] = (earlier?.counts[key] ?? 0) + count;
    }
    return { since: earlier?.since ?? this.#started, last: this.#last, counts };
  }
}

function doneOf({ steps, held, retained, duplicate, late, rejected }: StreamCounters): number {
  return Object.values(rejected).reduce((sum, count) => sum + count, steps + held + retained + duplicate + late);
}

function parse(bytes: Uint8Array): StreamTotals | undefined {
  try {
    const { since, last, counts } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<StreamTotals>;
    const isSound =
      Number.isFinite(since) && Number.isFinite(last) && Object.values(counts ?? {}).every(Number.isSafeInteger);
    return isSound ? { since: since as number, last: last as number, counts: { ...counts } } : undefined;
  } catch {
    return undefined;
  }
}
