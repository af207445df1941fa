import type { AlarmChange, Cause } from "../alarm/types.ts";
import type { Health } from "../health/device-health.ts";
import type { Commanded, Stepped } from "../mqtt/outcomes.ts";
import type { Attention } from "./attention.ts";
import { type Bin, BinRing, Gathering, short } from "./bins.ts";
import { copyValues, type StreamView } from "./series.ts";

/** A time in which a device was in alarm, Unix milliseconds. */
export interface AlarmSpan {
  readonly from: number;
  /** Undefined while it lasts. */
  to?: number;
  /** The cause in words. */
  readonly text: string;
  readonly cause: readonly Cause[];
}

type Numbers = readonly (number | null)[];

/** What is kept of a device beyond the process. */
export interface DeviceMemory {
  readonly seen: number;
  readonly time: number;
  readonly n: number;
  readonly every: number;
  readonly values: Numbers;
  readonly spread: Numbers;
  readonly isAlarm: boolean;
  readonly isAcknowledged: boolean;
  readonly alarms: readonly AlarmSpan[];
  /** Whether the history has room for minutes of it. */
  readonly hasMinutes?: boolean;
}

/** Takes bins of a device that are complete. */
export interface BinTaker {
  minute(device: WatchedDevice, bin: Bin): void;
  hour(device: WatchedDevice, bin: Bin): void;
}

const MOST_ALARMS = 100;
const SPARK_POINTS = 40;
/** Weight of the newest gap in the usual one, and of the newest residual in the usual error. */
const GAP_WEIGHT = 0.1;
const LEAST_SPREAD_WEIGHT = 1 / 500;
/** A device that is silent for so many usual gaps is stale. */
const STALE_GAPS = 10;
const LEAST_STALE_MS = 30_000;
/** A device is looked after for so long when its alarm is over: thresholds get used to a fault that lasts. */
const RECENT_MS = 3_600_000;
const [MINUTE, HOUR] = [60_000, 3_600_000];

/** What the page shows of a device: its latest step, and what came before in bins of a second. */
export class WatchedDevice {
  readonly stream: StreamView;
  readonly name: string;
  /** For order: the name, in small letters for the search. */
  readonly sought: string;
  /** Bins of a second that are complete. */
  readonly recent: BinRing;
  readonly values: Float64Array;
  /** Usual size of the residuals, outside of alarms. */
  readonly spread: Float64Array;
  readonly alarms: AlarmSpan[] = [];
  /** Of the latest sample, and of its arrival, Unix milliseconds. */
  time = Number.NaN;
  seen = 0;
  n = 0;
  /** Usual time between two samples, ms; NaN before the second. */
  every = Number.NaN;
  rejected = 0;
  /** As the bridge tells it; undefined where it says nothing. */
  health: Health | undefined;
  /** The latest, per output. */
  prediction = new Float64Array(0);
  anomaly: Stepped["anomaly"];
  warmup = 0;
  isAlarm = false;
  /** Whether somebody has said to know of the alarm. */
  isAcknowledged = false;
  #errors = 0;
  readonly #taker: BinTaker | undefined;
  readonly #second: Gathering;
  readonly #minute: Gathering;
  readonly #hour: Gathering;

  constructor(stream: StreamView, name: string, taker?: BinTaker) {
    const width = stream.series.length;
    this.stream = stream;
    this.name = name;
    this.sought = `${stream.name}/${name}`.toLowerCase();
    this.#taker = taker;
    this.recent = new BinRing(width);
    this.values = new Float64Array(width).fill(Number.NaN);
    this.spread = new Float64Array(width).fill(Number.NaN);
    this.#second = new Gathering(width);
    this.#minute = new Gathering(width);
    this.#hour = new Gathering(width);
  }

