// The detector of anomalies: raw readings → features → scores → one alarm. Everything in int32, so that a microcontroller
// computes the same. Nothing here learns but the thresholds, the range seen and the times of day.

import {
  CHANNEL_STATE_BYTES,
  STATE_MUTED,
  STATE_ROW,
  STATE_SETTLED,
  STATE_STARTED,
} from "../../assembly/detect/layout.ts";
import { Channel } from "./channel.ts";
import { distance, scoreOf } from "./distance.ts";
import { type BlockName, blocksOf, type DetectorParameters } from "./parameters.ts";
import { Season } from "./season.ts";
import { readDetectorSnapshot, writeDetectorSnapshot } from "./snapshot.ts";
import { readRow, type StateLayout, stateLayoutOf } from "./state.ts";
import { Tracker } from "./tracker.ts";

/** Missed rows from which on what is recent says nothing any more. */
const GAP_ROWS = 32;
/** Rows at the start, and after such a gap, in which there is no alarm: the means are of too few readings. */
const MUTE_ROWS = 20;

/** What a detector says of a row; the same object at every row. */
export interface Verdict {
  /** Greatest distance of a score to its threshold, in units of log2; 0 and above is an alarm. */
  score: number;
  isAlarm: boolean;
  /** Whether the alarm began at this row. */
  isAlert: boolean;
  /** The block of the greatest distance. */
  block: BlockName;
  /** Index of the channel that explains it most. */
  channel: number;
}

/** A detector with its state, for one stream of rows. */
export class Detector {
  /** Scores of the last row, Q11, in the order of {@link blocksOf}. */
  readonly scores: Int32Array;
  readonly #parameters: DetectorParameters;
  readonly #blocks: readonly BlockName[];
  readonly #channels: readonly Channel[];
  readonly #season: Season | undefined;
  readonly #tracker: Tracker;
  readonly #layout: StateLayout;
  /** Slow means and noise of all channels: features 2 and 6. */
  readonly #levels: Int32Array;
  readonly #noises: Int32Array;
  readonly #sensorDistances: Float64Array;
  #lastRow: number | undefined;
  #muted = MUTE_ROWS;
  #since: number | undefined;
  readonly #verdict: Verdict = { score: 0, isAlarm: false, isAlert: false, block: "sensor", channel: 0 };

