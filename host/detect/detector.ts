// The detector of anomalies: raw readings → features → scores → one alarm. Everything in int32, so that a microcontroller
// computes the same. Nothing here learns but the thresholds, the range seen and the times of day.

import { Channel } from "./channel.ts";
import { distance, scoreOf } from "./distance.ts";
import { type BlockName, blocksOf, type DetectorParameters } from "./parameters.ts";
import { Season } from "./season.ts";
import { Tracker } from "./tracker.ts";

/** Missed rows from which on what is recent says nothing any more. */
const GAP_ROWS = 32;
/** Rows after such a gap in which there is no alarm. */
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
  /** Slow means and noise of all channels: features 2 and 6. */
  readonly #levels: Int32Array;
  readonly #noises: Int32Array;
  readonly #sensorDistances: Float64Array;
  #lastRow: number | undefined;
  #muted = 0;
  readonly #verdict: Verdict = { score: 0, isAlarm: false, isAlert: false, block: "sensor", channel: 0 };

  constructor(parameters: DetectorParameters) {
    const { channels, seasonality, tracker } = parameters;
    this.#parameters = parameters;
    this.#blocks = blocksOf(parameters);
    this.scores = new Int32Array(this.#blocks.length);
    this.#channels = channels.map((channel) => new Channel(channel));
    this.#season = seasonality && new Season(seasonality.period, seasonality.slots, channels.length);
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

  /** Seasonal residuals of the channels at the last row, Q11; undefined without a period. */
  get seasonalResiduals(): Int32Array | undefined {
    return this.#season?.residuals;
  }

  /**
   * Takes a row.
   *
   * @param raw  i32 per channel, |raw| <= 2^30
   * @param row  number of the row by the clock, greater than the one before; missed rows are counted. After more than 32 of them,
   *   20 rows pass without an alarm
   * @param isWarmup  compute the scores, leave the thresholds alone
   */
  step(raw: ArrayLike<number>, row: number, isWarmup = false): Verdict {
    if (this.#lastRow !== undefined && row - this.#lastRow > GAP_ROWS + 1) {
      for (const channel of this.#channels) channel.restart();
      this.#muted = MUTE_ROWS;
    }
    this.#lastRow = row;
    this.#season?.enter(row);
    for (let c = 0; c < this.#channels.length; c++) {
      const channel = this.#channels[c] as Channel;
      channel.step(raw[c] as number);
      const { features } = channel;
      this.#levels[c] = features[2] as number;
      this.#noises[c] = features[6] as number;
      this.#season?.step(c, features[0] as number);
    }
    this.#score();
    const isMuted = this.#muted > 0;
    if (isMuted) this.#muted--;
    return this.#judge(isWarmup || isMuted);
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
