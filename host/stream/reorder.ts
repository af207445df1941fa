// Readings that wait for their predecessors. They are neither stepped nor acknowledged meanwhile: after a kill the broker delivers
// them again.

/** How readings are put back in order. */
export interface ReorderOptions {
  /** Longest wait of a reading, ms. */
  readonly waitMs: number;
  /** Most readings that wait; beyond, the first goes on. */
  readonly most: number;
  /** The values count by one: a reading that follows the last one need not wait. Else every reading waits. */
  readonly isCounted: boolean;
}

interface Waiting<T> {
  readonly value: number;
  readonly item: T;
  readonly until: number;
}

/** The readings of a device that wait, in the order of their values. */
export class Reorder<T> {
  readonly #options: ReorderOptions;
  #waiting: Waiting<T>[] = [];

  constructor(options: ReorderOptions) {
    this.#options = options;
  }

  /** When the next one need not wait any longer; undefined when none waits. */
  get deadline(): number | undefined {
    return this.#waiting.length === 0 ? undefined : Math.min(...this.#waiting.map(({ until }) => until));
  }

  /** Tells whether a reading with this value waits. */
  has(value: number): boolean {
    return this.#waiting.some((one) => one.value === value);
  }

  /** Tells whether a reading with a later value waits. */
  isOvertaken(value: number): boolean {
    return (this.#waiting.at(-1)?.value ?? Number.NEGATIVE_INFINITY) > value;
  }

  /** Has a reading wait. */
  add(value: number, item: T, now: number): void {
    const place = this.#waiting.findLastIndex((one) => one.value < value) + 1;
    this.#waiting.splice(place, 0, { value, item, until: now + this.#options.waitMs });
  }

  /**
   * Answers the readings whose turn it is, in order, and forgets them.
   *
   * @param last  the latest value that was stepped; undefined: none was
   */
  due(now: number, last: number | undefined): T[] {
    const { most, isCounted } = this.#options;
    let count = Math.max(0, this.#waiting.length - most);
    // One that has waited enough takes those along that come before it.
    count = Math.max(count, this.#waiting.findLastIndex(({ until }) => until <= now) + 1);
    if (isCounted) {
      let expected = count === 0 ? last : this.#waiting[count - 1]?.value;
      while (count < this.#waiting.length) {
        const { value } = this.#waiting[count] as Waiting<T>;
        if (expected !== undefined && value !== expected + 1) break;
        expected = value;
        count++;
      }
    }
    return this.#waiting.splice(0, count).map(({ item }) => item);
  }

  /** Answers all readings in order, and forgets them. */
  drain(): T[] {
    return this.#waiting.splice(0).map(({ item }) => item);
  }
}
