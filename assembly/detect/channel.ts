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
  RECORD_AR,
  RECORD_AR_BIAS,
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

/** The deviation of a raw value from the middle of its channel, i16 Q11. */
function deviation(record: usize, raw: i32): i32 {
  let d = raw - load<i32>(record, RECORD_OFFSET);
  const shift = i32(load<i8>(record, RECORD_SHIFT));
  if (shift < 0) {
    const limit = (1 << 30) >> -shift;
    d = max(min(d, limit), -limit) << -shift;
  }
  const scaled = i32((i64(d) * i64(load<i16>(record, RECORD_MULTIPLIER))) >> 16);
  return squash(scaled >> max(shift, 0));
}

/**
 * Takes a raw reading.
 *
 * @param record  of the channel in the image
 * @param state  of the channel
 * @param raw  |raw| <= 2^30
 * @param settled  rows since the start or the last gap, 0..8
 * @param features  i16[7], written
 * @param expected  i32: the deviation that was expected, written
 */
export function channelStep(
  record: usize,
  state: usize,
  raw: i32,
  settled: i32,
  features: usize,
  expected: usize,
): void {
  const x = deviation(record, raw);
  if (settled === 0) seed(state, x);
  const e = residual(record, state, x, settled, expected);
  const lags = load<u64>(state, CHANNEL_LAGS);
  store<u64>(state, (load<u64>(state, CHANNEL_LAGS + 8) << 16) | (lags >>> 48), CHANNEL_LAGS + 8);
  store<u64>(state, (lags << 16) | u64(u16(x)), CHANNEL_LAGS);
  store<i16>(features, x);
  Channel.follow(state, x, 2, features + 2);
  Channel.follow(state + 4, x, 3, features + 4);
  Channel.follow(state + 8, x, 5, features + 6);
  store<i16>(features, e, 8);
  Channel.follow(state + CHANNEL_RESIDUAL_MEAN, e, 3, features + 10);
  const magnitude = load<i32>(state, CHANNEL_MAGNITUDE);
  const next = magnitude + (((abs(e) << 8) - magnitude + 4) >> 3);
  store<i32>(state, next, CHANNEL_MAGNITUDE);
  store<i16>(features, log2(next + MAGNITUDE_FLOOR) - (19 << 11), 12);
}

/** The first reading stands for all before it. */
function seed(state: usize, x: i32): void {
  for (let at = state; at < state + CHANNEL_RESIDUAL_MEAN; at += 4) store<i32>(at, x << 8);
  const lags = u64(u16(x)) * 0x0001000100010001;
  store<u64>(state, lags, CHANNEL_LAGS);
  store<u64>(state, lags, CHANNEL_LAGS + 8);
}

/** x minus its prediction from the last eight, in units of its spread, squashed; 0 in the first rows. */
function residual(record: usize, state: usize, x: i32, settled: i32, expected: usize): i32 {
  const sum = (load<i32>(record, RECORD_AR_BIAS) + dotLags(record + RECORD_AR, state + CHANNEL_LAGS)) >> 13;
  store<i32>(expected, sum);
  if (settled < LAG_COUNT) return 0;
  const e = max(min(x - sum, 65535), -65535);
  return squash(
    (e * i32(load<i16>(record, RECORD_RESIDUAL_MULTIPLIER))) >> i32(load<i8>(record, RECORD_RESIDUAL_SHIFT)),
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

/** Sets the state of a channel to its start: `raw` is all of its range. */
export function startChannel(state: usize, raw: i32): void {
  store<i32>(state, MAGNITUDE_START, CHANNEL_MAGNITUDE);
  store<i32>(state, raw, CHANNEL_GREATEST);
  store<i32>(state, raw, CHANNEL_LEAST);
}
