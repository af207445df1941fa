import { describe, expect, it } from "vitest";
import { DeviceAlarm } from "../../host/alarm/device-alarm.ts";
import { type AlarmPlanOptions, checkSettings, planAlarms } from "../../host/alarm/plan.ts";
import type { Anomaly } from "../../host/alarm/types.ts";
import { SnapshotError } from "../../host/model/errors.ts";
import { createTestDetector, healthy } from "../support/alarms.ts";

const FILE = createTestDetector(["speed", "pressure"], { interval: 60 });
const START = 1_732_000_020_000;
const plan = (options: Partial<AlarmPlanOptions> = {}) =>
  planAlarms({ file: FILE, inputs: ["pressure", "speed"], isTimed: true, ...options });

/** The sample of a row in the order pressure, speed; the speed is too high from row 300 to 329. */
const sampleOf = (t: number) => [healthy(t, 1), healthy(t) + (t >= 300 && t < 330 ? 15 : 0)];

function run(alarm: DeviceAlarm, from: number, to: number): Anomaly[] {
  return Array.from({ length: to - from }, (_, i) => alarm.step(sampleOf(from + i), START + 60_000 * (from + i)));
}

const changesOf = (answers: readonly Anomaly[]) => answers.flatMap(({ change }) => change ?? []);

