// The alarms of the demo, on simulated time: what its detector says of its pumps, without a broker.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DeviceAlarm } from "../../../host/alarm/device-alarm.ts";
import { planAlarms } from "../../../host/alarm/plan.ts";
import { parseDetector } from "../../../host/detect/file.ts";
import { createPump, PUMP_INPUTS, PUMP_INTERVAL, type Pump } from "../../../tools/demo/pump.ts";

const file = parseDetector(readFileSync("models/pump-detector.safetensors"));
const plan = planAlarms({ file, inputs: PUMP_INPUTS.map(({ name }) => name), isTimed: false });
const HALF_AN_HOUR = 1800 / PUMP_INTERVAL;
const PUMPS = 12;

/** The alarms of a pump, each with the step at which it began and the input that explains most of it. */
function alarmsOf(pump: Pump, steps: number) {
  const alarm = new DeviceAlarm(plan);
  return Array.from({ length: steps }, (_, t) => alarm.step(pump.next(), 1000 * PUMP_INTERVAL * t)).flatMap(
    ({ change }, t) => (change?.isAlarm ? [{ at: t, cause: change.cause[0]?.input, text: change.text }] : []),
  );
}

describe("the detector of the demo", () => {
  it("raises no alarm for healthy pumps in half an hour of plant time, whatever the seed of the demo", () => {
    const alarms = Array.from({ length: 20 * PUMPS }, (_, i) => alarmsOf(createPump(1 + i), HALF_AN_HOUR));
    expect(alarms.flat()).toEqual([]);
  });

  it("finds every bearing that fails within half an hour, and names it", () => {
    const found = Array.from({ length: 5 * PUMPS }, (_, i) => {
      const pump = createPump(1000 + i);
      pump.failBearing(400);
      return alarmsOf(pump, 400 + HALF_AN_HOUR).find(({ at }) => at >= 400);
    });
    expect(found.map((alarm) => alarm?.cause)).toEqual(found.map(() => "bearing_temperature"));
    const delays = found.map((alarm) => (alarm?.at ?? Number.POSITIVE_INFINITY) - 400).sort((a, b) => a - b);
    expect(delays[delays.length / 2]).toBeLessThan(90);
  });
});
