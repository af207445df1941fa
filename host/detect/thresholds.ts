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

/**
 * The score that healthy readings pass `rate` times a row, from an exponential tail of the peaks above the 98 % quantile.
 *
 * @param scores  log2 units
 */
export function startOf(scores: ArrayLike<number>, rate: number): number {
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
  return base + excess * Math.max(Math.log(clusters / rate), 0);
}

/** Where the score of new extremes starts, for a number of channels. */
export function extremeStart(channels: number): number {
  return EXTREME_START + Math.log2(channels);
}

/**
 * The tracker for thresholds that start at `starts` (log2 units, one for each block, that of extremes last) and keep `rate`
 * alarms a row together.
 */
export function trackerOf(starts: readonly number[], rates: readonly number[]): TrackerParameters {
  const rise = Math.floor(RISE * Q24);
  const least = Math.min(...rates);
  let everyLog2 = 0;
  // A fall of a few units of 2^-24 a row would be all rounding.
  while (everyLog2 < 12 && RISE * least * Q24 * 2 ** everyLog2 < 1024) everyLog2++;
  return {
    start: Int32Array.from(starts, (start) => Math.round(Math.min(Math.max(start, -60), 60) * Q24)),
    fall: Int32Array.from(rates, (rate) => Math.max(1, Math.round(RISE * rate * Q24 * 2 ** everyLog2))),
    everyLog2,
    rise,
    hold: HOLD_ROWS,
    renew: RENEW_ROWS,
  };
}

/**
 * The tracker for another number of alarms.
 *
 * @param factor  how many times as many, above 0
 */
export function withRate(tracker: TrackerParameters, factor: number): TrackerParameters {
  return { ...tracker, fall: tracker.fall.map((fall) => Math.min(Math.max(1, Math.round(factor * fall)), 2 ** 28)) };
}

/** What of the alarms each block may make: new extremes half as many as the others. */
export function sharesOf(blocks: readonly string[]): number[] {
  const weights = blocks.map((name) => (name === "extreme" ? 0.5 : 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