  constructor(parameters: DetectorParameters) {
    const { channels, seasonality, tracker } = parameters;
    this.#parameters = parameters;
    this.#layout = stateLayoutOf(parameters);
    this.#blocks = blocksOf(parameters);
    this.scores = new Int32Array(this.#blocks.length);
    this.#channels = channels.map((channel) => new Channel(channel));
    this.#season = seasonality && new Season(seasonality.period, seasonality.slots, channels.length, seasonality.seen);
    this.#tracker = new Tracker(tracker);
    this.#levels = new Int32Array(channels.length);
    this.#noises = new Int32Array(channels.length);
    this.#sensorDistances = new Float64Array(channels.length);
  }

  /** Features of a channel at the last row, i16[7] Q11. */
  featuresOf(channel: number): Int32Array {
    return (this.#channels[channel] as Channel).features;
  }

  /** Deviation that was expected of a channel at the last row, Q11. */
  expectedOf(channel: number): number {
    return (this.#channels[channel] as Channel).expected;
  }

  /** Number of the row at which the alarm of the last row began; undefined without one. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Rows still to come in which there is no alarm. */
  get mutedRows(): number {
    return this.#muted;
  }

  /** What the last row said. */
  get verdict(): Readonly<Verdict> {
    return this.#verdict;
  }

  /**
   * How far the last row is from what is usual, powers of 2: the greatest distance of the scores of sensor and relation to their usual
   * values. It knows no threshold that gets used to a fault: 3 and above is a state that lasts. 0 when the usual is not known.
   */
  get deviation(): number {
    const { usual } = this.#parameters;
    if (usual === undefined) return 0;
    return Math.max(...Array.from(usual, (value, k) => (this.scores[k] as number) - value)) / 2048;
  }

  /** Seasonal residuals of the channels at the last row, Q11; undefined without a period. */
  get seasonalResiduals(): Int32Array | undefined {
    return this.#season?.residuals;
  }

  /**
   * Takes a row.
   *
   * @param raw  i32 per channel, |raw| <= 2^30
   * @param row  number of the row by the clock, 0 to 2^53 - 1, greater than the one before; missed rows are counted. After more
   *   than 32 of them, 20 rows pass without an alarm
   * @param isWarmup  compute the scores, leave the thresholds alone
   * @param residuals  of a detector in a model: i32 per channel, raw readings minus what the model predicted; undefined while they are
   *   not known
   * @throws {RangeError} when the number of the row is not greater than the one before
   */
  step(raw: ArrayLike<number>, row: number, isWarmup = false, residuals?: ArrayLike<number>): Verdict {
    const moved = movedTo(row, this.#lastRow);
    if (this.#lastRow !== undefined && moved > GAP_ROWS + 1) this.#restart();
    this.#lastRow = row;
    this.#season?.enter(row, moved);
    for (let c = 0; c < this.#channels.length; c++) {
      const channel = this.#channels[c] as Channel;
      channel.step(raw[c] as number, residuals?.[c]);
      const { features } = channel;
      this.#levels[c] = features[2] as number;
      this.#noises[c] = features[6] as number;
      this.#season?.step(c, features[0] as number);
    }
    this.#score();
    const isMuted = this.#muted > 0;
    if (isMuted) this.#muted--;
    const verdict = this.#judge(isWarmup || isMuted);
    if (verdict.isAlert || (verdict.isAlarm && this.#since === undefined)) this.#since = row;
    if (!verdict.isAlarm) this.#since = undefined;
    return verdict;
  }

  /** Number of the last row; undefined before the first. */
  get lastRow(): number | undefined {
    return this.#lastRow;
  }

  /** The state in the layout of FORMAT.md 8.5; all zeros before the first row. */
  state(): Uint8Array {
    const state = new Uint8Array(this.#layout.bytes);
    if (this.#lastRow === undefined) return state;
    const view = new DataView(state.buffer);
    view.setUint8(STATE_STARTED, 1);
    view.setUint8(STATE_SETTLED, (this.#channels[0] as Channel).settled);
    view.setUint8(STATE_MUTED, this.#muted);
    view.setUint32(STATE_ROW, this.#lastRow % 2 ** 32, true);
    view.setUint32(STATE_ROW + 4, Math.floor(this.#lastRow / 2 ** 32), true);
    this.#tracker.save(view);
    for (const [c, channel] of this.#channels.entries()) {
      channel.save(view, this.#layout.channels + CHANNEL_STATE_BYTES * c);
    }
    this.#season?.save(view, this.#layout);
    return state;
  }

  /** The state with the hash of the detector and a checksum (FORMAT.md 8.6). */
  snapshot(): Uint8Array {
    return writeDetectorSnapshot(this.#parameters, this.state());
  }

  /**
   * Goes on from a snapshot.
   *
   * @throws {SnapshotError} when it is damaged or belongs to another detector; the detector is then as it was
   */
  restore(snapshot: Uint8Array): void {
    this.#load(readDetectorSnapshot(this.#parameters, snapshot));
  }

  /**
   * Forgets what is recent, as after a long gap, and ends the alarm. What took long to learn stays: thresholds, ranges, times of
   * day, the number of the row.
   *
   * @param forgetsAll  be as new
   */
  reset(forgetsAll = false): void {
    if (forgetsAll) this.#load(new Uint8Array(this.#layout.bytes));
    if (this.#lastRow === undefined) return;
    this.#restart();
    this.#tracker.end();
    this.#since = undefined;
  }

  #restart(): void {
    for (const channel of this.#channels) channel.restart();
    this.#muted = MUTE_ROWS;
  }

  /** @param state  checked */
  #load(state: Uint8Array): void {
    const view = new DataView(state.buffer, state.byteOffset, state.byteLength);
    const isNew = view.getUint8(STATE_STARTED) === 0;
    this.#lastRow = isNew ? undefined : readRow(view);
    this.#since = undefined;
    this.#muted = isNew ? MUTE_ROWS : view.getUint8(STATE_MUTED);
    if (isNew) {
      this.#season?.start();
      this.#tracker.start();
    } else {
      this.#season?.load(view, this.#layout);
      this.#tracker.load(view);
    }
    const settled = view.getUint8(STATE_SETTLED);
    for (const [c, channel] of this.#channels.entries()) {
      if (isNew) channel.start();
      else channel.load(view, this.#layout.channels + CHANNEL_STATE_BYTES * c, settled);
    }
  }

  #score(): void {
    const { relation, noise, seasonality, channels } = this.#parameters;
    let [at, widest, extreme] = [0, 0, Number.NEGATIVE_INFINITY];
    for (let c = 0; c < channels.length; c++) {
      const { features, extreme: own } = this.#channels[c] as Channel;
      const squared = distance((channels[c] as (typeof channels)[number]).sensor, features);
      this.#sensorDistances[c] = squared;
      widest = Math.max(widest, squared);
      extreme = Math.max(extreme, own);
    }
    this.scores[at++] = scoreOf(widest);
    if (relation !== undefined) this.scores[at++] = scoreOf(distance(relation, this.#levels));
    this.scores[at++] = scoreOf(distance(noise, this.#noises));
    if (seasonality !== undefined && this.#season !== undefined) {
      this.scores[at++] = scoreOf(distance(seasonality.block, this.#season.residuals));
    }
    this.scores[at] = extreme;
  }

  #judge(isWarmup: boolean): Verdict {
    const verdict = this.#verdict;
    let [best, margin] = [0, Number.NEGATIVE_INFINITY];
    for (let k = 0; k < this.scores.length; k++) {
      const own = this.#tracker.margin(k, this.scores[k] as number);
      if (own <= margin) continue;
      best = k;
      margin = own;
    }
    if (!isWarmup) this.#tracker.step(this.scores);
    verdict.score = margin / 2048;
    verdict.isAlarm = !isWarmup && this.#tracker.isAlarm;
    verdict.isAlert = !isWarmup && this.#tracker.isAlert;
    verdict.block = this.#blocks[best] as BlockName;
    verdict.channel = this.#explain(verdict.block);
    return verdict;
  }

  /**
   * How much each channel has to do with the score of the last row, by what its block looks at; the sum is 1. The greatest is that of
   * the verdict's channel.
   */
  shares(): number[] {
    const { block } = this.#verdict;
    const parts = this.#channels.map((_, c) => {
      const value = this.#deviationOf(block, c);
      if (block === "sensor") return value;
      return block === "extreme" ? 2 ** (value / 2048) : value * value;
    });
    const sum = parts.reduce((total, part) => total + part, 0);
    return parts.map((part) => (sum > 0 ? part / sum : 1 / parts.length));
  }

  /** The channel that is farthest from where it should be, by what the block looks at. */
  #explain(block: BlockName): number {
    let [worst, greatest] = [0, Number.NEGATIVE_INFINITY];
    for (let c = 0; c < this.#channels.length; c++) {
      const value = this.#deviationOf(block, c);
      if (value <= greatest) continue;
      worst = c;
      greatest = value;
    }
    return worst;
  }

  #deviationOf(block: BlockName, c: number): number {
    const { relation, noise, seasonality } = this.#parameters;
    switch (block) {
      case "sensor":
        return this.#sensorDistances[c] as number;
      case "relation":
        return Math.abs((this.#levels[c] as number) - ((relation ?? noise).mean[c] as number));
      case "noise":
        return Math.abs((this.#noises[c] as number) - (noise.mean[c] as number));
      case "time_of_day":
        return Math.abs((this.#season?.residuals[c] ?? 0) - (seasonality?.block.mean[c] ?? 0));
      case "extreme":
        return (this.#channels[c] as Channel).extreme;
    }
  }
}

/** How many rows a row is after the one before; 1 when there is none. */
export function movedTo(row: number, last: number | undefined): number {
  const moved = row - (last ?? row - 1);
  if (moved >= 1) return moved;
  throw new RangeError(`Row ${row} does not come after row ${last}`);
}
