import { describe, expect, it } from "vitest";
import { serializeModel } from "../../host/model/model.ts";
import { loadModel } from "../../host/runtime/load.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import type { Session } from "../../host/runtime/session.ts";
import type { Windows } from "../../host/runtime/windows.ts";
import { toModel } from "../../tools/read/network.ts";
import { readNpz } from "../../tools/read/npz.ts";
import { caseFile, readCase } from "../read/keras-cases.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";

const SHAPE = { inputs: 2, layers: [6, 3], outputs: 2, skip: 3, horizon: 3 } as const;
const RUNTIMES = [
  ["f32", createRuntime(randomF32Model(SHAPE).model)],
  ["q15", createRuntime(randomQ15Model(SHAPE).model)],
] as const;
const KINDS: readonly (readonly [string, Windows])[] = [
  ["reset", { reset: { every: 4 } }],
  ["overlap", { overlap: { window: 4 } }],
];
const EACH = RUNTIMES.flatMap(([numeric, runtime]) =>
  KINDS.map(([kind, windows]) => ({ numeric, runtime, kind, windows })),
);

const rows = (values: ArrayLike<number>, size: number): number[][] =>
  Array.from({ length: values.length / size }, (_, t) => Array.from(values).slice(t * size, (t + 1) * size));

const SAMPLES = randomSamples(RUNTIMES[0][1].model.spec, 23);

/** What a session answers to each sample: prediction, forecast and residual. */
const answers = (session: Session, samples: readonly (readonly number[])[]) =>
  samples.map((sample) => [[...session.step(sample)], session.expected, session.residual]);

describe("a Keras model that reads windows of 24 steps", async () => {
  const { network } = await readCase({ name: "windows", file: "windows.keras" });
  const { spec, tensors } = toModel(network, { name: "windows" });
  const runtime = createRuntime(await loadModel(serializeModel(spec, tensors)));
  const arrays = readNpz(caseFile("windows.npz"), "windows.npz");
  const [x, sliding, steps] = ["x", "sliding", "steps"].map((name) => [...arrays.get(name)!.data]) as number[][];
  const distance = (found: ArrayLike<number>, expected: readonly number[]) => {
    expect(found.length).toBe(expected.length);
    return Math.max(...expected.map((value, i) => Math.abs((found[i] as number) - value)));
  };

  it("is known by its window", () => {
    expect(network.window).toBe(24);
  });

  it("is reproduced at every step of windows that follow each other by a reset every 24", () => {
    const found = runtime.createSession({ reset: { every: 24 } }).run(x!);
    expect(distance(found, steps!)).toBeLessThan(2e-6);
    // The last of each window is what the model itself answers.
    const ends = [23, 47, 71, 95];
    expect(
      distance(
        ends.map((t) => found[t]!),
        ends.map((t) => sliding![t - 23]!),
      ),
    ).toBeLessThan(2e-6);
  });

  it("is reproduced on every window of 24 samples by overlap", () => {
    const found = runtime.createSession({ overlap: { window: 24 } }).run(x!);
    expect(distance(found.slice(23), sliding!)).toBeLessThan(2e-6);
    // Until there are 24, windows are shorter.
    expect(distance(found.slice(0, 24), steps!.slice(0, 24))).toBeLessThan(2e-6);
  });

  it("is not what a session computes that runs on", () => {
    const found = runtime.createSession().run(x!);
    expect(distance(found.slice(23), sliding!)).toBeGreaterThan(1e-3);
    expect(distance(found, steps!)).toBeGreaterThan(1e-3);
  });
});