  /** Takes in a step; at most `most` bins of a second are kept. */
  step(outcome: Stepped, now: number, most: number): void {
    const { time, n, anomaly } = outcome;
    copyValues(this.stream, outcome, this.values);
    if (time > this.time) {
      const gap = time - this.time;
      this.every = Number.isNaN(this.every) ? gap : this.every + GAP_WEIGHT * (gap - this.every);
    }
    // A late sample counts into the present second: bins are in order.
    const at = Math.max(time, Number.isNaN(this.time) ? time : this.time);
    if (this.#second.count > 0 && Math.floor(at / 1000) !== Math.floor(this.#second.time / 1000)) this.#close(most);
    this.#second.add(this.values, at);
    this.time = at;
    this.seen = now;
    this.n = n;
    if (this.prediction.length !== outcome.prediction.length)
      this.prediction = new Float64Array(outcome.prediction.length);
    this.prediction.set(outcome.prediction);
    this.anomaly = anomaly;
    this.warmup = outcome.warmup ?? 0;
    if (anomaly?.change !== undefined) this.#change(anomaly.change);
    else if (anomaly !== undefined) this.#agree(anomaly.isAlarm, time);
    this.isAcknowledged = anomaly?.isAcknowledged === true;
    if (!this.isAlarm) this.#learnSpread();
  }

  /** Takes in that values came that are no sample. */
  hold(now: number): void {
    this.seen = now;
  }

  /** Takes in what a command has changed. */
  command({ outcome, request }: Commanded): void {
    if (outcome.change !== undefined) this.#change(outcome.change);
    else if (outcome.isDone && request.isAcknowledge) this.isAcknowledged = this.isAlarm;
  }

  /** The bins of a second from a time on, the one that is not over too. */
  secondsSince(time: number): Bin[] {
    const bins = this.recent.since(time);
    if (this.#second.count > 0 && this.#second.time >= time) bins.push(this.#second.bin());
    return bins;
  }

  /** What was gathered of the present minute and hour, as far as it is over. */
  open(): { readonly minute: Bin | undefined; readonly hour: Bin | undefined } {
    const of = (gathering: Gathering) => (gathering.count === 0 ? undefined : gathering.bin());
    return { minute: of(this.#minute), hour: of(this.#hour) };
  }

  /** Hands over all that was gathered, as at the end of the process. */
  flush(): void {
    this.#close(this.recent.length + 1);
    const { minute, hour } = this.open();
    if (minute !== undefined) this.#taker?.minute(this, minute);
    if (hour !== undefined) this.#taker?.hour(this, hour);
    this.#minute.clear();
    this.#hour.clear();
  }

  /** Answers what the device needs. */
  attention(now: number): Attention {
    if (this.isAlarm) return this.isAcknowledged ? "acknowledged" : "alarm";
    if (this.#isSilent(now)) return "stale";
    if (this.health?.health === "stuck") return "stuck";
    const ended = this.alarms.at(-1)?.to;
    if (ended !== undefined && this.time - ended < RECENT_MS) return "recent";
    if (this.anomaly?.learning !== undefined) return "learning";
    return "fine";
  }

  /** The latest points of the score, or else of the first input, for a small picture. */
  spark(): readonly (number | null)[] {
    const { series } = this.stream;
    const s = Math.max(
      0,
      series.findIndex(({ kind }) => kind === "score"),
    );
    const { length } = this.recent;
    const count = Math.min(SPARK_POINTS, length);
    return Array.from({ length: count }, (_, i) => {
      const { max } = this.recent.at(length - count + i);
      const value = max[s] as number;
      return Number.isFinite(value) ? Number(value.toPrecision(3)) : null;
    });
  }

  /** What is kept beyond the process. */
  memory(): DeviceMemory {
    const { seen, time, n, every, isAlarm, isAcknowledged, alarms } = this;
    const values = Array.from(this.values, short);
    const spread = Array.from(this.spread, short);
    return { seen, time, n, every, values, spread, isAlarm, isAcknowledged, alarms };
  }

  /** Takes over what an earlier process knew. */
  recall({ seen, time, n, every, values, spread, isAlarm, isAcknowledged = false, alarms }: DeviceMemory): void {
    Object.assign(this, { seen, n, isAlarm, isAcknowledged, time: time ?? Number.NaN, every: every ?? Number.NaN });
    const isSame = values.length === this.values.length;
    if (isSame) for (const [s, value] of values.entries()) this.values[s] = value ?? Number.NaN;
    if (isSame) for (const [s, value] of spread.entries()) this.spread[s] = value ?? Number.NaN;
    this.alarms.push(...alarms.slice(-MOST_ALARMS));
  }

  #isSilent(now: number): boolean {
    if (this.health !== undefined) return this.health.health === "stale";
    return now - this.seen > Math.max(LEAST_STALE_MS, STALE_GAPS * (this.every || 0));
  }

  #close(most: number): void {
    if (this.#second.count === 0) return;
    const bin = this.#second.bin();
    this.#second.clear();
    this.recent.push(bin, most);
    if (this.#taker === undefined) return;
    const isOver = (gathering: Gathering, span: number) =>
      gathering.count > 0 && Math.floor(bin.time / span) !== Math.floor(gathering.time / span);
    if (isOver(this.#minute, MINUTE)) {
      const minute = this.#minute.bin();
      this.#minute.clear();
      this.#taker.minute(this, minute);
    }
    if (isOver(this.#hour, HOUR)) {
      this.#taker.hour(this, this.#hour.bin());
      this.#hour.clear();
    }
    this.#minute.addBin(bin);
    this.#hour.addBin(bin);
  }

  #change({ isAlarm, since, text, cause }: AlarmChange): void {
    this.isAlarm = isAlarm;
    this.isAcknowledged = false;
    const last = this.alarms.at(-1);
    if (isAlarm) {
      this.alarms.push({ from: since, text, cause });
      if (this.alarms.length > MOST_ALARMS) this.alarms.shift();
    } else if (last !== undefined && last.to === undefined) last.to = since;
  }

  /** Follows a state whose change was not seen, as after a restart. */
  #agree(isAlarm: boolean, time: number): void {
    if (isAlarm === this.isAlarm) return;
    this.#change({ isAlarm, since: time, score: null, cause: [], text: "" });
  }

  #learnSpread(): void {
    const { series } = this.stream;
    const weight = Math.max(LEAST_SPREAD_WEIGHT, 1 / ++this.#errors);
    for (let s = 0; s < series.length; s++) {
      if (series[s]?.kind !== "residual") continue;
      const error = this.values[s] as number;
      if (Number.isNaN(error)) continue;
      const old = this.spread[s] as number;
      this.spread[s] = Number.isNaN(old)
        ? Math.abs(error)
        : Math.sqrt(old * old + weight * (error * error - old * old));
    }
  }
}
