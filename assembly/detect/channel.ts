// One channel of a detector: a raw reading becomes seven features (FORMAT.md 8.1). The twin of host/detect/channel.ts.

import { dotLags } from "./dot";
import {
  CHANNEL_GREATEST,
  CHANNEL_LAGS,
  CHANNEL_LEAST,
  CHANNEL_MAGNITUDE,
  CHANNEL_RESIDUAL_MEAN,
  LAG_COUNT,
  MAGNITUDE_FLOOR,
  MAGNITUDE_START,
  NO_EXTREME,
  RAW_LIMIT,
  RECORD_AR,
  RECORD_AR_BIAS,
  RECORD_GREATEST,
  RECORD_IS_MODEL,
  RECORD_LEAST,
  RECORD_MULTIPLIER,
  RECORD_OFFSET,
  RECORD_RESIDUAL_MULTIPLIER,
  RECORD_RESIDUAL_SHIFT,
  RECORD_SHIFT,
} from "./layout";
import { log2, squash } from "./log2";

class Channel {
  /** A running mean moves by 2^-k towards `target`, Q11. Writes it at `at` and its feature at `feature`. */
  @inline static follow(at: usize, target: i32, k: i32, feature: usize): void {
    const mean = load<i32>(at);
    const next = mean + (((target << 8) - mean + (1 << (k - 1))) >> k);
    store<i32>(at, next);
    store<i16>(feature, next >> 8);
  }
}

/** A raw difference in units of its spread, squashed: i16 Q11. */
function deviation(d: i32, multiplier: i32, shift: i32): i32 {
  if (shift < 0) {
    const limit = (1 << 30) >> -shift;
    d = max(min(d, limit), -limit) << -shift;
  }
  const scaled = i32((i64(d) * i64(multiplier)) >> 16);
  return squash(scaled >> max(shift, 0));
}

/**
 * Takes a raw reading.
 *
 * @param record  of the channel in the image
 * @param state  of the channel
 * @param raw  |raw| <= 2^30
 * @param settled  rows since the start or the last gap, 0..8
 * @param residual  address of the raw residual of a model, i32, |residual| <= 2^30; 0 while it is not known
 * @param features  i16[7], written
 * @param expected  i32: the deviation that was expected, written
 */
export function channelStep(
  record: usize,
  state: usize,
  raw: i32,
  settled: i32,
  residual: usize,
  features: usize,
  expected: usize,
): void {
  const x = deviation(
    raw - load<i32>(record, RECORD_OFFSET),
    i32(load<i16>(record, RECORD_MULTIPLIER)),
    i32(load<i8>(record, RECORD_SHIFT)),
  );
  if (settled === 0) seed(state, x);
  const isSettled = settled >= LAG_COUNT;
  const isModel = load<u8>(record, RECORD_IS_MODEL) !== 0;
  // Residuals that are not known yet would make the channel look silent.
  const isKnown = !isModel || (isSettled && residual !== 0);
  let e = 0;
  if (!isModel) e = residualOfLags(record, state, x, isSettled, expected);
  else if (isKnown) e = residualOfModel(record, load<i32>(residual));
  const lags = load<u64>(state, CHANNEL_LAGS);
  store<u64>(state, (load<u64>(state, CHANNEL_LAGS + 8) << 16) | (lags >>> 48), CHANNEL_LAGS + 8);
  store<u64>(state, (lags << 16) | u64(u16(x)), CHANNEL_LAGS);
  store<i16>(features, x);
  Channel.follow(state, x, 2, features + 2);
  Channel.follow(state + 4, x, 3, features + 4);
  Channel.follow(state + 8, x, 5, features + 6);
  store<i16>(features, e, 8);
  let mean = load<i32>(state, CHANNEL_RESIDUAL_MEAN);
  let magnitude = load<i32>(state, CHANNEL_MAGNITUDE);
  if (isKnown) {
    mean += ((e << 8) - mean + 4) >> 3;
    magnitude += ((abs(e) << 8) - magnitude + 4) >> 3;
    store<i32>(state, mean, CHANNEL_RESIDUAL_MEAN);
    store<i32>(state, magnitude, CHANNEL_MAGNITUDE);
  }
  store<i16>(features, mean >> 8, 10);
  store<i16>(features, log2(magnitude + MAGNITUDE_FLOOR) - (19 << 11), 12);
}

/** The first reading stands for all before it. */
function seed(state: usize, x: i32): void {
  for (let at = state; at < state + CHANNEL_RESIDUAL_MEAN; at += 4) store<i32>(at, x << 8);
  const lags = u64(u16(x)) * 0x0001000100010001;
  store<u64>(state, lags, CHANNEL_LAGS);
  store<u64>(state, lags, CHANNEL_LAGS + 8);
}

/** x minus its prediction from the last eight, in units of its spread, squashed; 0 in the first rows. */
function residualOfLags(record: usize, state: usize, x: i32, isSettled: bool, expected: usize): i32 {
  const sum = (load<i32>(record, RECORD_AR_BIAS) + dotLags(record + RECORD_AR, state + CHANNEL_LAGS)) >> 13;
  store<i32>(expected, sum);
  if (!isSettled) return 0;
  const e = max(min(x - sum, 65535), -65535);
  return squash(
    (e * i32(load<i16>(record, RECORD_RESIDUAL_MULTIPLIER))) >> i32(load<i8>(record, RECORD_RESIDUAL_SHIFT)),
  );
}

/** The reading minus what a model predicted, in units of its spread, squashed. */
function residualOfModel(record: usize, raw: i32): i32 {
  return deviation(
    max(min(raw, RAW_LIMIT), -RAW_LIMIT),
    i32(load<i16>(record, RECORD_RESIDUAL_MULTIPLIER)),
    i32(load<i8>(record, RECORD_RESIDUAL_SHIFT)),
  );
}

/** How far a reading is outside of the range before it, log2 of units of that range, Q11; the range then holds it. */
export function meetRange(state: usize, raw: i32): i32 {
  const least = load<i32>(state, CHANNEL_LEAST);
  const greatest = load<i32>(state, CHANNEL_GREATEST);
  let excess: u32 = 0;
  if (raw > greatest) {
    excess = u32(raw) - u32(greatest);
    store<i32>(state, raw, CHANNEL_GREATEST);
  } else if (raw < least) {
    excess = u32(least) - u32(raw);
    store<i32>(state, raw, CHANNEL_LEAST);
  } else return NO_EXTREME;
  return log2(excess) - log2(u32(greatest) - u32(least));
}

/** Sets the state of a channel to its start. Its range is that of the calibration, or `raw`. */
export function startChannel(record: usize, state: usize, hasRange: bool, raw: i32): void {
  store<i32>(state, MAGNITUDE_START, CHANNEL_MAGNITUDE);
  store<i32>(state, hasRange ? load<i32>(record, RECORD_GREATEST) : raw, CHANNEL_GREATEST);
  store<i32>(state, hasRange ? load<i32>(record, RECORD_LEAST) : raw, CHANNEL_LEAST);
}
