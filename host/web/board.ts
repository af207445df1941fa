import type { Health } from "../health/device-health.ts";
import type { MessageOutcome } from "../mqtt/outcomes.ts";
import { ATTENTION, type Attention } from "./attention.ts";
import { Rejections } from "./rejections.ts";
import type { StreamView } from "./series.ts";
import { type BinTaker, type DeviceMemory, WatchedDevice } from "./watched-device.ts";

/** Bytes for bins of a second, of all devices together. */
const MOST_BYTES = 64 * 1024 * 1024;
const [FEWEST_BINS, MOST_BINS] = [8, 1024];
/** Devices that the page knows; more are counted. */
const MOST_DEVICES = 50_000;

type HealthLookup = (stream: string, device: string) => Health | undefined;

/** Which devices a list shows. */
export interface Wanted {
  /** Part of `stream/name`, in any letters. */
  readonly text: string;
  readonly attention: Attention | undefined;
  readonly stream: string | undefined;
}

/** Devices in the order of what needs attention. */
export interface Ordered {
  readonly devices: readonly WatchedDevice[];
  /** Of each kind, among all devices. */
  readonly counts: Readonly<Record<Attention, number>>;
}

/**
 * What the page shows of all devices, from what becomes of their messages. It takes about a microsecond a message, whether anyone looks
 * or not; the order is made when it is asked for, once a second at most.
 */
export class Board {
  readonly rejections = new Rejections();
  readonly #now: () => number;
  readonly #taker: BinTaker | undefined;
  readonly #streams = new Map<string, { view: StreamView; readonly devices: Map<string, WatchedDevice> }>();
  #healthOf: HealthLookup = () => undefined;
  #count = 0;
  /** All devices by name; undefined when one has come since. */
  #sorted: readonly WatchedDevice[] | undefined;
  #ordered: (Ordered & { readonly at: number }) | undefined;

  constructor(now: () => number = Date.now, taker?: BinTaker) {
    this.#now = now;
    this.#taker = taker;
  }

  /** The streams that are shown. */
  get streams(): readonly StreamView[] {
    return [...this.#streams.values()].map(({ view }) => view);
  }

  /**
   * Shows these streams from now on; a stream whose inputs are the same keeps its devices.
   *
   * @param healthOf  what is known of the health of a device; later changes come by `observeHealth`
   */
  show(views: readonly StreamView[], healthOf: HealthLookup = () => undefined): void {
    this.#healthOf = healthOf;
    const kept = new Map(this.#streams);
    this.#streams.clear();
    for (const view of views) {
      const known = kept.get(view.name);
      const isSame = known !== undefined && JSON.stringify(known.view.series) === JSON.stringify(view.series);
      this.#streams.set(view.name, isSame ? { ...known, view } : { view, devices: new Map() });
    }
    this.#count = [...this.#streams.values()].reduce((sum, { devices }) => sum + devices.size, 0);
    for (const device of this.all()) device.health = healthOf(device.stream.name, device.name);
    this.#sorted = undefined;
    this.#ordered = undefined;
  }

  /** Takes in how a device is from now on. */
  observeHealth(stream: string, name: string, health: Health): void {
    const device = this.find(stream, name);
    if (device !== undefined) device.health = health;
  }

  /** Takes in what became of a message. */
  observe(outcome: MessageOutcome): void {
    const now = this.#now();
    if (outcome.kind === "reject") {
      this.rejections.add(outcome, now);
      if (outcome.device !== undefined) this.#reject(outcome.stream, outcome.device);
      return;
    }
    const device = this.#device(outcome.stream, outcome.device, outcome.kind === "step");
    if (device === undefined) return;
    if (outcome.kind === "step") device.step(outcome, now, this.#mostBins(device));
    else if (outcome.kind === "hold") device.hold(now);
    else device.command(outcome);
  }

  /** Takes over what an earlier process knew of a device. */
  recall(stream: string, name: string, memory: DeviceMemory): void {
    if (this.find(stream, name)?.n !== undefined) return;
    this.#device(stream, name, true)?.recall(memory);
  }

  /** Answers a device. */
  find(stream: string, name: string): WatchedDevice | undefined {
    return this.#streams.get(stream)?.devices.get(name);
  }

  /** Answers all devices. */
  *all(): Generator<WatchedDevice> {
    for (const { devices } of this.#streams.values()) yield* devices.values();
  }

  /** Answers all devices in the order of what needs attention, as of this second. */
  ordered(): Ordered {
    const now = this.#now();
    if (this.#ordered !== undefined && now - this.#ordered.at < 900 && now >= this.#ordered.at) return this.#ordered;
    this.#sorted ??= [...this.all()].sort((a, b) => (a.sought < b.sought ? -1 : a.sought > b.sought ? 1 : 0));
    const groups = Object.fromEntries(ATTENTION.map((name) => [name, [] as WatchedDevice[]]));
    for (const device of this.#sorted) groups[device.attention(now)]?.push(device);
    const since = (device: WatchedDevice) => device.alarms.at(-1)?.from ?? 0;
    groups.alarm?.sort((a, b) => since(b) - since(a));
    const counts = Object.fromEntries(ATTENTION.map((name) => [name, groups[name]?.length ?? 0]));
    this.#ordered = {
      at: now,
      devices: ATTENTION.flatMap((name) => groups[name] ?? []),
      counts: counts as Record<Attention, number>,
    };
    return this.#ordered;
  }

  /** Answers those devices that a list shows, in the same order. */
  select({ text, attention, stream }: Wanted): readonly WatchedDevice[] {
    const { devices } = this.ordered();
    const now = this.#now();
    const part = text.toLowerCase();
    if (part === "" && attention === undefined && stream === undefined) return devices;
    return devices.filter(
      (device) =>
        device.sought.includes(part) &&
        (stream === undefined || device.stream.name === stream) &&
        (attention === undefined || device.attention(now) === attention),
    );
  }

  #device(stream: string, name: string, isNews: boolean): WatchedDevice | undefined {
    const known = this.#streams.get(stream);
    const device = known?.devices.get(name);
    if (device !== undefined || known === undefined || !isNews || this.#count >= MOST_DEVICES) return device;
    const made = new WatchedDevice(known.view, name, this.#taker);
    made.health = this.#healthOf(stream, name);
    known.devices.set(name, made);
    this.#count++;
    this.#sorted = undefined;
    return made;
  }

  #reject(stream: string, name: string): void {
    const device = this.find(stream, name);
    if (device !== undefined) device.rejected++;
  }

  /** The more devices there are, the fewer bins each of them keeps. */
  #mostBins({ stream }: WatchedDevice): number {
    const each = MOST_BYTES / this.#count / (12 + 12 * stream.series.length);
    return Math.max(FEWEST_BINS, Math.min(MOST_BINS, 2 ** Math.floor(Math.log2(each))));
  }
}
