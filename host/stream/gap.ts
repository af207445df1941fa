// What becomes of the state of a device that sent nothing for a while.

import type { Arriving, SamplerListener } from "./arriving.ts";
import type { Device } from "./device.ts";
import { PayloadError } from "./payload.ts";

/** What is done about a gap in the samples of a device. */
export interface GapOptions {
  /** A silence is a gap when it is longer: ms, or a multiple of the interval. */
  readonly after: { readonly ms: number } | { readonly times: number };
  /** Milliseconds between samples. Default: learned from each device. */
  readonly intervalMs?: number;
  /** `reset`: the state begins anew; `hold`: the samples of the gap are taken with the last values; `skip`: the state goes on as it was. */
  readonly action: "reset" | "hold" | "skip";
  /** Steps after a gap whose outcomes are marked, because the state has not settled yet. */
  readonly warmup: number;
}

/** Looks after the gaps of one device. */
export interface Gaps {
  /** f64 values that it keeps; all 0 in the beginning. */
  readonly size: number;
  /** Does what is to be done before a message of this time is taken. */
  before(arrival: Arriving, memory: Float64Array, listener: SamplerListener): void;
  /** Counts a step; answers how many of the warm-up are left, this one included. */
  warmup(memory: Float64Array): number;
}

/** Intervals that are seen before the one that is learned counts. */
const LEARNING = 8;
/** Samples of a gap that are taken at most. */
const MOST_STEPS = 1000;

/** What `memory` holds, by index. */
const LAST = 0; // time of the last arrival, 0 when there is none
const COUNT = 1; // intervals that were learned from, at most LEARNING
const INTERVAL = 2; // ms, the mean of the last ones
const WARM = 3; // steps of the warm-up that are left

/** Creates what looks after the gaps of a device with so many inputs. */
export function createGaps({ after, intervalMs, action, warmup }: GapOptions, inputs: number, device: Device): Gaps {
  const nothing = new Float64Array(inputs).fill(Number.NaN);
  const intervalOf = (memory: Float64Array): number | undefined =>
    intervalMs ?? (memory[COUNT] === LEARNING ? memory[INTERVAL] : undefined);
  const limitOf = (memory: Float64Array): number => {
    if ("ms" in after) return after.ms;
    const interval = intervalOf(memory);
    return interval === undefined ? Number.POSITIVE_INFINITY : after.times * interval;
  };
  const learn = (memory: Float64Array, silence: number): void => {
    const count = Math.min(LEARNING, (memory[COUNT] as number) + 1);
    const interval = memory[INTERVAL] as number;
    memory[INTERVAL] = interval + (silence - interval) / count;
    memory[COUNT] = count;
  };
  const fill = (memory: Float64Array, until: number, listener: SamplerListener): void => {
    const interval = intervalOf(memory);
    if (interval === undefined || interval <= 0) return;
    let time = (memory[LAST] as number) + interval;
    for (let count = 0; count < MOST_STEPS && time < until - interval / 2; count++, time += interval) {
      if (!tryStep(device, nothing, time, listener)) return;
    }
  };
  return {
    size: 4,
    before({ time }, memory, listener) {
      const last = memory[LAST] as number;
      const silence = time - last;
      if (last !== 0 && silence > limitOf(memory)) {
        if (action === "reset") device.reset();
        if (action === "hold") fill(memory, time, listener);
        memory[WARM] = warmup;
      } else if (last !== 0 && silence > 0) learn(memory, silence);
      // A message that is late is no step back.
      if (silence > 0) memory[LAST] = time;
    },
    warmup(memory) {
      const left = memory[WARM] as number;
      if (left > 0) memory[WARM] = left - 1;
      return left;
    },
  };
}

/** Answers false when there is no value that may stand in. */
function tryStep(device: Device, sample: Float64Array, time: number, listener: SamplerListener): boolean {
  try {
    listener.step(device.step(sample, time), time);
    return true;
  } catch (error) {
    if (error instanceof PayloadError && error.reason === "missing_field") return false;
    throw error;
  }
}
