import { ModelFormatError } from "../model/errors.ts";
import { I32_MAX, RAW_MAX } from "../model/integers.ts";
import type { Block, DetectorParameters } from "./parameters.ts";
import type { DetectorTest } from "./tensors.ts";

const MAX_SHIFT = 31;

/**
 * Checks what keeps the detector's sums within 32 bits, whatever the readings (FORMAT.md 8).
 *
 * @throws {ModelFormatError} with the tensor at fault
 */
export function checkParameters({ channels, relation, noise, seasonality, tracker }: DetectorParameters): void {
  for (const [c, channel] of channels.entries()) {
    const check = (name: string, value: number, least: number, greatest: number) => {
      if (value >= least && value <= greatest) return;
      throw new ModelFormatError(`detector.${name}[${c}]`, `found ${value}, expected ${least} to ${greatest}`);
    };
    // raw - offset fits 32 bits.
    check("offset", channel.offset, -RAW_MAX + 1, RAW_MAX);
    check("multiplier", channel.multiplier, 16384, 32767);
    check("shift", channel.shift, -30, MAX_SHIFT);
    const isModel = channel.residual === "model";
    check("residual_multiplier", channel.residualMultiplier, isModel ? 16384 : 1, 32767);
    check("residual_shift", channel.residualShift, isModel ? -30 : 0, MAX_SHIFT);
    const reach = channel.ar.reduce((sum, weight) => sum + Math.abs(weight), 0) * 32768 + Math.abs(channel.arBias);
    if (reach > I32_MAX) {
      throw new ModelFormatError(`detector.ar[${c}]`, `its sum can reach ${reach}, more than 32 bits hold`);
    }
    if (channel.range) {
      check("least", channel.range[0], -RAW_MAX, channel.range[1]);
      check("greatest", channel.range[1], -RAW_MAX, RAW_MAX);
    }
    checkBlock("sensor", channel.sensor);
  }
  if (relation) checkBlock("relation", relation);
  checkBlock("noise", noise);
  if (seasonality) checkBlock("time_of_day", seasonality.block);
  for (const [k, fall] of tracker.fall.entries()) {
    if (fall < 1 || fall > 2 ** 28) {
      throw new ModelFormatError(`detector.fall[${k}]`, `found ${fall}, expected 1 to ${2 ** 28}`);
    }
  }
  for (const [k, start] of tracker.start.entries()) {
    if (Math.abs(start) > 60 * 2 ** 24) {
      throw new ModelFormatError(`detector.start[${k}]`, `found ${start}, expected at most 60 in Q24`);
    }
  }
  for (const [k, tail] of (tracker.tail ?? []).entries()) {
    if (tail < 0 || tail > 60 * 2 ** 24) {
      throw new ModelFormatError(`detector.tail[${k}]`, `found ${tail}, expected 0 to 60 in Q24`);
    }
  }
}

/**
 * Checks test vectors.
 *
 * @throws {ModelFormatError} with the tensor at fault
 */
export function checkTest({ input, alarms }: DetectorTest): void {
  const isInteger = input instanceof Int32Array;
  const at = input.findIndex((value) => !(isInteger ? Math.abs(value) <= RAW_MAX : Number.isFinite(value)));
  if (at >= 0) {
    const expected = isInteger ? "at most 2^30 either way" : "a finite number";
    throw new ModelFormatError("detector.test.input", `element ${at} is ${input[at]}, expected ${expected}`);
  }
  const alarm = alarms.find((value) => value !== 0 && value !== 1);
  if (alarm !== undefined) throw new ModelFormatError("detector.test.alarm", `found ${alarm}, expected 0 or 1`);
}

function checkBlock(name: string, { shifts }: Block): void {
  for (const [row, shift] of shifts.entries()) {
    if (shift > MAX_SHIFT) {
      throw new ModelFormatError(`detector.${name}.shift`, `row ${row} is ${shift}, expected 0 to ${MAX_SHIFT}`);
    }
  }
}
