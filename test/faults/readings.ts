// The readings that are published, and what a run that nothing disturbs makes of them.

import type { Runtime } from "../../host/runtime/index.ts";
import { createDevice } from "../../host/stream/device.ts";
import { formatAnswer } from "../../host/stream/format.ts";
import { mulberry32 } from "../support/random.ts";

/** One reading, as it is published. */
export interface Published {
  readonly stream: "timed" | "plain";
  readonly device: string;
  readonly topic: string;
  readonly payload: string;
  readonly sample: readonly number[];
  /** Unix milliseconds; 0 when the payload tells none. */
  readonly time: number;
}

const DEVICES = 20;
/** Every fifth device repeats itself: its payloads are two texts in turn, without a time. */
const PLAIN_EVERY = 5;

/** Makes the readings of a run, the same for the same seed. */
export function makeReadings(count: number, seed: number): Published[] {
  const random = mulberry32(seed);
  return Array.from({ length: count }, (_, index) => {
    const device = `d${index % DEVICES}`;
    const turn = Math.floor(index / DEVICES);
    if (index % PLAIN_EVERY === 0) {
      const sample = [1800, 2.5, 10, 40 + (turn % 2)];
      return { stream: "plain", device, topic: `plain/${device}`, payload: JSON.stringify(sample), sample, time: 0 };
    }
    const [speed, pressure] = [1500 + Math.round(6000 * random()) / 10, Math.round(500 * random()) / 100];
    const [current, bearing] = [Math.round(200 * random()) / 10, 30 + Math.round(300 * random()) / 10];
    const t = 1_700_000_000 + index;
    const payload = JSON.stringify({ t, speed, pressure, current, bearing_temperature: bearing });
    const sample = [speed, pressure, current, bearing];
    return { stream: "timed", device, topic: `timed/${device}`, payload, sample, time: 1000 * t };
  });
}

/** What a device has at the end, and what was published for it. */
export interface Expected {
  readonly n: number;
  readonly state: Uint8Array;
  /** By n; empty for devices whose answers tell the time of arrival. */
  readonly answers: readonly string[];
}

/** Steps the readings without a broker; by `stream/device`. */
export function expectStates(runtime: Runtime, readings: readonly Published[]): Map<string, Expected> {
  const byDevice = new Map<string, Published[]>();
  for (const reading of readings) {
    const key = `${reading.stream}/${reading.device}`;
    const list = byDevice.get(key);
    if (list === undefined) byDevice.set(key, [reading]);
    else list.push(reading);
  }
  return new Map(
    [...byDevice].map(([key, list]) => {
      const device = createDevice(runtime, [undefined, undefined, undefined, undefined]);
      const answers = list.map(({ sample, time, stream }) => {
        const { prediction, residual, n } = device.step(sample, time);
        const model = runtime.model.id;
        return stream === "plain" ? "" : formatAnswer({ prediction, residual, n, ts: time, model }, runtime.numeric);
      });
      const expected = { n: device.n, state: device.snapshot(), answers };
      device.release();
      return [key, expected];
    }),
  );
}
