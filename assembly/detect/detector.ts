// A row through the whole detector (FORMAT.md 8): the twin of host/detect/detector.ts.

import { copy, I16s } from "../memory";
import { channelStep, meetRange, startChannel } from "./channel";
import { blockBytes, distance, scoreOf } from "./distance";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Form } from "./forms";
import {
  BLOCK_EXTREME,
  BLOCK_NOISE,
  BLOCK_RELATION,
  BLOCK_SENSOR,
  BLOCK_TIME_OF_DAY,
  CHANNEL_STATE_BYTES,
  FEATURE_BYTES,
  GAP_ROWS,
  IMAGE_HAS_RANGE,
  IMAGE_SEEN,
  IMAGE_SLOTS,
  IMAGE_START,
  MUTE_ROWS,
  NO_EXTREME,
  RAW_LIMIT,
  RECORD_BLOCK,
  RECORD_BYTES,
  STATE_ALARM,
  STATE_MUTED,
  STATE_SETTLED,
  STATE_STARTED,
  STATE_THRESHOLDS,
  WORK_ALARM,
  WORK_ALERT,
  WORK_BLOCK,
  WORK_CHANNEL,
  WORK_EXPECTED,
  WORK_SCORE,
  WORK_SCORES,
} from "./layout";
import { clamp } from "./log2";
import { enterSeason, isVisited, meanOf, seasonStep, startSeason } from "./season";
import { trackerStep } from "./tracker";

/** Addresses within image, state and work space. */
class Places {
  /** Number of blocks. */
  @inline static blocks<F extends Form>(image: usize): i32 {
    return 3 + i32(changetype<F>(0).count(image) > 1) + i32(changetype<F>(0).isPeriodic());
  }

  @inline static records<F extends Form>(image: usize): usize {
    return image + IMAGE_START + (usize(Places.blocks<F>(image)) << 3);
  }

  @inline static channels<F extends Form>(image: usize, state: usize): usize {
    return state + STATE_THRESHOLDS + (usize(Places.blocks<F>(image)) << 2);
  }

  @inline static distances(work: usize, channels: i32): usize {
    return work + WORK_EXPECTED + (usize(channels) << 2);
  }

  @inline static features(work: usize, channels: i32): usize {
    return work + WORK_EXPECTED + (usize(channels) << 3);
  }

  @inline static residuals(work: usize, channels: i32): usize {
    return Places.features(work, channels) + usize(channels * FEATURE_BYTES);
  }

  @inline static deviations(work: usize, channels: i32): usize {
    return Places.residuals(work, channels) + (usize(channels) << 1);
  }
}

/**
 * Takes a row: moves the state, writes the verdict and what it came from into the work space. Does not touch the number of the row.
 *
 * @param raw  i32[C]; clamped to ±2^30
 * @param residuals  i32[C] of the model that the detector is in; 0 while they are not known, or without one
 * @param missed  rows missed before this one
 * @param skip  `missed` modulo the period; for the first row its number modulo the period
 * @param isWarmup  compute the scores, leave the thresholds alone
 */
export function detectRow<F extends Form>(
  image: usize,
  state: usize,
  raw: usize,
  residuals: usize,
  work: usize,
  missed: u32,
  skip: u32,
  isWarmup: bool,
): void {
  const isFirst = load<u8>(state, STATE_STARTED) === 0;
  if (isFirst) start<F>(image, state);
  if (isFirst || missed > u32(GAP_ROWS)) restart(state);
  features<F>(image, state, raw, residuals, work, missed, skip, isFirst);
  store<u8>(state, 1, STATE_STARTED);
  store<u8>(state, min(i32(load<u8>(state, STATE_SETTLED)) + 1, 8), STATE_SETTLED);
  scores<F>(image, work);
  const muted = i32(load<u8>(state, STATE_MUTED));
  store<u8>(state, max(muted - 1, 0), STATE_MUTED);
  judge<F>(image, state, work, isWarmup || muted > 0);
}

/** Forgets what is recent. */
export function restart(state: usize): void {
  store<u8>(state, 0, STATE_SETTLED);
  store<u8>(state, MUTE_ROWS, STATE_MUTED);
}

function start<F extends Form>(image: usize, state: usize): void {
  copy<i32>(state + STATE_THRESHOLDS, image + IMAGE_START, usize(Places.blocks<F>(image)) << 2);
  const seen = load<i32>(image, IMAGE_SEEN);
  if (!changetype<F>(0).isPeriodic() || seen === 0) return;
  const C = changetype<F>(0).count(image);
  const season = Places.channels<F>(image, state) + usize(C * CHANNEL_STATE_BYTES);
  startSeason(season, C, load<i32>(image, IMAGE_SLOTS), image + seen);
}