describe("DeviceAlarm", () => {
  it("finds what is wrong, with cause, time and end", () => {
    const answers = run(new DeviceAlarm(plan()), 0, 420);
    const changes = changesOf(answers);
    expect(changes.map(({ isAlarm }) => isAlarm)).toEqual([true, false]);
    const [begin, end] = changes as [Anomaly["change"], Anomaly["change"]];
    expect(begin?.since).toBe(START + 60_000 * 300);
    expect(begin?.score).toBeGreaterThan(1);
    expect(begin?.cause[0]).toMatchObject({ input: "speed", unit: "°C", value: sampleOf(300)[1] });
    expect(begin?.cause[0]?.share).toBeGreaterThan(0.5);
    expect(begin?.text).toMatch(/^speed 3\d\.?\d* °C/);
    expect(end?.lastedMs).toBeGreaterThanOrEqual(30 * 60_000);
    expect(answers[310]).toMatchObject({ isAlarm: true, detector: FILE.id, warmup: 0, isMuted: false });
    expect(answers[299]).toMatchObject({ isAlarm: false });
  });

  it("counts down its warm-up, in which no alarm begins", () => {
    const alarm = new DeviceAlarm(plan());
    const answers = Array.from({ length: 25 }, (_, t) => alarm.step([healthy(t, 1), 500], START + 60_000 * t));
    expect(answers.slice(0, 3).map(({ warmup }) => warmup)).toEqual([19, 18, 17]);
    expect(answers.slice(0, 20).some(({ isAlarm }) => isAlarm)).toBe(false);
    expect(answers[20]).toMatchObject({ isAlarm: true, warmup: 0 });
  });

  it("goes on from its state as if it had never stopped, at every row", () => {
    const settings = { minDurationMs: 120_000, holdMs: 300_000, perWeek: 2 };
    const whole = run(new DeviceAlarm(plan({ settings })), 0, 420);
    for (const at of [1, 19, 300, 301, 302, 315, 340, 355]) {
      const before = new DeviceAlarm(plan({ settings }));
      run(before, 0, at);
      const after = new DeviceAlarm(plan({ settings }));
      after.prepare(before.snapshot())();
      expect(run(after, at, 420), `stopped at ${at}`).toEqual(whole.slice(at));
    }
  });

  it("does not judge a sample that comes again or late, and says so", () => {
    const alarm = new DeviceAlarm(plan());
    run(alarm, 0, 50);
    const before = alarm.snapshot();
    expect(alarm.step([1e6, 1e6], START)).toMatchObject({ score: null, isAlarm: false });
    run(alarm, 50, 51);
    const after = new DeviceAlarm(plan());
    after.prepare(before)();
    run(after, 50, 51);
    expect(alarm.snapshot()).toEqual(after.snapshot());
  });

  it("mutes from the next sample on, ends the alarm, and begins none until the time is over", () => {
    const alarm = new DeviceAlarm(plan());
    run(alarm, 0, 305);
    alarm.mute(20 * 60_000);
    const answers = run(alarm, 305, 330);
    expect(answers[0]).toMatchObject({ isAlarm: false, isMuted: true, change: { isAlarm: false, score: null } });
    expect(answers.slice(1, 20).every(({ isMuted, change }) => isMuted && change === undefined)).toBe(true);
    expect(answers[20]).toMatchObject({ isMuted: false, isAlarm: true });
    alarm.mute(60_000);
    alarm.mute(0);
    expect(alarm.step(sampleOf(330), START + 60_000 * 330)).toMatchObject({ isMuted: false });
  });

  it("begins no alarm for a while after a gap", () => {
    const afterGap = (settings: AlarmPlanOptions["settings"]) => {
      const alarm = new DeviceAlarm(plan({ settings: settings ?? {} }));
      run(alarm, 0, 200);
      return Array.from({ length: 60 }, (_, i) => alarm.step([healthy(i, 1), 60], START + 60_000 * (300 + i)));
    };
    const first = (answers: readonly Anomaly[]) => answers.findIndex(({ isAlarm }) => isAlarm);
    expect(first(afterGap(undefined))).toBe(20);
    expect(first(afterGap({ muteAfterGapMs: 40 * 60_000 }))).toBe(40);
    expect(afterGap({ muteAfterGapMs: 40 * 60_000 })[10]).toMatchObject({ isMuted: true });
  });

  it("keeps with its state that somebody knows of the alarm, until the alarm ends", () => {
    const alarm = new DeviceAlarm(plan());
    run(alarm, 0, 300);
    alarm.acknowledge();
    expect([alarm.isOn, run(alarm, 300, 305).at(-1)?.isAcknowledged]).toEqual([false, undefined]);
    alarm.acknowledge();
    const after = new DeviceAlarm(plan());
    after.prepare(alarm.snapshot())();
    expect(after.isOn).toBe(true);
    const answers = run(after, 305, 420);
    expect(answers.some(({ change }) => change?.isAlarm)).toBe(false);
    expect(answers.filter(({ isAcknowledged }) => isAcknowledged).length).toBeGreaterThan(25);
    expect(answers.every(({ isAcknowledged = false, isAlarm }) => isAcknowledged === isAlarm)).toBe(true);
  });

  it("reads a state of the version before, which knew of nobody", () => {
    const alarm = new DeviceAlarm(plan());
    run(alarm, 0, 305);
    const now = alarm.snapshot();
    // The number for "somebody knows" was not there: the last 8 bytes before the state of the detector.
    const detector = new DataView(now.buffer).getUint32(4, true);
    const at = now.length - detector - 8;
    const old = new Uint8Array([...now.subarray(0, at), ...now.subarray(at + 8)]);
    old[0] = 1;
    const after = new DeviceAlarm(plan());
    after.prepare(old)();
    expect(run(after, 305, 420)).toEqual(run(alarm, 305, 420));
  });

  it("accepts another number of alarms, and keeps it with its state", () => {
    const alarm = new DeviceAlarm(plan());
    run(alarm, 0, 100);
    expect(alarm.perWeek).toBe(1);
    alarm.accept(0.5);
    const after = new DeviceAlarm(plan());
    after.prepare(alarm.snapshot())();
    expect(after.perWeek).toBe(0.5);
    expect(run(after, 100, 400)).toEqual(run(alarm, 100, 400));
  });

  it("forgets what is recent, or everything", () => {
    const alarm = new DeviceAlarm(plan());
    run(alarm, 0, 305);
    expect(alarm.reset(START)).toMatchObject({ isAlarm: false });
    expect(alarm.step(sampleOf(305), START + 60_000 * 305).warmup).toBe(19);
    expect(alarm.reset(START, true)).toBeUndefined();
    expect(run(alarm, 0, 420)).toEqual(run(new DeviceAlarm(plan()), 0, 420));
  });

  it("ends the alarm of a detector that was replaced, with the first sample", () => {
    const before = new DeviceAlarm(plan());
    run(before, 0, 305);
    const other = plan({ file: createTestDetector(["speed", "pressure"], { interval: 60, rows: 500 }) });
    const after = new DeviceAlarm(other);
    after.prepare(before.snapshot())();
    const again = new DeviceAlarm(other);
    again.prepare(after.snapshot())();
    expect(run(again, 305, 307).map(({ change }) => change?.isAlarm)).toEqual([false, undefined]);
  });

  it("refuses a state that is none", () => {
    const alarm = new DeviceAlarm(plan());
    expect(() => alarm.prepare(new Uint8Array(10))).toThrow(SnapshotError);
    const state = alarm.snapshot();
    expect(() => alarm.prepare(state.subarray(0, -1))).toThrow("State of an alarm has");
    state[0] = 9;
    expect(() => alarm.prepare(state)).toThrow("version 9, expected 2");
  });

  it("scores rows of before without judging them", () => {
    const alarm = new DeviceAlarm(plan());
    const rows = Array.from({ length: 60 }, (_, t) => t);
    alarm.warmUp({
      times: Float64Array.from(rows, (t) => START + 60_000 * t),
      values: [0, 1].map((c) => Float64Array.from(rows, (t) => sampleOf(t)[c]!)),
    });
    expect(alarm.step(sampleOf(60), START + 60_000 * 60)).toMatchObject({ warmup: 0, isAlarm: false });
  });
});

describe("planAlarms", () => {
  it("refuses a detector of inputs that the stream does not have, and settings that need an interval", () => {
    expect(() => plan({ inputs: ["speed", "current"] })).toThrow(
      'the detector watches "pressure", which the stream does not have; it has "speed", "current"',
    );
    const file = createTestDetector();
    expect(() => checkSettings(file, { muteAfterGapMs: 1 })).toThrow("needs a detector that knows its interval");
    expect(() => checkSettings(FILE, { muteAfterGapMs: 1 })).not.toThrow();
  });

  it("takes a detector that watches some of the inputs", () => {
    expect(plan({ inputs: ["a", "speed", "b", "pressure"] }).inputs).toEqual([1, 3]);
  });
});
