// What a device must not be given although it can be read: readings that were heard before, and values that jump.

import type { Arriving } from "./arriving.ts";
import { PayloadError } from "./payload.ts";

/** A guard at work on one device. */
export interface Guard {
  /** f64 values that it keeps; all 0 in the beginning. */
  readonly size: number;
  /**
   * Looks at what arrives, before anything is changed.
   *
   * @param memory  its f64 values
   * @throws {PayloadError} when it must not be given to the device
   */
  check(arrival: Arriving, memory: Float64Array): void;
  /** Remembers what arrived and was let through. */
  keep(arrival: Arriving, memory: Float64Array): void;
}

/** Readings of a device that are remembered to know them again: more gateways than that hear no sensor at once. */
const MOST_REPEATS = 16;

/** Lets a reading through once: another with the same digest is refused for so long, by the time of the readings. */
export function createRepeatGuard(withinMs: number): Guard {
  // Memory: where the next one goes, then a digest and a time for each.
  const isKnown = (memory: Float64Array, digest: number, time: number): boolean => {
    for (let at = 1; at < memory.length; at += 2) {
      if (memory[at] === digest && Math.abs(time - (memory[at + 1] as number)) <= withinMs) return true;
    }
    return false;
  };
  return {
    size: 1 + 2 * MOST_REPEATS,
    check({ digest, time }, memory) {
      if (digest === undefined || !isKnown(memory, digest + 1, time)) return;
      throw new PayloadError("repeated", `The reading came before, at most ${withinMs / 1000} s ago`);
    },
    keep({ digest, time }, memory) {
      if (digest === undefined) return;
      const place = memory[0] as number;
      // 0 stands for a place that is free.
      memory.set([digest + 1, time], 1 + 2 * place);
      memory[0] = (place + 1) % MOST_REPEATS;
    },
  };
}

/**
 * Refuses values that change faster than they can. The last good value counts, so that a change that stays is believed once it
 * may have come about.
 *
 * @param rates  per input, greatest change in a second; undefined: any
 */
export function createRateGuard(names: readonly string[], rates: readonly (number | undefined)[]): Guard {
  // Memory: for each input, whether there is a last value, the value and its time.
  return {
    size: 3 * names.length,
    check({ sample, time }, memory) {
      for (const [index, rate] of rates.entries()) {
        const value = sample[index] as number;
        if (rate === undefined || Number.isNaN(value) || memory[3 * index] === 0) continue;
        const seconds = (time - (memory[3 * index + 2] as number)) / 1000;
        const change = Math.abs(value - (memory[3 * index + 1] as number));
        if (seconds <= 0 || change <= rate * seconds) continue;
        throw new PayloadError(
          "too_fast",
          `Input "${names[index]}" changed by ${change} in ${seconds} s, expected at most ${rate} in a second`,
        );
      }
    },
    keep({ sample, time }, memory) {
      for (const [index, rate] of rates.entries()) {
        if (rate === undefined || Number.isNaN(sample[index])) continue;
        memory.set([1, sample[index] as number, time], 3 * index);
      }
    },
  };
}
