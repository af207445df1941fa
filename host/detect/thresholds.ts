import type { TrackerParameters } from "./parameters.ts";
import { mean, quantile } from "./statistics.ts";

/** Rows after the start of an alarm in which it does not end; peaks closer than this are one. */
const HOLD_ROWS = 20;
const RENEW_ROWS = 10;
/** Share of the scores under the tail that is looked at. */
const TAIL = 0.98;
/** What an alarm raises its threshold: .3 in the logarithm of the distance. */
const RISE = 0.87;
/** A new extreme counts from 5 % of the range on: log2 of it. */
const EXTREME_START = -4.3;
const Q24 = 2 ** 24;

/** How the scores of healthy readings end: where a threshold starts for a rate. log2 units. */
export interface Tail {
  /** A score that is passed at `rate`. */
  readonly base: number;
  /** Passings per row. */
  readonly rate: number;
  /** How much higher the score is that is passed e times more rarely. */
  readonly excess: number;
}

/** The score that healthy readings pass `rate` times a row. */
export function startOf({ base, rate: known, excess }: Tail, rate: number): number {
  return base + excess * Math.max(Math.log(known / rate), 0);
}

/**
 * An exponential tail of the peaks above the 98 % quantile.
 *
 * @param scores  log2 units
 */
export function tailOf(scores: ArrayLike<number>): Tail {
  const base = quantile(scores, TAIL);
  const peaks: number[] = [];
  for (let i = 0; i < scores.length; ) {
    if (!((scores[i] as number) > base)) {
      i++;
      continue;
    }
    let [peak, last] = [scores[i] as number, i];
    let j = i + 1;
    for (; j < scores.length && j - last <= HOLD_ROWS; j++) {
      if (!((scores[j] as number) > base)) continue;
      last = j;
      peak = Math.max(peak, scores[j] as number);
    }
    peaks.push(peak - base);
    i = j;
  }
  const excess = Math.max(peaks.length > 0 ? mean(peaks) : 0.5, 0.1);
  const clusters = Math.max(peaks.length, 1) / scores.length;
  return { base, rate: clusters, excess };
}

/** The score of new extremes, for a number of channels: it starts where it starts, whatever the rate. */
export function extremeTail(channels: number): Tail {
  return { base: EXTREME_START + Math.log2(channels), rate: 1, excess: 0 };
}

/**
 * The tracker that keeps `rates` alarms a row.
 *
 * @param tails  one for each block, that of extremes last
 */
export function trackerOf(tails: readonly Tail[], rates: readonly number[]): TrackerParameters {
  return {
    ...fallOf(rates),
    start: Int32Array.from(tails, (tail, k) => toQ24(startOf(tail, rates[k] as number))),
    rise: Math.floor(RISE * Q24),
    hold: HOLD_ROWS,
    renew: RENEW_ROWS,
    tail: Int32Array.from(tails, ({ excess }) => toQ24(excess)),
  };
}

const toQ24 = (value: number): number => Math.round(Math.min(Math.max(value, -60), 60) * Q24);

/** What thresholds fall so that a rise of each comes `rates` times a row. */
function fallOf(rates: readonly number[]): Pick<TrackerParameters, "fall" | "everyLog2"> {
  const least = Math.min(...rates);
  let everyLog2 = 0;
  // A fall of a few units of 2^-24 a row would be all rounding.
  while (everyLog2 < 12 && RISE * least * Q24 * 2 ** everyLog2 < 1024) everyLog2++;
  return {
    fall: Int32Array.from(rates, (rate) => Math.max(1, Math.round(RISE * rate * Q24 * 2 ** everyLog2))),
    everyLog2,
  };
}

/**
 * The tracker for another number of alarms.
 *
 * @param factor  how many times as many, above 0
 */
export function withRate(tracker: TrackerParameters, factor: number): TrackerParameters {
  const { start, tail } = tracker;
  const rates = Array.from(tracker.fall, (fall) => (factor * fall) / (RISE * Q24 * 2 ** tracker.everyLog2));
  const shift = (k: number) => ((tail?.[k] ?? 0) / Q24) * Math.log(factor);
  return { ...tracker, ...fallOf(rates), start: start.map((value, k) => toQ24(value / Q24 - shift(k))) };
}

/** What of the alarms each block may make: new extremes half as many as the others. */
export function sharesOf(blocks: readonly string[]): number[] {
  const weights = blocks.map((name) => (name === "extreme" ? 0.5 : 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
