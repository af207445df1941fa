// The image of a detector, which the kernels read (drawn in assembly/detect/layout.ts), and the size of their work space.

import {
  FEATURE_BYTES,
  IMAGE_BLOCKS,
  IMAGE_CHANNELS,
  IMAGE_FALL_MASK,
  IMAGE_HAS_RANGE,
  IMAGE_HOLD,
  IMAGE_PERIOD,
  IMAGE_RENEW,
  IMAGE_RISE,
  IMAGE_SEEN,
  IMAGE_SLOTS,
  IMAGE_START,
  RECORD_AR,
  RECORD_AR_BIAS,
  RECORD_BLOCK,
  RECORD_BYTES,
  RECORD_GREATEST,
  RECORD_IS_MODEL,
  RECORD_LEAST,
  RECORD_MULTIPLIER,
  RECORD_OFFSET,
  RECORD_RESIDUAL_MULTIPLIER,
  RECORD_RESIDUAL_SHIFT,
  RECORD_SHIFT,
  WORK_EXPECTED,
} from "../../assembly/detect/layout.ts";
import { type Block, type ChannelParameters, type DetectorParameters, FEATURES } from "./parameters.ts";

/** Packs a detector. */
export function packDetector({ channels, relation, noise, seasonality, tracker }: DetectorParameters): Uint8Array {
  const C = channels.length;
  const K = tracker.start.length;
  const blocks = [relation, noise, seasonality?.block].filter((block) => block !== undefined);
  const records = IMAGE_START + 8 * K;
  const end = records + RECORD_BYTES * C + blocks.length * blockBytes(C);
  const seen = seasonality?.seen;
  const image = new Uint8Array(end + (seen ? 2 * seen.means.length + seen.visits.length : 0));
  const view = new DataView(image.buffer);
  const head: readonly (readonly [number, number])[] = [
    [IMAGE_CHANNELS, C],
    [IMAGE_BLOCKS, K],
    [IMAGE_PERIOD, seasonality?.period ?? 0],
    [IMAGE_SLOTS, seasonality?.slots ?? 0],
    [IMAGE_HOLD, tracker.hold],
    [IMAGE_RENEW, tracker.renew],
    [IMAGE_RISE, tracker.rise],
    [IMAGE_FALL_MASK, (1 << tracker.everyLog2) - 1],
    [IMAGE_SEEN, seen ? end : 0],
    [IMAGE_HAS_RANGE, channels[0]?.range ? 1 : 0],
  ];
  for (const [at, value] of head) view.setInt32(at, value, true);
  for (let k = 0; k < K; k++) {
    view.setInt32(IMAGE_START + 4 * k, tracker.start[k] as number, true);
    view.setInt32(IMAGE_START + 4 * (K + k), tracker.fall[k] as number, true);
  }
  for (const [c, channel] of channels.entries()) putChannel(view, records + RECORD_BYTES * c, channel);
  for (const [i, block] of blocks.entries()) putBlock(view, records + RECORD_BYTES * C + i * blockBytes(C), block);
  for (const [i, mean] of seen?.means.entries() ?? []) view.setInt16(end + 2 * i, mean, true);
  if (seen) image.set(seen.visits, end + 2 * seen.means.length);
  return image;
}

/** Bytes that the SIMD build reads behind what it needs. */
const OVERHANG = 16;

/** Bytes of the work space of a detector. */
export const workBytes = (channels: number): number =>
  Math.ceil((WORK_EXPECTED + (8 + FEATURE_BYTES + 2) * channels + 2 * Math.max(channels, FEATURES) + OVERHANG) / 8) * 8;

/** Bytes of a block of a size. */
const blockBytes = (size: number): number => Math.ceil((3 * size + (size * (size + 1)) / 2) / 4) * 4;

function putChannel(view: DataView, at: number, channel: ChannelParameters): void {
  view.setInt32(at + RECORD_OFFSET, channel.offset, true);
  view.setInt32(at + RECORD_AR_BIAS, channel.arBias, true);
  view.setInt16(at + RECORD_MULTIPLIER, channel.multiplier, true);
  view.setInt16(at + RECORD_RESIDUAL_MULTIPLIER, channel.residualMultiplier, true);
  for (const [j, weight] of channel.ar.entries()) view.setInt16(at + RECORD_AR + 2 * j, weight, true);
  view.setInt8(at + RECORD_SHIFT, channel.shift);
  view.setInt8(at + RECORD_RESIDUAL_SHIFT, channel.residualShift);
  view.setUint8(at + RECORD_IS_MODEL, channel.residual === "model" ? 1 : 0);
  view.setInt32(at + RECORD_LEAST, channel.range?.[0] ?? 0, true);
  view.setInt32(at + RECORD_GREATEST, channel.range?.[1] ?? 0, true);
  putBlock(view, at + RECORD_BLOCK, channel.sensor);
}

function putBlock(view: DataView, at: number, { mean, weights, shifts }: Block): void {
  const size = mean.length;
  for (const [i, value] of mean.entries()) view.setInt16(at + 2 * i, value, true);
  for (const [i, shift] of shifts.entries()) view.setUint8(at + 2 * size + i, shift);
  for (const [i, weight] of weights.entries()) view.setInt8(at + 3 * size + i, weight);
}
