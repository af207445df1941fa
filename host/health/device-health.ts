import { spanText } from "./words.ts";

/** How a device is: it brings readings, it is silent, or it repeats a value. */
export type HealthState = "ok" | "stale" | "stuck";

/** What is told of the health of a device. */
export interface Health {
  readonly health: HealthState;
  /** From when on it is so, Unix milliseconds: of the last reading, of the first one with the value, or of the first good one. */
  readonly since: number;
  /** In words; null when all is well. */
  readonly why: string | null;
}

/** When a device is not well. */
export interface HealthPlan {
  /** It is stale when it was silent for longer: ms, or a multiple of the interval. */
  readonly stale: { readonly ms: number } | { readonly times: number };
  /** Milliseconds between readings. Default: learned from each device. */
  readonly intervalMs?: number | undefined;
  /** Names of the model's inputs. */
  readonly inputs: readonly string[];
  /** By input, ms after which a value that is repeated means that the device is stuck; undefined: it may repeat. */
  readonly stuckMs: readonly (number | undefined)[];
}

/** What is kept of the health of a device. */
export interface HealthMemory {
  readonly last: number;
  /** The longest usual gap between readings, ms, and from how many it was learned. */
  readonly gap: number;
  readonly count: number;
  /** Null while nothing can be said. */
  readonly told: Health | null;
  /** By input that may get stuck, its value and since when it has it. */
  readonly repeats: readonly (readonly [value: number, since: number] | null)[];
}

/** Gaps that are seen before the one that is learned counts. */
const LEARNING = 8;
/** Share by which the longest gap comes down to the present one. */
const EASE = 1 / 128;
/** Gaps below this share of the longest are those of a burst, such as the samples of one message. */
const BURST = 1 / 100;
/** No silence below is one where the interval is learned, ms. */
const LEAST_SILENCE = 30_000;

/** Watches one device, in the time of arrival: the clocks of devices tell nothing of silences. */
export class DeviceHealth {
  readonly #plan: HealthPlan;
  #last = 0;
  #gap = 0;
  #count = 0;
  #told: Health | undefined;
  readonly #repeats: ([value: number, since: number] | null)[];

  constructor(plan: HealthPlan, memory?: HealthMemory) {
    this.#plan = plan;
    this.#repeats = plan.stuckMs.map((_, index) => {
      const known = memory?.repeats[index];
      return known ? [...known] : null;
    });
    if (memory === undefined) return;
    this.#last = memory.last;
    this.#gap = memory.gap;
    this.#count = memory.count;
    this.#told = memory.told ?? undefined;
  }

  /** What was told last; undefined while nothing can be said. */
  get told(): Health | undefined {
    return this.#told;
  }

  /** Time of the last reading, Unix milliseconds. */
  get last(): number {
    return this.#last;
  }

  /** Answers what is to be kept. */
  memory(): HealthMemory {
    const repeats = this.#plan.stuckMs.some((ms) => ms !== undefined) ? this.#repeats : [];
    return { last: this.#last, gap: this.#gap, count: this.#count, told: this.#told ?? null, repeats };
  }

  /**
   * Takes a reading in; answers what is to be told anew.
   *
   * @param start  from when on silences are those of the device: before, nobody listened
   * @param sample  f64[I]; undefined when the message brought values and was no sample
   */
  reading(now: number, start: number, sample: ArrayLike<number> | undefined): Health | undefined {
    if (this.#last >= start) this.#learn(now - this.#last);
    this.#last = now;
    const stuck = sample === undefined ? undefined : this.#findStuck(now, sample);
    if (stuck !== undefined) return this.#become(stuck);
    // Values alone do not end a repetition.
    if (sample === undefined && this.#told?.health === "stuck") return undefined;
    if (this.#told?.health === "ok" || this.#limit() === undefined) return undefined;
    return this.#become({ health: "ok", since: now, why: null });
  }

  /** Looks at the clock; answers what is to be told anew. */
  tick(now: number, start: number): Health | undefined {
    const limit = this.#limit();
    if (limit === undefined || this.#told?.health === "stale") return undefined;
    if (now - Math.max(this.#last, start) <= limit) return undefined;
    return this.#become({ health: "stale", since: this.#last, why: this.#describeSilence(limit) });
  }

  #learn(gap: number): void {
    if (gap <= 0) return;
    if (this.#told?.health === "stale") {
      // A silence that was told is no rhythm, unless it comes back.
      this.#gap = Math.max(this.#gap, Math.min(gap, 2 * this.#gap));
      return;
    }
    if (gap < BURST * this.#gap) return;
    this.#gap = gap > this.#gap ? gap : this.#gap + EASE * (gap - this.#gap);
    this.#count = Math.min(LEARNING, this.#count + 1);
  }

  /** The longest silence that is none, ms; undefined while the rhythm is not known. */
  #limit(): number | undefined {
    const { stale, intervalMs } = this.#plan;
    if ("ms" in stale) return stale.ms;
    if (intervalMs !== undefined) return stale.times * intervalMs;
    return this.#count < LEARNING ? undefined : Math.max(LEAST_SILENCE, stale.times * this.#gap);
  }

  #describeSilence(limit: number): string {
    const { stale, intervalMs } = this.#plan;
    const silence = `no reading for ${spanText(limit)}`;
    if ("ms" in stale) return silence;
    return intervalMs === undefined
      ? `${silence}, the longest usual gap is ${spanText(this.#gap)}`
      : `${silence}, one is due every ${spanText(intervalMs)}`;
  }

  #findStuck(now: number, sample: ArrayLike<number>): Health | undefined {
    const { stuckMs, inputs } = this.#plan;
    let found: Health | undefined;
    for (const [index, ms] of stuckMs.entries()) {
      if (ms === undefined) continue;
      const value = sample[index] as number;
      const repeat = this.#repeats[index];
      if (repeat?.[0] !== value) this.#repeats[index] = [value, now];
      else if (now - repeat[1] > ms && found === undefined) {
        const why = `${inputs[index]} has been ${value} for more than ${spanText(ms)}`;
        found = { health: "stuck", since: repeat[1], why };
      }
    }
    return found;
  }

  #become(health: Health): Health | undefined {
    if (this.#told?.health === health.health && this.#told.why === health.why) return undefined;
    this.#told = health;
    return health;
  }
}

/** Reads what was kept; undefined when it is none. */
export function parseMemory(text: string): HealthMemory | undefined {
  try {
    const { last, gap, count, told, repeats } = JSON.parse(text) as HealthMemory;
    if (![last, gap, count].every(Number.isFinite) || !Array.isArray(repeats)) return undefined;
    if (told !== null && (!["ok", "stale", "stuck"].includes(told.health) || !Number.isFinite(told.since))) {
      return undefined;
    }
    const isSound = repeats.every((one) => one === null || (Array.isArray(one) && one.every(Number.isFinite)));
    return isSound ? { last, gap, count, told, repeats } : undefined;
  } catch {
    return undefined;
  }
}

/** Prints the health of a device as one line of JSON. */
export function formatHealth({ health, since, why }: Health): string {
  return JSON.stringify({ health, since, why });
}
