import { describe, expect, it } from "vitest";
import { learn } from "../../host/alarm/learn.ts";
import { LearningAlarm, type LearningPlan, partsOf } from "../../host/alarm/learning-alarm.ts";
import type { Anomaly } from "../../host/alarm/types.ts";
import { parseDetector } from "../../host/detect/file.ts";
import { SnapshotError } from "../../host/model/errors.ts";
import { healthy } from "../support/alarms.ts";

const START = 1_732_000_020_000;
const plan = (options: Partial<LearningPlan> = {}): LearningPlan => ({
  inputs: ["temperature"],
  learn: { rows: 400 },
  periodMs: undefined,
  settings: {},
  isTimed: true,
  ...options,
});

/** Keeps the parts of an alarm as the state store does. */
class Kept {
  readonly parts = new Map<string, Uint8Array>();
  take(alarm: LearningAlarm): void {
    for (const [name, bytes] of alarm.takeParts()) {
      if (bytes === undefined) this.parts.delete(name);
      else this.parts.set(name, bytes);
    }
  }
  /** What a process that starts makes of a state. */
  revive(state: Uint8Array, options: Partial<LearningPlan> = {}): LearningAlarm {
    const alarm = new LearningAlarm(plan(options));
    alarm.provide(
      new Map(partsOf(state).flatMap((name) => (this.parts.has(name) ? [[name, this.parts.get(name)!]] : []))),
    );
    alarm.prepare(state)();
    return alarm;
  }
}

const sampleOf = (t: number) => [healthy(t) + (t >= 700 && t < 730 ? 15 : 0)];
const step = (alarm: LearningAlarm, t: number, sample: ArrayLike<number> = sampleOf(t)) =>
  alarm.step(sample, START + 60_000 * t);
const run = (alarm: LearningAlarm, from: number, to: number): Anomaly[] =>
  Array.from({ length: to - from }, (_, i) => step(alarm, from + i));

