// What can be told of the state of a device without its model.

import { type DeviceSummary, summarizeDevice } from "./device.ts";
import { withoutSampler } from "./sampler.ts";
import { withoutSeenValues } from "./sequence.ts";
import { alarmPartsOf, withoutAlarm } from "./watched.ts";

/** A state, as far as it can be read by itself. */
export interface StateSummary extends DeviceSummary {
  /** Whether a detector watches the device. */
  readonly isWatched: boolean;
  /** Names of the parts that are kept apart. */
  readonly parts: readonly string[];
}

/**
 * Tells what is in the state of a device.
 *
 * @throws {DeviceStateError} when it is damaged
 */
export function summarizeState(bytes: Uint8Array): StateSummary {
  const watched = withoutSampler(withoutSeenValues(bytes));
  const device = withoutAlarm(watched);
  return { ...summarizeDevice(device), isWatched: device.length < watched.length, parts: alarmPartsOf(watched) };
}
