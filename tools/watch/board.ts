// What is known of devices from the messages of a broker.

import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { PayloadError, type Reading } from "../../host/stream/payload.ts";
import { createRouter } from "../../host/stream/router.ts";

/** A device as the table shows it. */
export interface DeviceView {
  readonly stream: string;
  readonly device: string;
  /** Of the last reading or answer, ms. */
  readonly last: number;
  /** Readings (or answers, where no readings are seen) a second; undefined until there were two. */
  readonly rate: number | undefined;
  /** The last values by input; NaN for one that did not come yet. */
  readonly values: readonly number[];
  readonly prediction: number | undefined;
  readonly residual: number | undefined;
  readonly score: number | undefined;
  /** Input that explains an alarm, empty where none does; undefined without an alarm. */
  readonly alarm: string | undefined;
  /** What is told of its health; undefined where nothing is, or all is well. */
  readonly health: "stale" | "stuck" | undefined;
  /** Since when, Unix milliseconds. */
  readonly since: number;
  /** Share of what a detector has to learn first; undefined when it has. */
  readonly learning: number | undefined;
  /** Samples until the answers mean something; 0 when they do. */
  readonly warmup: number;
  /** Whether anything was answered. */
  readonly isAnswered: boolean;
}

type Device = { -readonly [key in keyof DeviceView]: DeviceView[key] } & { times: number[]; hasReadings: boolean };

/** Times of which a rate is made. */
const TIMES = 32;
/** Devices that are remembered: a broker of a whole town must not fill the memory. */
const MOST_DEVICES = 10_000;

/** Gathers what is known of devices. */
export class WatchBoard {
  readonly #base: string;
  readonly #route: ReturnType<typeof createRouter<StreamOptions>>;
  readonly #devices = new Map<string, Device>();
  readonly #now: () => number;
  /** What the host says of itself; undefined where it says nothing. */
  host: string | undefined;

  /**
   * @param base  first levels of the topics that a host publishes
   * @param streams  of a configuration, whose readings are shown; none: only what is published
   */
  constructor(base: string, streams: readonly StreamOptions[], now: () => number) {
    this.#base = base;
    this.#route = createRouter(streams);
    this.#now = now;
  }

  /** Takes a message in. */
  take(topic: string, payload: Uint8Array, isRetained: boolean): void {
    if (topic.startsWith(`${this.#base}/`)) this.#takeOwn(topic.slice(this.#base.length + 1), payload);
    // Retained readings are old news, as for the host.
    if (!isRetained) this.#takeReadings(topic, payload);
  }

  /** Answers all devices: those that need attention first, then by name. */
  devices(): readonly DeviceView[] {
    const rank = ({ alarm, health }: DeviceView) => (alarm !== undefined ? 0 : health !== undefined ? 1 : 2);
    const name = ({ stream, device }: DeviceView) => `${stream}/${device}`;
    return [...this.#devices.values()].sort(
      (a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b), "en", { numeric: true }),
    );
  }

  #takeReadings(topic: string, payload: Uint8Array): void {
    for (const { stream, source, device, captures } of this.#route(topic)) {
      if (source.isCommand || device === undefined) continue;
      let readings: readonly (Reading | PayloadError)[];
      try {
        readings = [source.decode(payload, { topic, captures, now: this.#now, ask: () => {} })].flat();
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
        continue;
      }
      for (const reading of readings) {
        if (reading instanceof PayloadError) continue;
        const known = this.#find(stream.name, reading.device ?? device);
        if (known === undefined) continue;
        if (!known.hasReadings) known.times = [];
        known.hasReadings = true;
        this.#count(known);
        const { values } = known;
        known.values = Array.from(reading.sample, (value, i) => (Number.isNaN(value) ? (values[i] ?? value) : value));
      }
    }
  }

  /** @param rest  topic behind the base */
  #takeOwn(rest: string, payload: Uint8Array): void {
    const text = new TextDecoder().decode(payload);
    if (rest === "bridge/state") {
      this.host = text.slice(0, 200);
      return;
    }
    const [stream = "", ...levels] = rest.split("/");
    const end = levels.length > 1 ? levels.at(-1) : undefined;
    const kind = end === "alarm" || end === "health" || end === "result" || end === "set" ? end : "answer";
    const name = (kind === "answer" ? levels : levels.slice(0, -1)).join("/");
    if (stream === "bridge" || name === "" || kind === "result" || kind === "set") return;
    const told = parse(text);
    if (told === undefined) return;
    // A message that is no answer of a host makes no device.
    if (kind === "answer" && typeof told.n !== "number") return;
    const device = this.#find(stream, name);
    if (device === undefined) return;
    if (kind === "answer") this.#answer(device, told);
    if (kind === "alarm") device.alarm = told.alarm === true ? causeOf(told) : undefined;
    if (kind === "health") {
      device.health = told.health === "stale" || told.health === "stuck" ? told.health : undefined;
      device.since = numberOf(told.since) ?? device.since;
    }
  }

  #answer(device: Device, told: Record<string, unknown>): void {
    device.isAnswered = true;
    device.prediction = numberOf(first(told.prediction));
    device.residual = numberOf(first(told.residual));
    device.score = numberOf(told.score);
    device.learning = numberOf(told.learning);
    device.warmup = numberOf(told.warmup) ?? 0;
    if (!device.hasReadings) this.#count(device);
  }

  #count(device: Device): void {
    const now = this.#now();
    device.last = now;
    device.times.push(now);
    if (device.times.length > TIMES) device.times.shift();
    const span = now - (device.times[0] as number);
    device.rate = span > 0 ? (1000 * (device.times.length - 1)) / span : undefined;
  }

  #find(stream: string, device: string): Device | undefined {
    const key = `${stream}/${device}`;
    const known = this.#devices.get(key);
    if (known !== undefined || this.#devices.size >= MOST_DEVICES) return known;
    const made: Device = {
      stream,
      device,
      last: 0,
      rate: undefined,
      values: [],
      prediction: undefined,
      residual: undefined,
      score: undefined,
      alarm: undefined,
      health: undefined,
      since: 0,
      learning: undefined,
      warmup: 0,
      isAnswered: false,
      times: [],
      hasReadings: false,
    };
    this.#devices.set(key, made);
    return made;
  }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined);

function causeOf({ cause }: Record<string, unknown>): string {
  const input = (first(cause) as { readonly input?: unknown } | undefined)?.input;
  return typeof input === "string" ? input : "";
}
