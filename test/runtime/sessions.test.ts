import { describe, expect, it } from "vitest";
import { SampleError } from "../../host/model/errors.ts";
import { createRuntime, type KernelRuntime } from "../../host/runtime/runtime.ts";
import type { Session } from "../../host/runtime/session.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { f32Model, q15Model, thrownBy } from "./session-models.ts";

const tokenModel = (numeric: "f32" | "q15") =>
  (numeric === "f32" ? randomF32Model : randomQ15Model)({ layers: [4], embedding: { vocabulary: 7, size: 3 } }).model;

const runtimes: readonly (readonly [string, KernelRuntime])[] = [
  ["f32", createRuntime(f32Model)],
  ["q15", createRuntime(q15Model)],
];

/** What is no number, though arithmetic takes it for one, and how a message shows it. */
const NO_NUMBERS: readonly (readonly [unknown, string])[] = [
  [null, "null"],
  ["", '""'],
  ["0x10", '"0x10"'],
  ["9".repeat(50), `"${"9".repeat(32)}…"`],
  [true, "true"],
  [[29], "an array"],
  [new Date(5), "an object"],
  [5n, "the BigInt 5"],
  [Symbol("five"), "Symbol(five)"],
  [undefined, "undefined"],
];

/** A session that has seen ten samples. */
function warmSession(runtime: KernelRuntime): Session {
  const session = runtime.createSession();
  session.run(randomSamples(runtime.model.spec, 10).flat());
  return session;
}

describe("createRuntime", () => {
  it("tells what it runs", () => {
    const runtime = createRuntime(q15Model, { simd: false });
    expect(runtime).toMatchObject({ numeric: "q15", simd: false, inputSize: 3, outputSize: 2, sessionCount: 0 });
    expect(runtime.model).toBe(q15Model);
  });

  it("takes the SIMD build where the engine has it", () => {
    expect(createRuntime(f32Model).simd).toBe(true);
  });

  it("counts the state of FORMAT.md 7: each part padded to 16 bytes", () => {
    expect(createRuntime(f32Model).stateBytes).toBe(32 + 32); // window 2·3, h 5
    expect(createRuntime(q15Model).stateBytes).toBe(16 + 16);
  });

  it("needs no state for dense layers alone", () => {
    const { model } = randomF32Model({ inputs: 2, layers: [{ dense: 3, activation: "tanh" }] });
    const runtime = createRuntime(model);
    expect(runtime.stateBytes).toBe(0);
    const [first, second] = [runtime.createSession(), runtime.createSession()];
    expect([...first.step([1, 2])]).toEqual([...second.step([1, 2])]);
    expect(first.snapshot().length).toBe(32);
  });
});

describe.each(runtimes)("Session in %s", (_, runtime) => {
  const good = randomSamples(runtime.model.spec, 1, 9).flat();

  it("hands out one prediction array for all its steps", () => {
    const session = runtime.createSession();
    const first = session.step(good);
    const copy = [...first];
    const second = session.step(good);
    expect(second).toBe(first);
    expect([...second]).not.toEqual(copy);
  });

  it("hands out a fresh array at every run", () => {
    const session = runtime.createSession();
    const first = session.run(good);
    const copy = [...first];
    session.run(good);
    expect([...first]).toEqual(copy);
  });

  it("takes plain and typed arrays", () => {
    const expected = [...runtime.createSession().step(good)];
    expect([...runtime.createSession().step(Float64Array.from(good))]).toEqual(expected);
  });

  it.each([
    ["no value", []],
    ["a value too few", [1, 2]],
    ["a value too many", [1, 2, 3, 4]],
    ["NaN", [1, Number.NaN, 3]],
    ["infinity", [1, 2, Number.POSITIVE_INFINITY]],
    ["minus infinity", [Number.NEGATIVE_INFINITY, 2, 3]],
    ["a hole", [1, undefined, 3] as number[]],
  ])("refuses a sample with %s and keeps its state", (_title, sample) => {
    const session = warmSession(runtime);
    const before = session.snapshot();
    expect(() => session.step(sample)).toThrow(SampleError);
    expect(session.snapshot()).toEqual(before);
    expect([...session.step(good)]).toEqual([...warmSession(runtime).step(good)]);
  });

  it.each(NO_NUMBERS)("refuses %s for a number in step, run and stepAll, and keeps its state", (value, shown) => {
    const session = warmSession(runtime);
    const before = session.snapshot();
    const sample = [1, value, 3] as number[];
    const message = `Input "x1" is ${shown}, expected a finite number`;
    for (const act of [() => session.step(sample), () => session.run([...good, ...sample])]) {
      expect(thrownBy(act)).toMatchObject({ name: "SampleError", message });
    }
    const batch = [...good, ...sample];
    expect(thrownBy(() => runtime.stepAll([session, runtime.createSession()], batch)).message).toBe(message);
    expect(session.snapshot()).toEqual(before);
  });

  it("refuses a run with a bad value in its last row before the first step", () => {
    const session = warmSession(runtime);
    const before = session.snapshot();
    const rows = randomSamples(runtime.model.spec, 5000).flat();
    rows[rows.length - 1] = Number.NaN;
    expect(() => session.run(rows)).toThrow(SampleError);
    expect(session.snapshot()).toEqual(before);
  });

  it("refuses a run that is no whole number of rows", () => {
    const session = runtime.createSession();
    expect(thrownBy(() => session.run([1, 2, 3, 4])).message).toBe("Sample has 4 values, model random takes 3");
  });

  it("names the input at fault and what it expects", () => {
    const session = runtime.createSession();
    expect(thrownBy(() => session.step([1, Number.NaN, 3])).message).toBe(
      'Input "x1" is NaN, expected a finite number',
    );
    expect(thrownBy(() => session.run([1, 2, 3, 4, 5, Number.NEGATIVE_INFINITY])).message).toBe(
      'Input "x2" is -Infinity, expected a finite number',
    );
    expect(thrownBy(() => session.step([1])).message).toBe("Sample has 1 values, model random takes 3");
  });

  it("starts anew after a reset", () => {
    const session = warmSession(runtime);
    session.reset();
    expect(session.snapshot()).toEqual(runtime.createSession().snapshot());
    expect([...session.step(good)]).toEqual([...runtime.createSession().step(good)]);
  });

  it("has a state of its own", () => {
    const samples = randomSamples(runtime.model.spec, 50, 4);
    const other = randomSamples(runtime.model.spec, 50, 5);
    const [left, right, alone] = [runtime.createSession(), runtime.createSession(), runtime.createSession()];
    samples.forEach((sample, t) => {
      const prediction = [...left.step(sample)];
      right.step(other[t] ?? []);
      expect(prediction).toEqual([...alone.step(sample)]);
    });
    expect(right.snapshot()).not.toEqual(left.snapshot());
  });

  it("refuses any use once released", () => {
    const session = runtime.createSession();
    session.release();
    const uses: readonly (() => unknown)[] = [
      () => session.step(good),
      () => session.run(good),
      () => session.reset(),
      () => session.snapshot(),
      () => session.restore(runtime.createSession().snapshot()),
      () => session.release(),
      () => runtime.stepAll([session], good),
    ];
    for (const use of uses) expect(thrownBy(use).message).toBe("The session has been released");
  });

  it("starts from zeros in the memory of a released one", () => {
    const fresh = runtime.createSession().snapshot();
    warmSession(runtime).release();
    expect(runtime.createSession().snapshot()).toEqual(fresh);
  });
});

