// What is usual at a time of the period (FORMAT.md 8.2): the twin of host/detect/season.ts.
//
// `part` is the part of the season in the state: i32[C] S, i32[C] sums, i16[C][slots] means, u8[slots] visits.

import { copy } from "../memory";
import { IMAGE_PERIOD, IMAGE_SLOTS, STATE_PHASE, STATE_STARTED, STATE_VISIT_ROWS } from "./layout";
import { clamp } from "./log2";

/** Visits after which the mean of a slot forgets. */
const MEMORY = 8;

class Season {
  @inline static means(part: usize, channels: i32): usize {
    return part + (usize(channels) << 3);
  }

  @inline static visits(part: usize, channels: i32, slots: i32): usize {
    return Season.means(part, channels) + (usize(channels * slots) << 1);
  }
}

/** floor(a / b), b > 0. */
function floorDivide(a: i32, b: i32): i32 {
  const quotient = a / b;
  return quotient - i32(quotient * b > a);
}

/**
 * Turns to a row. Ends the visit when it is another one.
 *
 * @param missed  rows missed before this one
 * @param skip  `missed` modulo the period
 * @returns the slot of the row
 */
export function enterSeason(image: usize, state: usize, part: usize, channels: i32, missed: u32, skip: u32): i32 {
  const period = load<u32>(image, IMAGE_PERIOD);
  const slots = load<u32>(image, IMAGE_SLOTS);
  if (load<u8>(state, STATE_STARTED) === 0) {
    store<u32>(state, skip, STATE_PHASE);
    store<u16>(state, 1, STATE_VISIT_ROWS);
    return (skip * slots) / period;
  }
  const last = load<u32>(state, STATE_PHASE);
  let phase = last + 1 + skip;
  const wraps = phase >= period;
  if (wraps) phase -= period;
  store<u32>(state, phase, STATE_PHASE);
  const slot = (phase * slots) / period;
  const rows = i32(load<u16>(state, STATE_VISIT_ROWS));
  // The last row was in this slot, too, and in this period.
  const stays = !wraps && missed === skip && last * slots >= slot * period;
  if (stays) {
    store<u16>(state, rows + 1, STATE_VISIT_ROWS);
    return slot;
  }
  leave(part, channels, slots, (last * slots) / period, rows);
  store<u16>(state, 1, STATE_VISIT_ROWS);
  return slot;
}

/**
 * Sets the means and visits to what is known at the start.
 *
 * @param seen  i16[C][slots] means, u8[slots] visits
 */
export function startSeason(part: usize, channels: i32, slots: i32, seen: usize): void {
  copy<u8>(Season.means(part, channels), seen, usize((2 * channels + 1) * slots));
}

/** Takes the sums of a visit into the means of its slot, and clears them. */
function leave(part: usize, channels: i32, slots: i32, slot: i32, rows: i32): void {
  const counter = Season.visits(part, channels, slots) + slot;
  const visits = i32(load<u8>(counter));
  const weight = min(visits + 1, MEMORY);
  let sum = part + (usize(channels) << 2);
  const end = Season.means(part, channels);
  let at = end + (usize(slot) << 1);
  for (; sum < end; sum += 4) {
    const mean = i32(load<i16>(at));
    store<i16>(at, mean + floorDivide(floorDivide(load<i32>(sum), rows) - mean, weight));
    store<i32>(sum, 0);
    at += usize(slots) << 1;
  }
  store<u8>(counter, min(visits + 1, 255));
}

/**
 * Takes the deviation x of a channel at the row that was entered.
 *
 * @param smooth  of the channel: i32 S; its sum stands behind the S of all channels
 * @param mean  of the channel and the slot, i16
 * @param isKnown  whether the slot was visited before
 * @returns its seasonal residual, i16 Q11
 */
export function seasonStep(smooth: usize, channels: i32, mean: usize, isKnown: bool, x: i32): i32 {
  const sum = smooth + (usize(channels) << 2);
  store<i32>(sum, load<i32>(sum) + x);
  const residual = isKnown ? clamp(x - i32(load<i16>(mean)), -32768, 32767) : 0;
  const before = load<i32>(smooth);
  const next = before + (((residual << 8) - before + 4) >> 3);
  store<i32>(smooth, next);
  return next >> 8;
}

/** The address of the mean of the first channel in a slot; those of the others follow `2 slots` bytes apart. */
export function meanOf(part: usize, channels: i32, slot: i32): usize {
  return Season.means(part, channels) + (usize(slot) << 1);
}

/** Whether a slot was visited. */
export function isVisited(part: usize, channels: i32, slots: i32, slot: i32): bool {
  return load<u8>(Season.visits(part, channels, slots) + slot) > 0;
}