/** Readings → features, residuals, distances of the sensors, and the score of new extremes. */
function features<F extends Form>(
  image: usize,
  state: usize,
  raw: usize,
  residuals: usize,
  work: usize,
  missed: u32,
  skip: u32,
  isFirst: bool,
): void {
  const C = changetype<F>(0).count(image);
  const settled = i32(load<u8>(state, STATE_SETTLED));
  const deviations = Places.deviations(work, C);
  const slots = load<i32>(image, IMAGE_SLOTS);
  let record = Places.records<F>(image);
  let channel = Places.channels<F>(image, state);
  const season = channel + usize(C * CHANNEL_STATE_BYTES);
  let feature = Places.features(work, C);
  let expected = work + WORK_EXPECTED;
  let smooth = season;
  let mean: usize = 0;
  let isKnown: bool = false;
  if (changetype<F>(0).isPeriodic()) {
    const slot = enterSeason(image, state, season, C, missed, skip);
    mean = meanOf(season, C, slot);
    isKnown = isVisited(season, C, slots, slot);
  }
  store<i32>(work, NO_EXTREME, WORK_SCORE);
  store<i32>(work, 0, WORK_CHANNEL);
  for (let c = 0; c < C; c++) {
    const value = clamp(load<i32>(raw), -RAW_LIMIT, RAW_LIMIT);
    if (isFirst) startChannel(record, channel, load<i32>(image, IMAGE_HAS_RANGE) !== 0, value);
    channelStep<F>(record, channel, value, settled, residuals, feature, expected);
    if (changetype<F>(0).isInModel() && residuals !== 0) residuals += 4;
    if (changetype<F>(0).isPeriodic()) {
      const residual = seasonStep(smooth, C, mean, isKnown, i32(load<i16>(feature)));
      I16s.put(Places.residuals(work, C), c, residual);
      smooth += 4;
      mean += usize(slots) << 1;
    }
    store<i32>(expected + (usize(C) << 2), distance(record + RECORD_BLOCK, feature, 2, 7, deviations));
    const extreme = meetRange(channel, value);
    if (extreme > load<i32>(work, WORK_SCORE)) {
      // Until there is a verdict, its words hold the greatest of the new extremes and its channel.
      store<i32>(work, extreme, WORK_SCORE);
      store<i32>(work, c, WORK_CHANNEL);
    }
    if (C === 1) break;
    raw += 4;
    record += RECORD_BYTES;
    channel += CHANNEL_STATE_BYTES;
    feature += FEATURE_BYTES;
    expected += 4;
  }
}

/** The score of each block, in the order of the thresholds. */
function scores<F extends Form>(image: usize, work: usize): void {
  const C = changetype<F>(0).count(image);
  const features = Places.features(work, C);
  const deviations = Places.deviations(work, C);
  let block = Places.records<F>(image) + usize(C * RECORD_BYTES);
  let score = work + WORK_SCORES;
  store<i32>(score, scoreOf(C === 1 ? load<i32>(Places.distances(work, C)) : widest(Places.distances(work, C), C)));
  score += 4;
  if (C > 1) {
    store<i32>(score, scoreOf(distance(block, features + 4, FEATURE_BYTES, C, deviations)));
    block += blockBytes(C);
    score += 4;
  }
  store<i32>(score, scoreOf(distance(block, features + 12, FEATURE_BYTES, C, deviations)));
  score += 4;
  if (changetype<F>(0).isPeriodic()) {
    block += blockBytes(C);
    store<i32>(score, scoreOf(distance(block, Places.residuals(work, C), 2, C, deviations)));
    score += 4;
  }
  store<i32>(score, load<i32>(work, WORK_SCORE));
}

function widest(distances: usize, channels: i32): i32 {
  let found = 0;
  for (const end = distances + (usize(channels) << 2); distances < end; distances += 4) {
    found = max(found, load<i32>(distances));
  }
  return found;
}

/** Scores → the verdict: the greatest distance of a score to its threshold, and what explains it. */
function judge<F extends Form>(image: usize, state: usize, work: usize, isFrozen: bool): void {
  const K = Places.blocks<F>(image);
  let best = 0;
  let margin = i32.MIN_VALUE;
  for (let k = 0; k < K; k++) {
    const at = usize(k) << 2;
    const own = ((load<i32>(work + at, WORK_SCORES) << 13) - load<i32>(state + at, STATE_THRESHOLDS)) >> 13;
    if (own <= margin) continue;
    best = k;
    margin = own;
  }
  store<i32>(work, margin, WORK_SCORE);
  const isAlert = !isFrozen && trackerStep(image, state, work + WORK_SCORES, K);
  store<i32>(work, i32(isAlert), WORK_ALERT);
  store<i32>(work, isFrozen ? 0 : i32(load<u8>(state, STATE_ALARM)), WORK_ALARM);
  const C = changetype<F>(0).count(image);
  if (C === 1 && best > 0) best++;
  if (!changetype<F>(0).isPeriodic() && best === BLOCK_TIME_OF_DAY) best = BLOCK_EXTREME;
  store<i32>(work, best, WORK_BLOCK);
  if (C > 1 && best !== BLOCK_EXTREME) store<i32>(work, explain<F>(image, work, C, best), WORK_CHANNEL);
}

/** The channel that is farthest from where it should be, by what the block looks at. */
function explain<F extends Form>(image: usize, work: usize, C: i32, block: i32): i32 {
  let mean = Places.records<F>(image) + usize(C * RECORD_BYTES);
  if (block > BLOCK_RELATION) mean += blockBytes(C);
  if (block > BLOCK_NOISE) mean += blockBytes(C);
  let value = Places.features(work, C) + (block === BLOCK_RELATION ? 4 : 12);
  let stride: usize = FEATURE_BYTES;
  if (block === BLOCK_TIME_OF_DAY) {
    value = Places.residuals(work, C);
    stride = 2;
  }
  let worst = 0;
  let greatest = -1;
  for (let c = 0; c < C; c++) {
    const own =
      block === BLOCK_SENSOR
        ? load<i32>(Places.distances(work, C) + (usize(c) << 2))
        : abs(i32(load<i16>(value)) - I16s.at(mean, c));
    value += stride;
    if (own <= greatest) continue;
    worst = c;
    greatest = own;
  }
  return worst;
}