describe.each(EACH)("a session with $kind, $numeric", ({ runtime, kind, windows }) => {
  it("answers what a fresh session answers to the window, to the last bit", () => {
    const session = runtime.createSession(windows);
    SAMPLES.forEach((sample, t) => {
      const start = kind === "reset" ? t - (t % 4) : Math.max(0, t - 3);
      const fresh = runtime.createSession();
      expect([...session.step(sample)]).toEqual([...fresh.run(SAMPLES.slice(start, t + 1).flat()).slice(-2)]);
      fresh.release();
    });
  });

  it("compares each sample with what was predicted for it, whatever window that was in", () => {
    const session = runtime.createSession(windows);
    const predictions = rows(session.run(SAMPLES.flat()), 2);
    session.reset();
    SAMPLES.forEach((sample, t) => {
      session.step(sample);
      const { spec } = runtime.model;
      const expected = spec.outputs.map(({ forecasts }, output) =>
        forecasts === undefined || t < 3 ? null : predictions[t - 3]![output],
      );
      expect(session.expected).toEqual(expected);
    });
  });

  it.each([0, 1, 3, 4, 5, 8, 11])("goes on with the same bits after a snapshot at step %i", (at) => {
    const before = runtime.createSession(windows);
    answers(before, SAMPLES.slice(0, at));
    const bytes = before.snapshot();
    const after = runtime.createSession(windows);
    answers(after, SAMPLES.slice(0, 7));
    after.restore(bytes);
    expect(after.snapshot()).toEqual(bytes);
    expect(answers(after, SAMPLES.slice(at))).toEqual(answers(before, SAMPLES.slice(at)));
    expect(after.snapshot()).toEqual(before.snapshot());
  });

  it("begins a window after a snapshot of a session without windows, and keeps the forecasts", () => {
    const plain = runtime.createSession();
    answers(plain, SAMPLES.slice(0, 9));
    const session = runtime.createSession(windows);
    session.restore(plain.snapshot());
    const next = SAMPLES[9]!;
    const prediction = [...session.step(next)];
    expect(prediction).toEqual([...runtime.createSession().step(next)]);
    plain.step(next);
    expect(session.expected).toEqual(plain.expected);
  });

  it("refuses snapshots that are damaged or of other windows, and is left as it was", () => {
    const session = runtime.createSession(windows);
    answers(session, SAMPLES.slice(0, 6));
    const bytes = session.snapshot();
    const refused = (other: Uint8Array, message: RegExp | string) => {
      expect(() => session.restore(other)).toThrow(message);
      expect(session.snapshot()).toEqual(bytes);
    };
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      refused(damaged, /Snapshot/);
      refused(bytes.subarray(0, at), /Snapshot/);
    }
    const longer = runtime.createSession({ reset: { every: 5 } }).snapshot();
    refused(longer, /Snapshot is of a session with a reset every 5 samples, this one has /);
    const wider = runtime.createSession({ overlap: { window: 5 } }).snapshot();
    refused(wider, /Snapshot is of a session with windows of 5 samples that overlap, this one has /);
    expect(() => runtime.createSession().restore(bytes)).toThrow("Snapshot is of a session with windows; say the same");
  });

  it("is left as it was by a sample that the model refuses", () => {
    const session = runtime.createSession(windows);
    answers(session, SAMPLES.slice(0, 4));
    const bytes = session.snapshot();
    expect(() => session.step([1, Number.NaN])).toThrow("expected a finite number");
    expect(() => session.step([1])).toThrow("Sample has 1 values");
    expect(() => session.run([1, 2, 3])).toThrow("Sample has 3 values");
    expect(() => session.run([1, 2, 3, Number.NaN])).toThrow("expected a finite number");
    expect(session.snapshot()).toEqual(bytes);
  });

  it("forgets all by reset, and gives its memory back", () => {
    const count = runtime.sessionCount;
    const session = runtime.createSession(windows);
    const first = answers(session, SAMPLES);
    session.reset();
    expect(answers(session, SAMPLES)).toEqual(first);
    expect(runtime.sessionCount).toBe(count + 1);
    session.release();
    expect(runtime.sessionCount).toBe(count);
  });
});

describe("windows", () => {
  const [, runtime] = RUNTIMES[0];

  it("of one sample know nothing of the samples before", () => {
    for (const windows of [{ reset: { every: 1 } }, { overlap: { window: 1 } }]) {
      const session = runtime.createSession(windows);
      for (const sample of SAMPLES)
        expect([...session.step(sample)]).toEqual([...runtime.createSession().step(sample)]);
    }
  });

  it.each([
    [{}, "either `reset` or `overlap`"],
    [{ reset: { every: 4 }, overlap: { window: 4 } }, "either `reset` or `overlap`"],
    [{ reset: { every: 0 } }, "Windows have 0 steps, expected 1 to 4294967295 with `reset`"],
    [{ reset: { every: 1.5 } }, "Windows have 1.5 steps"],
    [{ overlap: { window: 4097 } }, "Windows have 4097 steps, expected 1 to 4096 with `overlap`"],
  ])("are refused: %j", (windows, message) => {
    const count = runtime.sessionCount;
    expect(() => runtime.createSession(windows)).toThrow(message);
    expect(runtime.sessionCount).toBe(count);
  });

  it("and batches exclude each other", () => {
    const session = runtime.createSession({ reset: { every: 2 } });
    expect(() => runtime.stepAll([session as never], [1, 2])).toThrow("sessions without windows only");
  });
});
