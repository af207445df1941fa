import { describe, expect, it } from "vitest";
import { SampleError } from "../../host/model/errors.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { randomSamples } from "../support/models.ts";
import { f32Model, q15Model, thrownBy } from "./session-models.ts";

describe("many sessions", () => {
  it("work after the memory has grown under them", () => {
    const runtime = createRuntime(f32Model);
    const bytes = runtime.memoryBytes;
    const samples = randomSamples(f32Model.spec, 8, 3);
    const early = runtime.createSession();
    const expected = createRuntime(f32Model).createSession();
    for (const sample of samples.slice(0, 4)) expect([...early.step(sample)]).toEqual([...expected.step(sample)]);
    while (runtime.memoryBytes === bytes) runtime.createSession();
    for (const sample of samples.slice(4)) expect([...early.step(sample)]).toEqual([...expected.step(sample)]);
    expect(early.snapshot()).toEqual(expected.snapshot());
  });

  it("work in one runtime by the ten thousand, each with its own state", () => {
    const runtime = createRuntime(q15Model);
    const count = 10_000;
    const sessions = Array.from({ length: count }, () => runtime.createSession());
    expect(runtime.sessionCount).toBe(count);
    const rows = randomSamples(q15Model.spec, count, 8);
    const first = runtime.stepAll(sessions, rows.flat());
    const second = runtime.stepAll(sessions, rows.toReversed().flat());
    const wrong = sessions.filter((_, i) => {
      const alone = createdAlone(rows[i] ?? [], rows[count - 1 - i] ?? []);
      return alone.some((value, at) => value !== (at < 2 ? first[2 * i + at] : second[2 * i + at - 2]));
    });
    expect(wrong).toEqual([]);
    const beforeRelease = runtime.memoryBytes;
    for (const session of sessions) session.release();
    expect(runtime.sessionCount).toBe(0);
    expect(runtime.memoryBytes).toBe(beforeRelease);
  });

  it("do not grow the memory when they come and go", () => {
    const runtime = createRuntime(f32Model);
    let sessions = Array.from({ length: 10_000 }, () => runtime.createSession());
    const bytes = runtime.memoryBytes;
    for (let round = 0; round < 20; round++) {
      for (const session of sessions) session.release();
      sessions = Array.from({ length: 10_000 }, () => runtime.createSession());
    }
    expect(runtime.memoryBytes).toBe(bytes);
    expect(runtime.sessionCount).toBe(10_000);
  });
});

const solo = createRuntime(q15Model).createSession();

/** The two predictions of a fresh session, one after the other. */
function createdAlone(first: readonly number[], second: readonly number[]): number[] {
  solo.reset();
  return [...solo.step(first)].concat([...solo.step(second)]);
}

describe("Runtime.stepAll", () => {
  const runtime = createRuntime(f32Model);
  const good = randomSamples(f32Model.spec, 2, 9).flat();

  it("takes no sessions at all", () => {
    expect(runtime.stepAll([], [])).toEqual(new Float64Array(0));
  });

  it("refuses a session of another runtime", () => {
    const sessions = [runtime.createSession(), createRuntime(f32Model).createSession()];
    const before = sessions.map((session) => session.snapshot());
    expect(thrownBy(() => runtime.stepAll(sessions, good)).message).toBe("A session belongs to another runtime");
    expect(sessions.map((session) => session.snapshot())).toEqual(before);
  });

  it("refuses a bad value of any session before it steps one", () => {
    const sessions = [runtime.createSession(), runtime.createSession()];
    const before = sessions.map((session) => session.snapshot());
    expect(() => runtime.stepAll(sessions, [...good.slice(0, 5), Number.NaN])).toThrow(SampleError);
    expect(() => runtime.stepAll(sessions, good.slice(0, 5))).toThrow(SampleError);
    expect(sessions.map((session) => session.snapshot())).toEqual(before);
  });
});
