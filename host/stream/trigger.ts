// When the values that arrive for a device, one by one or together, are a sample.

import type { Arriving, SamplerListener } from "./arriving.ts";
import type { Device } from "./device.ts";
import { PayloadError } from "./payload.ts";

/**
 * When a sample is taken: `each` of every message that may be one, with what is held for its gaps; `all` once every input has
 * a new value; `every` so many ms, in the time of the messages, of the values that were known by then.
 */
export type Trigger =
  | { readonly kind: "each" }
  | { readonly kind: "all" }
  | { readonly kind: "every"; readonly periodMs: number };

/** A trigger at work on one device. */
export interface TriggerState {
  /** f64 values that it keeps; all 0 in the beginning. */
  readonly size: number;
  /** As `Sampler.take`; `memory` holds its f64 values. */
  take(arrival: Arriving, memory: Float64Array, listener: SamplerListener): void;
}

/** Samples that one message may lead to at most: those of a longer silence are left out. */
const MOST_STEPS = 1000;

/** Sets a trigger to work on a device with so many inputs. */
export function createTrigger(trigger: Trigger, inputs: number, device: Device): TriggerState {
  if (trigger.kind === "all") return triggerOfAll(inputs, device);
  if (trigger.kind === "every") return triggerOfTime(trigger.periodMs, inputs, device);
  return {
    size: 0,
    take({ action, sample, time }, _memory, listener) {
      if (action === "step") listener.step(device.step(sample, time), time);
      else {
        device.hold(sample, time);
        listener.hold(time);
      }
    },
  };
}

/** `memory`: per input, 1 when it has a value that was in no sample yet. */
function triggerOfAll(inputs: number, device: Device): TriggerState {
  return {
    size: inputs,
    take({ sample, time }, memory, listener) {
      const isNew = (index: number) => memory[index] === 1 || !Number.isNaN(sample[index]);
      const isComplete = memory.every((_, index) => isNew(index));
      const outcome = isComplete ? step(device, sample, time) : undefined;
      if (outcome !== undefined && typeof outcome !== "string") {
        memory.fill(0);
        listener.step(outcome, time);
        return;
      }
      device.hold(sample, time);
      for (const index of memory.keys()) if (isNew(index)) memory[index] = 1;
      listener.hold(time, outcome);
    },
  };
}

/** `memory`: whether a period began, and its number since 1970. */
function triggerOfTime(periodMs: number, inputs: number, device: Device): TriggerState {
  const nothing = new Float64Array(inputs).fill(Number.NaN);
  return {
    size: 2,
    take({ sample, time }, memory, listener) {
      const now = Math.floor(time / periodMs);
      const last = memory[0] === 1 ? (memory[1] as number) : now;
      let why: string | undefined;
      for (let period = last + 1; period <= now && period <= last + MOST_STEPS; period++) {
        const outcome = step(device, nothing, period * periodMs);
        why = typeof outcome === "string" ? outcome : undefined;
        // What is missing now is missing, or too old, for all that follows.
        if (typeof outcome === "string") break;
        listener.step(outcome, period * periodMs);
      }
      // A message that is late takes no sample again, but a clock that was set back must not stop the device.
      memory.set([1, now < last - MOST_STEPS ? now : Math.max(now, last)]);
      device.hold(sample, time);
      listener.hold(time, why);
    },
  };
}

/** Answers in words what is missing for a step. */
function step(device: Device, sample: ArrayLike<number>, time: number): ReturnType<Device["step"]> | string {
  try {
    return device.step(sample, time);
  } catch (error) {
    if (error instanceof PayloadError && error.reason === "missing_field") return error.message;
    throw error;
  }
}
