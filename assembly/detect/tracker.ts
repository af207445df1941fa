// Thresholds that keep a rate, and the alarm (FORMAT.md 8.4): the twin of host/detect/tracker.ts.

import {
  DURATION_LIMIT,
  IMAGE_FALL_MASK,
  IMAGE_HOLD,
  IMAGE_RENEW,
  IMAGE_RISE,
  IMAGE_START,
  STATE_ALARM,
  STATE_DURATION,
  STATE_FALL_ROWS,
  STATE_HOLD,
  STATE_THRESHOLDS,
  THRESHOLD_LIMIT,
} from "./layout";

class Tracker {
  @inline static isHit(scores: usize, thresholds: usize, k: usize): bool {
    return load<i32>(scores + k) << 13 >= load<i32>(thresholds + k);
  }
}

/**
 * Moves thresholds and alarm by the scores of a row.
 *
 * @param scores  i32[K] Q11
 * @returns whether the alarm began at this row
 */
export function trackerStep(image: usize, state: usize, scores: usize, blocks: i32): bool {
  const thresholds = state + STATE_THRESHOLDS;
  const end = usize(blocks) << 2;
  let hits = 0;
  for (let k: usize = 0; k < end; k += 4) hits += i32(Tracker.isHit(scores, thresholds, k));
  const hold = i32(load<u16>(state, STATE_HOLD));
  const isAlarm = load<u8>(state, STATE_ALARM) !== 0;
  let duration = min(i32(load<u16>(state, STATE_DURATION)) + 1, DURATION_LIMIT);
  let isAlert = false;
  let pays = false;
  if (hold > 0) {
    store<u16>(state, hold - 1, STATE_HOLD);
  } else if (hits === 0) {
    // Nothing to renew, either.
    store<u8>(state, 0, STATE_ALARM);
    fall(image, state, thresholds, end);
    return false;
  } else if (!isAlarm) {
    isAlert = true;
    pays = true;
    store<u8>(state, 1, STATE_ALARM);
    store<u16>(state, load<i32>(image, IMAGE_HOLD), STATE_HOLD);
    duration = 0;
  }
  if (hits > 0 && duration >= load<i32>(image, IMAGE_RENEW)) {
    duration = 0;
    pays = true;
  }
  store<u16>(state, duration, STATE_DURATION);
  if (pays) pay(scores, thresholds, end, load<i32>(image, IMAGE_RISE) / hits);
  fall(image, state, thresholds, end);
  return isAlert;
}

/** Raises the thresholds that were passed. */
function pay(scores: usize, thresholds: usize, end: usize, share: i32): void {
  for (let k: usize = 0; k < end; k += 4) {
    if (!Tracker.isHit(scores, thresholds, k)) continue;
    store<i32>(thresholds + k, min(load<i32>(thresholds + k) + share, THRESHOLD_LIMIT));
  }
}

/** Lowers all thresholds once in 2^every_log2 rows. */
function fall(image: usize, state: usize, thresholds: usize, end: usize): void {
  const rows = (i32(load<u16>(state, STATE_FALL_ROWS)) + 1) & load<i32>(image, IMAGE_FALL_MASK);
  store<u16>(state, rows, STATE_FALL_ROWS);
  if (rows !== 0) return;
  for (let k: usize = 0; k < end; k += 4) {
    const next = load<i32>(thresholds + k) - load<i32>(image + IMAGE_START + end + k);
    store<i32>(thresholds + k, max(next, -THRESHOLD_LIMIT));
  }
}