describe("LearningAlarm", () => {
  it("tells how much is learnt, then watches and finds what is wrong", () => {
    const alarm = new LearningAlarm(plan());
    const answers = run(alarm, 0, 800);
    expect(answers[99]).toMatchObject({ learning: 0.25, score: null, isAlarm: false });
    expect(answers[399]).toMatchObject({ learning: 1 });
    expect(answers[400]).toMatchObject({
      score: expect.any(Number),
      warmup: 0,
      detector: expect.stringMatching(/^learnt@/),
    });
    expect(answers[400]).not.toHaveProperty("learning");
    const changes = answers.flatMap(({ change }, t) => (change ? [[t, change.isAlarm] as const] : []));
    expect(changes.filter(([t]) => t < 700)).toEqual([]);
    expect(changes[0]).toEqual([700, true]);
  });

  it("learns what calibrate learns from the same readings", () => {
    const alarm = new LearningAlarm(plan());
    const kept = new Kept();
    for (let t = 0; t < 400; t++) {
      step(alarm, t);
      kept.take(alarm);
    }
    expect([...kept.parts.keys()]).toEqual(["detector"]);
    const file = parseDetector(kept.parts.get("detector")!);
    expect(file.spec).toMatchObject({ name: "learnt", interval: 60, alarmsPerWeek: 1, rows: 400 });
    const times = Float64Array.from({ length: 400 }, (_, t) => START + 60_000 * t);
    const values = [Float64Array.from({ length: 400 }, (_, t) => healthy(t))];
    const learnt = learn(
      { times, values },
      { inputs: ["temperature"], perWeek: 1, isTimed: true, periodMs: undefined, takesConstant: false },
    );
    expect("bytes" in learnt && learnt.bytes).toEqual(kept.parts.get("detector"));
  });

  it("goes on after a stop at any row as if there had been none; what changes with each sample stays small", () => {
    const options = { settings: { holdMs: 120_000 } };
    const whole = run(new LearningAlarm(plan(options)), 0, 800);
    let alarm = new LearningAlarm(plan(options));
    const kept = new Kept();
    const answers: Anomaly[] = [];
    let longest = 0;
    for (let t = 0; t < 800; t++) {
      answers.push(step(alarm, t));
      kept.take(alarm);
      const state = alarm.snapshot();
      longest = Math.max(longest, state.length);
      if (t % 37 === 0 || (t > 395 && t < 405)) alarm = kept.revive(state, options);
    }
    expect(answers).toEqual(whole);
    expect(longest).toBeLessThan(1100);
  });

  it("learns for a time", () => {
    const alarm = new LearningAlarm(plan({ learn: { ms: 5 * 3_600_000 } }));
    const answers = run(alarm, 0, 305);
    expect(answers[150]?.learning).toBeCloseTo(0.5, 6);
    expect(answers[300]).toMatchObject({ learning: 1 });
    expect(answers[301]).not.toHaveProperty("learning");
    const short = new LearningAlarm(plan({ learn: { ms: 60_000 } }));
    expect(run(short, 0, 101).findIndex(({ learning }) => learning === 1)).toBe(99);
  });

  it("goes on learning while the readings are constant, says why, and learns once they are not", () => {
    const alarm = new LearningAlarm(plan({ learn: { rows: 200 } }));
    const still = Array.from({ length: 900 }, (_, t) => step(alarm, t, [20]));
    expect(still[199]).toMatchObject({ learning: 1 });
    expect(still[200]).toMatchObject({ reason: "temperature is constant so far", score: null });
    expect(still.at(-1)!.learning).toBeLessThan(1);
    const answers = run(alarm, 900, 2000);
    expect(answers.at(-1)).toMatchObject({ score: expect.any(Number) });
  });

  it("takes a channel for constant that stays so beside one that does not, after three times the samples", () => {
    const alarm = new LearningAlarm(plan({ inputs: ["temperature", "door"], learn: { rows: 150 } }));
    const answers = Array.from({ length: 700 }, (_, t) => step(alarm, t, [healthy(t), 1]));
    expect(answers[200]).toMatchObject({ reason: "door is constant so far" });
    const end = answers.findIndex(({ learning }) => learning === undefined);
    expect(end).toBeGreaterThan(450);
    expect(end).toBeLessThan(650);
  });

  it("waits for two periods that were asked for, and takes a day by itself where two fit", () => {
    const hour = new LearningAlarm(plan({ learn: { rows: 100 }, periodMs: 3 * 3_600_000 }));
    const answers = run(hour, 0, 365);
    expect(answers[100]).toMatchObject({ reason: "two periods of 180 samples are needed" });
    expect(answers[359]).toMatchObject({ learning: 1 });
    expect(answers[360]).not.toHaveProperty("learning");
    const periodOf = (count: number) => {
      const times = Float64Array.from({ length: count }, (_, t) => START + 3_600_000 * t);
      const values = [times.map((_, t) => healthy(t))];
      const options = { inputs: ["x"], perWeek: 1, isTimed: true, periodMs: "auto", takesConstant: false } as const;
      const learnt = learn({ times, values }, options);
      return "bytes" in learnt && parseDetector(learnt.bytes).parameters.seasonality?.period;
    };
    expect(periodOf(120)).toBe(24);
    const minutes = learn(
      {
        times: Float64Array.from({ length: 200 }, (_, t) => 60_000 * t),
        values: [Float64Array.from({ length: 200 }, (_, t) => healthy(t))],
      },
      { inputs: ["x"], perWeek: 1, isTimed: true, periodMs: "auto", takesConstant: false },
    );
    expect("bytes" in minutes && parseDetector(minutes.bytes).parameters.seasonality).toBeUndefined();
  });

  it("leaves out readings that come again or late, and does not believe times of arrival that come all at once", () => {
    const alarm = new LearningAlarm(plan());
    run(alarm, 0, 10);
    expect(step(alarm, 3).learning).toBe(10 / 400);
    const values = [Float64Array.from({ length: 200 }, (_, t) => healthy(t))];
    const intervalOf = (times: Float64Array) => {
      const learnt = learn(
        { times, values },
        { inputs: ["x"], perWeek: 1, isTimed: false, periodMs: undefined, takesConstant: false },
      );
      return "bytes" in learnt && parseDetector(learnt.bytes).spec.interval;
    };
    expect(intervalOf(new Float64Array(200).fill(5))).toBeUndefined();
    expect(intervalOf(Float64Array.from({ length: 200 }, (_, t) => t + (t > 150 ? 60_000 : 0)))).toBeUndefined();
    expect(intervalOf(Float64Array.from({ length: 200 }, (_, t) => 10_000 * t + (t % 3)))).toBeCloseTo(10, 2);
  });

  it("learns anew when it is told, and ends its alarm", () => {
    const alarm = new LearningAlarm(plan());
    const kept = new Kept();
    run(alarm, 0, 705);
    kept.take(alarm);
    expect(alarm.relearn(START)).toMatchObject({ isAlarm: false });
    kept.take(alarm);
    expect(kept.parts.size).toBe(0);
    expect(step(alarm, 705)).toMatchObject({ learning: 1 / 400 });
    const again = kept.revive(alarm.snapshot());
    expect(step(again, 706)).toMatchObject({ learning: 2 / 400 });
  });

  it("keeps the number of false alarms that it was told, also while it learns", () => {
    const alarm = new LearningAlarm(plan({ settings: { perWeek: 2 } }));
    const kept = new Kept();
    expect(alarm.perWeek).toBe(2);
    run(alarm, 0, 10);
    alarm.accept(0.5);
    run(alarm, 10, 400);
    kept.take(alarm);
    expect(parseDetector(kept.parts.get("detector")!).spec.alarmsPerWeek).toBe(0.5);
    const again = kept.revive(alarm.snapshot(), { settings: { perWeek: 2 } });
    expect(again.perWeek).toBe(0.5);
    expect(run(again, 400, 420)).toEqual(run(alarm, 400, 420));
  });

  it("refuses states that are damaged, of another kind or of other inputs", () => {
    const alarm = new LearningAlarm(plan());
    run(alarm, 0, 100);
    const state = alarm.snapshot();
    const fresh = new LearningAlarm(plan());
    expect(() => fresh.prepare(state)).toThrow("rows/0 has no bytes, expected 1024");
    expect(() => fresh.prepare(state.subarray(0, -1))).toThrow(SnapshotError);
    expect(() => fresh.prepare(new Uint8Array(40))).toThrow("it does not learn");
    const kept = new Kept();
    kept.take(alarm);
    run(alarm, 100, 500);
    kept.take(alarm);
    expect(() => kept.revive(alarm.snapshot(), { inputs: ["pressure"] })).toThrow(
      "State is of a detector of temperature",
    );
    kept.parts.set("detector", new Uint8Array(9));
    expect(() => kept.revive(alarm.snapshot())).toThrow(SnapshotError);
    kept.parts.delete("detector");
    expect(() => kept.revive(alarm.snapshot())).toThrow("its detector is missing");
  });
});
