import { SampleError, SnapshotError } from "../../host/model/errors.ts";
import { forecastsOf, ringBytes } from "../../host/model/forecasts.ts";
import type { Model, ModelSpec } from "../../host/model/types.ts";
import type { Runtime } from "../../host/runtime/runtime.ts";
import type { Session } from "../../host/runtime/session.ts";

/** What a fake runtime is told; the rest of the model's document is filled in. */
export interface FakeRuntimeOptions {
  readonly inputs?: readonly string[];
  readonly outputs?: ModelSpec["outputs"];
  readonly horizon?: number;
  /** 64 hexadecimal digits; another hash is another model. */
  readonly hash?: string;
  /** Greatest magnitude of a value that it takes. */
  readonly limit?: number;
}

/**
 * A runtime without kernels, for tests of the host: its state is a fold that depends on the order of samples, in single
 * precision, so that a lost, repeated or swapped sample changes every later prediction. Every output predicts the same.
 */
export function createFakeRuntime(options: FakeRuntimeOptions = {}): Runtime & { readonly sessionCount: number } {
  const { inputs = ["speed", "pressure"], horizon = 1, hash = "a".repeat(64), limit = Number.MAX_VALUE } = options;
  const outputs = options.outputs ?? inputs.map((name) => ({ name: `next ${name}`, forecasts: name }));
  const spec: ModelSpec = {
    format: 1,
    name: "fake",
    numeric: "f32",
    inputs: inputs.map((name) => ({ name })),
    outputs,
    horizon,
    layers: [],
    warmup: 0,
  };
  const model: Model = { spec, tensors: new Map(), hash, id: `fake@${hash.slice(0, 8)}`, bytes: 0 };
  let sessionCount = 0;
  return {
    model,
    numeric: "f32",
    simd: false,
    inputSize: inputs.length,
    outputSize: outputs.length,
    stateBytes: 4 + ringBytes(spec),
    get sessionCount() {
      return sessionCount;
    },
    createSession() {
      sessionCount++;
      return createFakeSession(model, limit, () => sessionCount--);
    },
  };
}

function createFakeSession({ spec, hash }: Model, limit: number, onRelease: () => void): Session {
  const inputSize = spec.inputs.length;
  const forecasts = forecastsOf(spec);
  const state = new Float32Array(1);
  const prediction = new Float64Array(spec.outputs.length);
  /** The predictions so far, the latest `horizon` of them. */
  let predicted: number[] = [];
  let latest: { readonly sample: readonly number[]; readonly expected: number } | undefined;
  const step = (sample: ArrayLike<number>) => {
    if (sample.length !== inputSize || !Array.from(sample).every((value) => Math.abs(value) <= limit)) {
      throw new SampleError("Sample has a value that is not finite");
    }
    for (const value of Array.from(sample)) state[0] = Math.fround(0.75 * (state[0] as number) + value);
    const due = predicted.length === spec.horizon ? predicted.shift() : undefined;
    latest = due === undefined ? undefined : { sample: Array.from(sample, Math.fround), expected: due };
    predicted.push(state[0] as number);
    return prediction.fill(state[0] as number);
  };
  const perOutput = (value: (input: number, known: NonNullable<typeof latest>) => number) =>
    spec.outputs.map((_, output) => {
      const forecast = forecasts.find((found) => found.output === output);
      return forecast && latest ? value(forecast.input, latest) : null;
    });
  return {
    step,
    anomaly: undefined,
    get expected() {
      return perOutput((_, { expected }) => expected);
    },
    get residual() {
      return perOutput((input, { sample, expected }) => Math.fround((sample[input] as number) - expected));
    },
    run(samples) {
      const rows = Array.from({ length: samples.length / inputSize }, (_, t) =>
        Array.from(step(Array.from(samples).slice(t * inputSize, (t + 1) * inputSize))),
      );
      return Float64Array.from(rows.flat());
    },
    reset() {
      state[0] = 0;
      predicted = [];
      latest = undefined;
    },
    snapshot: () =>
      Buffer.concat(
        [Buffer.from(hash.slice(0, 32), "hex"), Float32Array.of(spec.horizon, state[0] as number, ...predicted)].map(
          (part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength),
        ),
      ),
    restore(bytes) {
      const copy = Buffer.from(bytes);
      if (copy.toString("hex", 0, 16) !== hash.slice(0, 32)) throw new SnapshotError("Snapshot is of another model");
      const [horizon, first = 0, ...rest] = Array.from({ length: (copy.length - 16) / 4 }, (_, i) =>
        copy.readFloatLE(16 + 4 * i),
      );
      if (horizon !== spec.horizon) throw new SnapshotError("Snapshot is of another model");
      state[0] = first;
      predicted = rest;
      latest = undefined;
    },
    release: onRelease,
  };
}