describe("samples", () => {
  it("are refused in f32 beyond ±1e18, so that no sum becomes infinite", () => {
    const session = createRuntime(f32Model).createSession();
    expect(thrownBy(() => session.step([1, 1e39, 3])).message).toBe(
      'Input "x1" is 1e+39, expected a finite number within ±1000000000000000000',
    );
    expect([...session.step([1e18, -1e18, 1e18])].every(Number.isFinite)).toBe(true);
  });

  it("saturate in q15, whatever their size", () => {
    const [session, limit] = [createRuntime(q15Model).createSession(), createRuntime(q15Model).createSession()];
    expect([...session.step([1e39, Number.MAX_VALUE, -1e300])]).toEqual([...limit.step([1e7, 1e7, -1e7])]);
  });

  it("are rounded to the nearest raw integer in q15, halves up", () => {
    const fraction = q15Model.spec.inputs[0]?.fraction ?? 0;
    const offset = q15Model.tensors.get("input.offset")?.data[0] ?? 0;
    // The window is part of the state, so that raw integers next to each other show.
    const stateAfter = (raw: number) => {
      const session = createRuntime(q15Model).createSession();
      session.step([(offset + raw) * 2 ** -fraction, 0, 0]);
      return session.snapshot();
    };
    expect(stateAfter(3)).not.toEqual(stateAfter(2));
    expect(stateAfter(2.5)).toEqual(stateAfter(3));
    expect(stateAfter(-2.5)).toEqual(stateAfter(-2));
    expect(stateAfter(2.499)).toEqual(stateAfter(2));
  });
});

describe.each(["f32", "q15"] as const)("tokens in %s", (numeric) => {
  const runtime = createRuntime(tokenModel(numeric));

  it("are taken from 0 to V - 1", () => {
    const predictions = [0, 1, 2, 3, 4, 5, 6].map((token) => runtime.createSession().step([token])[0]);
    expect(new Set(predictions).size).toBe(7);
  });

  it.each([7, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32])("refuse %s and keep the state", (token) => {
    const session = warmSession(runtime);
    const before = session.snapshot();
    expect(thrownBy(() => session.step([token])).message).toBe(`Input "x0" is ${token}, expected a token, 0 to 6`);
    expect(() => session.run([0, token])).toThrow(SampleError);
    expect(session.snapshot()).toEqual(before);
  });

  it.each(NO_NUMBERS)("are no %s", (value, shown) => {
    const session = runtime.createSession();
    const message = `Input "x0" is ${shown}, expected a token, 0 to 6`;
    for (const act of [() => session.step([value as number]), () => session.run([0, value as number])]) {
      expect(thrownBy(act)).toMatchObject({ name: "SampleError", message });
    }
    expect(thrownBy(() => runtime.stepAll([session], [value as number])).message).toBe(message);
  });
});
