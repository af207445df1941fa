import { describe, expect, it } from "vitest";
import { DeviceAlarm } from "../../host/alarm/device-alarm.ts";
import { planAlarms } from "../../host/alarm/plan.ts";
import { watchModel } from "../../host/alarms.ts";
import { detectorOf } from "../../host/detect/file.ts";
import { parseModel } from "../../host/model/model.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { createDevice } from "../../host/stream/device.ts";
import { watchDevice } from "../../host/stream/watched.ts";
import { PUMP, Q15, readings, watchedBytes } from "../support/watched-pump.ts";

describe.each([
  ["f32", PUMP],
  ["q15", Q15],
] as const)("a device watched by the detector in its model of %s", (_, plain) => {
  const model = parseModel(watchedBytes(plain));
  const inputs = model.spec.inputs.map(({ name }) => name);
  const create = (isTimed: boolean) => {
    const { runtime, detector, model: spec } = watchModel(createRuntime(model), undefined);
    if (detector === undefined || detector === "auto") throw new Error("the model has a detector");
    const plan = planAlarms({ file: detector, inputs, isTimed, model: spec });
    return watchDevice(createDevice(runtime), new DeviceAlarm(plan));
  };
  const samples = readings(9, 500, 300);

  it.each([
    ["by the clock", true],
    ["counted", false],
  ])("has the score of session.anomaly at every row, %s", (_, isTimed) => {
    const device = create(isTimed);
    const session = createRuntime(model).createSession();
    let alarms = 0;
    for (const [row, sample] of samples.entries()) {
      const { anomaly } = device.step(sample, 10_000 * row);
      session.step(sample, isTimed ? row : undefined);
      expect(anomaly?.score, `row ${row}`).toBe(session.anomaly?.score);
      if (anomaly?.change?.isAlarm) alarms++;
    }
    expect(alarms).toBeGreaterThan(0);
  });

  it("goes on from its state as if it had never stopped, and looks at no prediction of the warm-up after a reset", () => {
    const whole = create(true);
    const scores = samples.map((sample, row) => whole.step(sample, 10_000 * row).anomaly?.score);
    const [before, after] = [create(true), create(true)];
    for (let row = 0; row < 200; row++) before.step(samples[row] as number[], 10_000 * row);
    after.restore(before.snapshot());
    const rest = samples.slice(200).map((sample, i) => after.step(sample, 10_000 * (200 + i)));
    expect(rest.map(({ anomaly }) => anomaly?.score)).toEqual(scores.slice(200));
    expect(rest.every(({ isWarm }) => isWarm)).toBe(true);
    after.reset();
    const cold = samples.slice(0, model.spec.warmup + 2).map((sample) => after.step(sample, 0).isWarm);
    expect(cold).toEqual([...cold.slice(1).map(() => false), true]);
  });

  it("runs no second detector in its session, and is the model that it was", () => {
    const { runtime } = watchModel(createRuntime(model), undefined);
    const session = runtime.createSession();
    session.step(samples[0] as number[]);
    expect(session.anomaly).toBeUndefined();
    expect(runtime.model.id).toBe(model.id);
  });

  it("leaves the detector in the model alone where another is named", () => {
    const file = detectorOf(model);
    expect(watchModel(createRuntime(model), "auto")).toMatchObject({ detector: "auto", model: undefined });
    expect(watchModel(createRuntime(plain), file)).toMatchObject({ detector: file, model: undefined });
  });
});
