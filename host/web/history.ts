// What the page shows of before: minutes and hours of each device, in a ring on the disk.

import type { Logger } from "../mqtt/log.ts";
import type { Change, StateStore } from "../store/store.ts";
import type { Bin } from "./bins.ts";
import { blockBytes, readBlock, widthOf, writeBlock } from "./history-blocks.ts";
import { HistoryBudget } from "./history-budget.ts";
import type { BinTaker, DeviceMemory, WatchedDevice } from "./watched-device.ts";

/** What a history is made of. */
export interface HistoryOptions {
  readonly store: StateStore;
  /** How long hours are kept, ms; minutes for a week at most. */
  readonly keepMs: number;
  readonly log: Logger;
  readonly now?: () => number;
  /** Between two writes, ms. */
  readonly writeMs?: number;
  /** Tells whether there is room on the disk for more than the state of the devices. Default: there is. */
  readonly hasRoom?: () => Promise<boolean>;
  /** Bytes that minutes of all devices may take; hours of a device are a fiftieth of that. */
  readonly mostBytes?: number;
}

type Tier = "minute" | "hour";

const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;
/** Bins of a block, how long they last, and after how many a block is written: a kill loses minutes only. */
const BLOCK: Readonly<Record<Tier, { readonly bins: number; readonly ms: number; readonly together: number }>> = {
  minute: { bins: 10, ms: 10 * MINUTE, together: 10 },
  hour: { bins: 6, ms: 360 * MINUTE, together: 1 },
};
const MOST_BYTES = 512 * 1024 * 1024;
const WRITE_MS = 10_000;
/** Changes that wait to be written; beyond, the oldest are let go. */
const MOST_WAITING = 20_000;
/** Changes of one write: blocks of all devices end at the same minute. */
const MOST_AT_ONCE = 500;
const WARN_MS = 3_600_000;
const SWEEP_MS = 24 * 60 * MINUTE;
/** Cannot be part of a stream's or a device's name. */
const NUL = "\0";

/**
 * Keeps minutes and hours of devices: least, mean and greatest value of each series. A device has a fixed number of places on the disk
 * for each, which are written over in turn. Nothing waits for it: what cannot be written is lost to the page, and to nothing else.
 */
