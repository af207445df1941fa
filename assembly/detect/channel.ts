// One channel of a detector: a raw reading becomes seven features (FORMAT.md 8.1). The twin of host/detect/channel.ts.

import { dotLags } from "./dot";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Form } from "./forms";
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
import { clamp, log2, squash } from "./log2";

/** A running mean, i32 Q19, moves by 2^-k towards `target`, Q11; returns it. */
function follow(at: usize, target: i32, k: i32): i32 {
  const mean = load<i32>(at);
  const next = mean + (((target << 8) - mean + (1 << (k - 1))) >> k);
  store<i32>(at, next);
  return next;
}

/** A raw difference in units of its spread, squashed: i16 Q11. */
function deviation(d: i32, multiplier: i32, shift: i32): i32 {
  if (shift < 0) {
    const limit = (1 << 30) >> -shift;
    d = clamp(d, -limit, limit) << -shift;
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
export function channelStep<F extends Form>(
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
  const isModel = changetype<F>(0).isInModel() && load<u8>(record, RECORD_IS_MODEL) !== 0;
  // Residuals that are not known yet would make the channel look silent.
  const isKnown = !isModel || (isSettled && residual !== 0);
  let e = 0;
  if (!isModel) e = residualOfLags(record, state, x, isSettled, expected);
  else if (isKnown) e = residualOfModel(record, load<i32>(residual));
  const lags = load<u64>(state, CHANNEL_LAGS);
  store<u64>(state, (load<u64>(state, CHANNEL_LAGS + 8) << 16) | (lags >>> 48), CHANNEL_LAGS + 8);
  store<u64>(state, (lags << 16) | u64(u16(x)), CHANNEL_LAGS);
  store<i16>(features, x);
  store<i16>(features, follow(state, x, 2) >> 8, 2);
  store<i16>(features, follow(state + 4, x, 3) >> 8, 4);
  store<i16>(features, follow(state + 8, x, 5) >> 8, 6);
  store<i16>(features, e, 8);
  if (isKnown) {
    follow(state + CHANNEL_RESIDUAL_MEAN, e, 3);
    follow(state + CHANNEL_MAGNITUDE, abs(e), 3);
  }
  store<i16>(features, load<i32>(state, CHANNEL_RESIDUAL_MEAN) >> 8, 10);
  store<i16>(features, log2(load<i32>(state, CHANNEL_MAGNITUDE) + MAGNITUDE_FLOOR) - (19 << 11), 12);
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
  const e = clamp(x - sum, -65535, 65535);
  return squash(
    (e * i32(load<i16>(record, RECORD_RESIDUAL_MULTIPLIER))) >> i32(load<i8>(record, RECORD_RESIDUAL_SHIFT)),
  );
}

/** The reading minus what a model predicted, in units of its spread, squashed. */
function residualOfModel(record: usize, raw: i32): i32 {
  return deviation(
    clamp(raw, -RAW_LIMIT, RAW_LIMIT),
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
