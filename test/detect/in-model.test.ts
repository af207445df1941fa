import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { calibrate } from "../../host/detect/calibrate.ts";
import { Detector } from "../../host/detect/detector.ts";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { detectorOf, detectorPart, parseDetector, serializeDetector } from "../../host/detect/file.ts";
import { runDetectorTest } from "../../host/detect/selftest.ts";
import { SnapshotError } from "../../host/model/errors.ts";
import { rawOf } from "../../host/model/integers.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import { readContainer, writeContainer } from "../../host/model/safetensors.ts";
import type { Model } from "../../host/model/types.ts";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { crc32 } from "../../host/runtime/crc32.ts";
import { createRuntime, loadModel, runDetectorSelftest } from "../../host/runtime/index.ts";
import { serializeWithDetector, testAlone } from "../../tools/detect/vectors.ts";
import { randomF32Model } from "../support/models.ts";
import { calibrated, PUMP, Q15, readings, SPEC, specOf } from "../support/watched-pump.ts";

describe.each([
  ["f32", PUMP],
  ["q15", Q15],
] as const)("a detector in a model of %s", (_, model) => {
  const spec = specOf(model);
  const { raw, parameters } = calibrated(model, spec);
  const bytes = serializeWithDetector(model, raw, spec, parameters);
  const watched = parseModel(bytes);

  it("is read as it was written, beside the same network", () => {
    expect(watched.spec).toEqual({ ...model.spec, format: 2 });
    expect(watched.tensors).toEqual(model.tensors);
    const found = detectorOf(watched);
    expect(found?.spec).toEqual(spec);
    expect(found?.parameters).toEqual(parameters);
    expect(serializeModel(watched.spec, watched.tensors, watched.detector)).toEqual(bytes);
  });

  it("passes its test vectors in every build, alarms among them", async () => {
    for (const simd of [true, false]) {
      const session = createRuntime(watched, { simd }).createSession();
      expect(runDetectorSelftest(watched, session)).toEqual({ rows: 96 + 4 * 24, passed: true });
    }
    expect(detectorOf(watched)?.test?.alarms).toContain(1);
    expect((await loadModel(bytes)).id).toBe(watched.id);
  });

  it("is refused at load when its scores differ", async () => {
    const part = watched.detector!;
    const score = part.tensors.get("detector.test.score")!;
    const changed = { ...score, data: Int32Array.from(score.data, (value, i) => value + (i === 190 ? 1 : 0)) };
    const tensors = new Map([...part.tensors, ["detector.test.score", changed]]);
    const damaged = serializeModel(watched.spec, watched.tensors, { ...part, tensors });
    await expect(loadModel(damaged)).rejects.toThrow("detector.test: differs from what the detector computes");
    expect((await loadModel(damaged, { verify: false })).spec.name).toBe("pump");
  });

  it("changes no prediction, and says in a session what the parts say: network, residual, detector", () => {
    const [plain, session] = [model, watched].map((of) => createRuntime(of).createSession());
    const detector = new Detector(parameters);
    for (const [row, sample] of readings(8, 400, 200).entries()) {
      expect(session?.step(sample, row)).toEqual(plain?.step(sample));
      const isKnown = row > model.spec.warmup;
      const own = sample.map((value, c) =>
        rawOf(model.spec.numeric === "f32" ? Math.fround(value) : value, spec.inputs[c]!.fraction),
      );
      const residuals = plain!.residual.map((value, c) => rawOf(value ?? 0, spec.inputs[c]!.fraction));
      const { score, isAlarm } = detector.step(own, row, false, isKnown ? residuals : undefined);
      expect(session?.anomaly).toMatchObject({ score, isAlarm });
    }
  });

  it("names what a failing bearing shows, since when, and how much of it", () => {
    const session = createRuntime(watched).createSession();
    const alarms = readings(9, 700, 300).flatMap((sample, row) => {
      session.step(sample, row);
      const { isAlarm, ...anomaly } = session.anomaly!;
      return isAlarm ? [{ row, ...anomaly }] : [];
    });
    const first = alarms.find(({ row }) => row >= 300)!;
    expect(first.row).toBeLessThan(420);
    expect(first.since).toBe(first.row);
    expect(first.cause[0]?.input).toBe("bearing_temperature");
    expect(first.cause[0]?.share).toBeGreaterThan(0.25);
    expect(first.cause.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    expect(alarms.filter(({ row }) => row < 300)).toEqual([]);
  });

  it("goes on from a snapshot at every row: with one of another session, and with one that knows no detector", () => {
    const runtime = createRuntime(watched);
    const samples = readings(9, 420, 300);
    const whole = runtime.createSession();
    const scores = samples.map((sample, row) => {
      whole.step(sample, row);
      return [whole.anomaly?.score, whole.anomaly?.isAlarm];
    });
    for (const at of [0, 1, 19, 250, 301, 390]) {
      const [before, after] = [runtime.createSession(), runtime.createSession()];
      for (const [row, sample] of samples.slice(0, at).entries()) before.step(sample, row);
      for (const sample of readings(11, 30)) after.step(sample);
      after.restore(before.snapshot());
      const rest = samples.slice(at).map((sample, i) => {
        after.step(sample, at + i);
        return [after.anomaly?.score, after.anomaly?.isAlarm];
      });
      expect(rest, `from row ${at}`).toEqual(scores.slice(at));
      expect(() => after.step(samples[0] as number[], 419)).toThrow("Row 419, expected a whole number above 419");
    }
    const { detector: _, ...bare } = watched;
    const plain = createRuntime(bare).createSession();
    plain.restore(whole.snapshot());
    expect(plain.step(samples[0] as number[])).toEqual(whole.step(samples[0] as number[]));
    whole.restore(plain.snapshot());
    whole.step(samples[0] as number[]);
    expect(whole.anomaly?.warmup).toBe(19);
  });

  it("refuses a snapshot whose detector is damaged, and is as it was", () => {
    const session = createRuntime(watched).createSession();
    const samples = readings(12, 40);
    for (const sample of samples) session.step(sample);
    const snapshot = session.snapshot();
    const end = snapshot.length - 4;
    for (const at of [end - 1, end - 20]) {
      const damaged = snapshot.slice();
      damaged[at] = (damaged[at] as number) ^ 1;
      new DataView(damaged.buffer).setUint32(end, crc32(damaged.subarray(0, end)), true);
      expect(() => session.restore(damaged)).toThrow(SnapshotError);
      expect(session.snapshot()).toEqual(snapshot);
    }
  });

  it("gives the same from step, run and a batch, and starts anew after a reset", () => {
    const runtime = createRuntime(watched);
    const [a, b, c] = [runtime.createSession(), runtime.createSession(), runtime.createSession()];
    expect(a.anomaly).toMatchObject({ isAlarm: false, since: null, warmup: 20 });
    const samples = readings(10, 60);
    for (const sample of samples) {
      a.step(sample);
      runtime.stepAll([c], sample);
    }
    b.run(samples.flat());
    expect(b.anomaly).toEqual(a.anomaly);
    expect(c.anomaly).toEqual(a.anomaly);
    expect(a.anomaly?.warmup).toBe(0);
    a.reset();
    for (const sample of samples) a.step(sample);
    expect(a.anomaly).toEqual(b.anomaly);
  });

  it("sees each sample once in a session that computes on windows", () => {
    const runtime = createRuntime(watched);
    const [plain, windows] = [runtime.createSession(), runtime.createSession({ overlap: { window: 5 } })];
    for (const sample of readings(11, 50)) {
      plain.step(sample);
      windows.step(sample);
    }
    expect(windows.anomaly?.warmup).toBe(0);
    expect(Number.isFinite(windows.anomaly?.score)).toBe(true);
  });

  it("refuses a row that is not above the one before, and leaves the state alone", () => {
    const session = createRuntime(watched).createSession();
    const [first, second] = readings(12, 2) as [number[], number[]];
    session.step(first, 7);
    const before = session.snapshot();
    expect(() => session.step(second, 7)).toThrow("Row 7, expected a whole number above 7");
    expect(() => session.step(second, 8.5)).toThrow("Row 8.5");
    expect(session.snapshot()).toEqual(before);
    session.step(second, 8);
  });

  it("is left out when the model is quantized in memory", () => {
    const quantized = model.spec.numeric === "f32" ? quantizeInMemory(watched) : undefined;
    expect(quantized?.detector).toBeUndefined();
  });
});

/** A model file that says to be of another version. */
function withFormat(bytes: Uint8Array, format: number): Uint8Array {
  const { metadata, tensors } = readContainer(bytes);
  const document = { ...JSON.parse(metadata.get("rivulet")!), format };
  return writeContainer({ metadata: new Map([...metadata, ["rivulet", JSON.stringify(document)]]), tensors });
}

describe("a detector in a model, refused:", () => {
  const { raw, parameters } = calibrated(PUMP, SPEC);
  const write = (model: Model, spec: DetectorSpec) =>
    createRuntime(parseModel(serializeModel(model.spec, model.tensors, detectorPart(spec, parameters))));

  it.each<[string, () => unknown, string]>([
    [
      "another channel set",
      () => write(PUMP, { ...SPEC, inputs: SPEC.inputs.map((input, c) => ({ ...input, name: `x${c}` })) }),
      'detector.inputs[0].name: found "x0", expected "speed"',
    ],
    [
      "another number of channels",
      () => write(randomF32Model({ inputs: 3, layers: [4], outputs: 3, horizon: 1 }).model, SPEC),
      "detector.inputs: found 4, expected 3 as the model",
    ],
    [
      "another fraction than that of a q15 model",
      () => write(Q15, SPEC),
      "detector.inputs[0].fraction: found 12, expected",
    ],
    [
      "a residual of a model that looks farther ahead",
      () => write({ ...PUMP, spec: { ...PUMP.spec, horizon: 2 } }, SPEC),
      "detector.inputs[0].residual: the model does not forecast this input one step ahead",
    ],
    [
      "a residual of a model where there is none",
      () => parseDetector(serializeDetector(SPEC, parameters)),
      "detector.inputs[0].residual: of a model, and the file holds none",
    ],
    [
      "version 1 with a detector",
      () => parseModel(withFormat(serializeModel(PUMP.spec, PUMP.tensors, detectorPart(SPEC, parameters)), 1)),
      "format: version 1 with a detector, expected 2",
    ],
    [
      "version 2 without one",
      () => parseModel(withFormat(readFileSync("models/pump.safetensors"), 2)),
      "format: version 2 without a detector, expected 1",
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(message);
  });

  it("tokens, which are no readings", () => {
    const { model } = randomF32Model({ inputs: 1, layers: [4], outputs: 1, embedding: { vocabulary: 5, size: 2 } });
    const one = { ...SPEC, inputs: [{ name: model.spec.inputs[0]!.name, fraction: 0 }] };
    const alone = calibrate([raw[0]!], { rate: 0.001 });
    const bytes = serializeModel(model.spec, model.tensors, detectorPart(one, alone));
    expect(() => createRuntime(parseModel(bytes))).toThrow(
      "detector: the model takes tokens, which no detector watches",
    );
  });

  it("test vectors of a detector alone that do not come out", () => {
    const spec = { ...SPEC, inputs: [{ name: "speed", fraction: 12 }] };
    const own = calibrate([raw[0]!], { rate: 0.001 });
    const vectors = testAlone([raw[0]!], own);
    const passed = parseDetector(serializeDetector(spec, own, vectors));
    expect(runDetectorTest(passed)).toEqual({ rows: 120, passed: true });
    const alarms = vectors.alarms.map((value, i) => (i === 5 ? 1 - value : value));
    expect(runDetectorTest(parseDetector(serializeDetector(spec, own, { ...vectors, alarms })))?.passed).toBe(false);
  });
});