export class History implements BinTaker {
  readonly #options: HistoryOptions;
  readonly #now: () => number;
  /** Bins that fill a block, by device and tier. */
  readonly #blocks = new Map<WatchedDevice, Record<Tier, Bin[]>>();
  readonly #waiting = new Map<string, Uint8Array>();
  /** Devices whose alarms have changed. */
  readonly #changed = new Set<WatchedDevice>();
  /** Devices of which something is written, or will be. */
  readonly #remembered = new WeakSet<WatchedDevice>();
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #budget: HistoryBudget;
  #writing: Promise<void> = Promise.resolve();
  #warned = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  /** Bytes of values that were written. */
  written = 0;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#budget = new HistoryBudget(options.mostBytes ?? MOST_BYTES, (devices) => {
      const text = `${devices} devices fill what the history may take on the disk; of further ones it keeps hours, and no minutes`;
      options.log.warn("web", text, "history_full");
    });
  }

  /** Answers what earlier processes knew of the devices, and begins to write. */
  async start(): Promise<{ stream: string; name: string; memory: DeviceMemory }[]> {
    const known: { stream: string; name: string; memory: DeviceMemory }[] = [];
    try {
      for await (const [key, value] of this.#options.store.entries(`device${NUL}`)) {
        const [, stream = "", name = ""] = key.split(NUL);
        const memory = readMemory(value);
        if (memory === undefined) continue;
        known.push({ stream, name, memory });
        if (memory.hasMinutes) this.#budget.has(stream + NUL + name, this.#minuteBytes(memory.values.length));
      }
    } catch (error) {
      this.#warn("read", error);
    }
    const { writeMs = WRITE_MS } = this.#options;
    this.#timers.push(
      setInterval(() => void this.write(), writeMs).unref(),
      setInterval(() => void this.sweep(), SWEEP_MS).unref(),
    );
    void this.sweep();
    return known;
  }

  /** Takes a minute of a device that is over. */
  minute(device: WatchedDevice, bin: Bin): void {
    if (!this.#hasMinutes(device)) return;
    this.#take(device, "minute", bin);
  }

  /** Takes an hour of a device that is over. */
  hour(device: WatchedDevice, bin: Bin): void {
    this.#take(device, "hour", bin);
  }

  /** Has what is known of a device written soon. */
  remember(device: WatchedDevice): void {
    this.#changed.add(device);
    this.#remembered.add(device);
  }

  /** Answers the minutes or hours of a device, in order. */
  async bins(device: WatchedDevice, tier: Tier): Promise<Bin[]> {
    const width = device.stream.series.length;
    const prefix = keyOf(device, tier, "");
    const bins: Bin[] = [];
    try {
      for await (const [key, value] of this.#options.store.entries(prefix)) {
        if (!this.#waiting.has(key)) bins.push(...readBlock(value, width));
      }
    } catch (error) {
      this.#warn("read", error);
    }
    for (const [key, value] of this.#waiting) {
      if (key.startsWith(prefix)) bins.push(...readBlock(value, width));
    }
    bins.push(...(this.#blocks.get(device)?.[tier] ?? []));
    const oldest = device.time - this.#keep(tier);
    return bins.filter(({ time }) => time >= oldest).sort((a, b) => a.time - b.time);
  }

  /** Writes what waits; resolves when that is done, or has failed. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** Removes devices that have been silent for longer than anything is kept. */
  async sweep(): Promise<void> {
    const { store, keepMs } = this.#options;
    const now = this.#now();
    try {
      const gone: string[] = [];
      for await (const [key, value] of store.entries(`device${NUL}`)) {
        const seen = readMemory(value)?.seen ?? 0;
        if (now - seen > keepMs + SWEEP_MS) gone.push(key);
      }
      for (const key of gone) {
        const [, stream = "", name = ""] = key.split(NUL);
        const keys: string[] = [key];
        for (const tier of ["minute", "hour"]) {
          for await (const [found] of store.entries([tier, stream, name, ""].join(NUL))) keys.push(found);
        }
        await store.commit(keys.map((one) => [one, undefined] as const));
        this.#budget.drop(stream + NUL + name);
      }
    } catch (error) {
      this.#warn("swept", error);
    }
  }

  /** Writes all that there is, whole or not, and closes the store. */
  async stop(devices: Iterable<WatchedDevice>): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const device of devices) {
      device.flush();
      this.remember(device);
    }
    for (const [device, blocks] of this.#blocks) {
      for (const tier of ["minute", "hour"] as const) this.#close(device, tier, blocks[tier]);
    }
    do await this.write();
    while (!this.#isFailing && this.#waiting.size + this.#changed.size > 0);
    await this.#options.store.close().catch(() => {});
  }

  #keep(tier: Tier): number {
    const { keepMs } = this.#options;
    return tier === "minute" ? Math.min(keepMs, WEEK) : keepMs;
  }

  #places(tier: Tier): number {
    return Math.ceil(this.#keep(tier) / BLOCK[tier].ms) + 1;
  }

  #minuteBytes(width: number): number {
    return this.#places("minute") * blockBytes(BLOCK.minute.bins, width);
  }

  #hasMinutes({ stream, name }: WatchedDevice): boolean {
    return this.#budget.has(stream.name + NUL + name, this.#minuteBytes(stream.series.length));
  }

  #take(device: WatchedDevice, tier: Tier, bin: Bin): void {
    const blocks = this.#blocks.get(device) ?? { minute: [], hour: [] };
    this.#blocks.set(device, blocks);
    const block = blocks[tier];
    const first = block[0];
    if (first !== undefined && placeOf(first.time, tier) !== placeOf(bin.time, tier)) this.#close(device, tier, block);
    block.push(bin);
    if (block.length >= BLOCK[tier].together) this.#close(device, tier, block);
  }

  /** Puts a block in its place; what was there is older than anything that is kept. */
  #close(device: WatchedDevice, tier: Tier, block: Bin[]): void {
    const [first] = block;
    if (first === undefined) return;
    const width = device.stream.series.length;
    const key = keyOf(device, tier, String(placeOf(first.time, tier) % this.#places(tier)).padStart(6, "0"));
    const earlier = this.#waiting.get(key);
    const kept = earlier === undefined ? [] : readBlock(earlier, width);
    this.#put(key, writeBlock([...kept, ...block], width, this.#now()));
    // Its values are written with its hours; that it is there, as soon as there is something of it.
    if (tier === "hour" || !this.#remembered.has(device)) this.remember(device);
    block.length = 0;
  }

  #put(key: string, value: Uint8Array): void {
    this.#waiting.delete(key);
    this.#waiting.set(key, value);
    if (this.#waiting.size > MOST_WAITING) this.#waiting.delete(this.#waiting.keys().next().value as string);
  }

  async #write(): Promise<void> {
    for (const device of take(this.#changed, MOST_AT_ONCE)) {
      this.#changed.delete(device);
      const text = JSON.stringify({ ...device.memory(), hasMinutes: this.#hasMinutes(device) });
      this.#put(keyOf(device, "device"), new TextEncoder().encode(text));
    }
    if (this.#waiting.size === 0) return;
    const chosen = take(this.#waiting, MOST_AT_ONCE);
    try {
      if ((await this.#options.hasRoom?.()) === false)
        throw new Error("what is free on the disk is left to the state of the devices");
      const changes: Change[] = [];
      for (const [key, value] of chosen) changes.push([key, await this.#joined(key, value)]);
      await this.#options.store.commit(changes);
      for (const [key, value] of chosen) if (this.#waiting.get(key) === value) this.#waiting.delete(key);
      for (const [, value] of changes) this.written += value?.length ?? 0;
      if (this.#isFailing) this.#options.log.info("web", "the history is written again", "history_works_again");
      this.#isFailing = false;
    } catch (error) {
      this.#warn("written", error);
    }
  }

  /** A block with what an earlier process has written of the same span. */
  async #joined(key: string, value: Uint8Array): Promise<Uint8Array> {
    const [kind] = key.split(NUL);
    if (kind !== "minute" && kind !== "hour") return value;
    const width = widthOf(value);
    const bins = readBlock(value, width);
    const first = bins[0]?.time ?? 0;
    const earlier = readBlock((await this.#options.store.get(key)) ?? new Uint8Array(0), width);
    const same = earlier.filter(({ time }) => placeOf(time, kind) === placeOf(first, kind) && time < first);
    return same.length === 0 ? value : writeBlock([...same, ...bins], width, this.#now());
  }

  #warn(what: string, error: unknown): void {
    this.#isFailing = true;
    const now = this.#now();
    if (now - this.#warned < WARN_MS) return;
    this.#warned = now;
    const reason = error instanceof Error ? error.message : String(error);
    const text = `the history of the page cannot be ${what}, and has gaps; predictions go on: ${reason}`;
    this.#options.log.warn("web", text, "history_failed");
  }
}

/** The first things of a collection. */
function take<T>(from: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  for (const one of from) if (taken.push(one) >= most) break;
  return taken;
}

const placeOf = (time: number, tier: Tier): number => Math.floor(time / BLOCK[tier].ms);

function keyOf({ stream, name }: WatchedDevice, ...[kind, ...rest]: readonly [string, ...string[]]): string {
  return [kind, stream.name, name, ...rest].join(NUL);
}

function readMemory(bytes: Uint8Array): DeviceMemory | undefined {
  try {
    const memory = JSON.parse(new TextDecoder().decode(bytes)) as Partial<DeviceMemory>;
    const { seen, alarms, values, spread } = memory;
    const isSound = Number.isFinite(seen) && [alarms, values, spread].every(Array.isArray);
    return isSound ? (memory as DeviceMemory) : undefined;
  } catch {
    return undefined;
  }
}
