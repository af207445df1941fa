// The state of a detector as bytes (FORMAT.md 8.5), in the layout that the kernels keep in memory: where its parts lie, and what they may hold.

import {
  CHANNEL_GREATEST,
  CHANNEL_LAGS,
  CHANNEL_LEAST,
  CHANNEL_MAGNITUDE,
  CHANNEL_MEANS,
  CHANNEL_RESIDUAL_MEAN,
  CHANNEL_STATE_BYTES,
  STATE_ALARM,
  STATE_FALL_ROWS,
  STATE_HOLD,
  STATE_MUTED,
  STATE_PHASE,
  STATE_ROW,
  STATE_SETTLED,
  STATE_STARTED,
  STATE_THRESHOLDS,
  STATE_VISIT_ROWS,
} from "../../assembly/detect/layout.ts";
import { SnapshotError } from "../model/errors.ts";
import { RAW_MAX } from "../model/integers.ts";
import { blocksOf, type DetectorParameters, type Seasonality } from "./parameters.ts";

/** Greatest |feature|, Q11. */
const FEATURE_MAX = 32767;
/** Greatest |running mean|, Q19. */
const MEAN_MAX = FEATURE_MAX * 256;
const THRESHOLD_MAX = 60 * 2 ** 24;
const MAX_SETTLED = 8;
const MAX_MUTED = 20;
const MAX_FALL_ROWS = 4095;

/** Offsets of the parts of a state, in bytes. The parts of the season are there with a period only. */
export interface StateLayout {
  readonly channels: number;
  /** Per channel: the smooth seasonal residual, and the sum of the visit. */
  readonly smooth: number;
  readonly sums: number;
  readonly means: number;
  readonly visits: number;
  readonly end: number;
  /** Size of the whole, a multiple of 8. */
  readonly bytes: number;
}

/** The layout of the state of a detector. */
export function stateLayoutOf(
  parameters: Pick<DetectorParameters, "channels" | "relation" | "seasonality">,
): StateLayout {
  const count = parameters.channels.length;
  const slots = parameters.seasonality?.slots ?? 0;
  const channels = STATE_THRESHOLDS + 4 * blocksOf(parameters).length;
  const smooth = channels + CHANNEL_STATE_BYTES * count;
  const sums = smooth + (slots > 0 ? 4 * count : 0);
  const means = sums + (slots > 0 ? 4 * count : 0);
  const visits = means + 2 * count * slots;
  const end = visits + slots;
  return { channels, smooth, sums, means, visits, end, bytes: Math.ceil(end / 8) * 8 };
}

/**
 * Checks the state of a detector.
 *
 * @throws {SnapshotError} at the first value that no row could have left
 */
export function checkDetectorState(parameters: DetectorParameters, state: Uint8Array): void {
  const layout = stateLayoutOf(parameters);
  if (state.length !== layout.bytes) {
    throw new SnapshotError(`Snapshot holds ${state.length} bytes of state, this detector has ${layout.bytes}`);
  }
  const check = new Check(state);
  const { view } = check;
  if (check.within("started", view.getUint8(STATE_STARTED), 0, 1) === 0) {
    check.isZero("a detector that has not started", 0);
    return;
  }
  const isAlarm = check.within("alarm", view.getUint8(STATE_ALARM), 0, 1);
  check.within("settled", view.getUint8(STATE_SETTLED), 0, MAX_SETTLED);
  check.within("muted", view.getUint8(STATE_MUTED), 0, MAX_MUTED);
  check.within("hold", view.getUint16(STATE_HOLD, true), 0, isAlarm === 1 ? 65535 : 0);
  check.within("rows since the thresholds fell", view.getUint16(STATE_FALL_ROWS, true), 0, MAX_FALL_ROWS);
  for (let at = STATE_THRESHOLDS; at < layout.channels; at += 4) {
    check.within("a threshold", view.getInt32(at, true), -THRESHOLD_MAX, THRESHOLD_MAX);
  }
  for (let at = layout.channels; at < layout.smooth; at += CHANNEL_STATE_BYTES) check.channel(at);
  const row = readRow(view);
  check.within("the number of the last row", row, 0, Number.MAX_SAFE_INTEGER);
  check.season(parameters.seasonality, layout, row);
  check.isZero("padding", layout.end);
}

/** The number of the last row. */
export const readRow = (view: DataView): number =>
  view.getUint32(STATE_ROW + 4, true) * 2 ** 32 + view.getUint32(STATE_ROW, true);

class Check {
  readonly view: DataView;
  readonly #state: Uint8Array;

  constructor(state: Uint8Array) {
    this.view = new DataView(state.buffer, state.byteOffset, state.byteLength);
    this.#state = state;
  }

  within(name: string, value: number, least: number, greatest: number): number {
    if (value >= least && value <= greatest) return value;
    throw damaged(`${name} is ${value}, expected ${least === greatest ? least : `${least} to ${greatest}`}`);
  }

  isZero(name: string, from: number): void {
    if (this.#state.subarray(from).some((byte) => byte !== 0)) throw damaged(`${name} is not all zero`);
  }

  channel(at: number): void {
    for (let mean = CHANNEL_MEANS; mean < CHANNEL_MAGNITUDE; mean += 4) {
      const name = mean < CHANNEL_RESIDUAL_MEAN ? "a mean" : "the mean of the residuals";
      this.within(name, this.view.getInt32(at + mean, true), -MEAN_MAX, MEAN_MAX);
    }
    this.within("the size of the residuals", this.view.getInt32(at + CHANNEL_MAGNITUDE, true), 0, MEAN_MAX);
    const greatest = this.view.getInt32(at + CHANNEL_GREATEST, true);
    this.within("the greatest reading", greatest, -RAW_MAX, RAW_MAX);
    this.within("the least reading", this.view.getInt32(at + CHANNEL_LEAST, true), -RAW_MAX, greatest);
    this.#features("a lag", at + CHANNEL_LAGS, at + CHANNEL_STATE_BYTES);
  }

  season(seasonality: Seasonality | undefined, layout: StateLayout, row: number): void {
    const { period, slots } = seasonality ?? { period: 1, slots: 1 };
    const phase = this.view.getUint32(STATE_PHASE, true);
    this.within("phase", phase, row % period, row % period);
    const slot = Math.floor((phase * slots) / period);
    // Rows of this visit lie between the beginning of the slot and the last row.
    const most = phase - Math.ceil((slot * period) / slots) + 1;
    const rows = this.view.getUint16(STATE_VISIT_ROWS, true);
    this.within("rows of the visit", rows, seasonality ? 1 : 0, seasonality ? most : 0);
    if (seasonality === undefined) return;
    for (let at = layout.smooth; at < layout.sums; at += 4) {
      this.within("a seasonal residual", this.view.getInt32(at, true), -32768 * 256, MEAN_MAX);
    }
    for (let at = layout.sums; at < layout.means; at += 4) {
      this.within("a sum", this.view.getInt32(at, true), -FEATURE_MAX * rows, FEATURE_MAX * rows);
    }
    this.#features("the mean of a slot", layout.means, layout.visits);
  }

  #features(name: string, from: number, to: number): void {
    for (let at = from; at < to; at += 2) this.within(name, this.view.getInt16(at, true), -FEATURE_MAX, FEATURE_MAX);
  }
}

const damaged = (found: string): SnapshotError =>
  new SnapshotError(`Snapshot is damaged although its CRC-32 matches: ${found}`);
