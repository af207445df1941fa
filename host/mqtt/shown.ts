import type { StreamEntities } from "../homeassistant/entities.ts";
import type { StreamOptions } from "./stream.ts";

/** Seldom enough that one late reading changes nothing. */
const INTERVALS = 3;
const LEAST_EXPIRY_S = 30;

/**
 * What Home Assistant is to show of the devices of a stream.
 *
 * @param expireAfter  seconds without an answer after which values are not known any more; default: three intervals, where one is known
 */
export function shownOf(stream: StreamOptions, expireAfter: number | undefined): StreamEntities {
  const { name, runtime, alarms, health } = stream;
  const hasModel = runtime.outputSize > 0;
  return {
    name,
    model: hasModel ? runtime.model.id : undefined,
    outputs: hasModel ? runtime.model.spec.outputs : [],
    hasDetector: alarms !== undefined,
    tellsSilence: health !== undefined,
    tellsStuck: health?.stuckMs.some((ms) => ms !== undefined) ?? false,
    expireAfter: expireAfter ?? expiryOf(stream),
  };
}

function expiryOf({ runtime, alarms, sampling, health }: StreamOptions): number | undefined {
  const detector = alarms === undefined || "learn" in alarms ? undefined : alarms.file.spec.interval;
  const gapMs = health?.intervalMs ?? sampling?.gap?.intervalMs;
  const interval = gapMs === undefined ? (runtime.model.spec.interval ?? detector) : gapMs / 1000;
  return interval === undefined ? undefined : Math.max(LEAST_EXPIRY_S, Math.ceil(INTERVALS * interval));
}
