// `node dist/bench-quantize.js [FILE]`: what each step of calibrated quantization buys, on random models, on the demo model and, given the
// CSV file of machine temperatures, on that model. Calibrated on the first half, measured on the second; errors against f32.

import { Q15_UNIT } from "../../host/model/integers.ts";
import { networkOf } from "../../host/model/network.ts";
import type { Model } from "../../host/model/types.ts";
import { quantizeModel, type Range } from "../../host/quantize/quantize.ts";
import { parseModel, serializeModel } from "../../host/runtime/index.ts";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { alignColumns } from "../columns.ts";
import { createPump } from "../demo/pump.ts";
import { openInput, readModel } from "../files.ts";
import type { Io } from "../io.ts";
import { type CalibrateOptions, quantizeCalibrated } from "../quantize/calibrated.ts";
import { mulberry32 } from "../random.ts";
import { SampleReader } from "../samples/reader.ts";
import { gruModel } from "./models.ts";

/** The most samples that calibrate, as in the command. */
const CALIBRATION = 8192;

type Steps = Pick<CalibrateOptions, "sums" | "scale" | "correctBias" | "compensate">;

const STEPS: readonly (readonly [string, Steps | undefined])[] = [
  ["plain", undefined],
  ["+scale", { sums: "bound", scale: "error", correctBias: false, compensate: false }],
  ["+bias", { sums: "bound", scale: "error", correctBias: true, compensate: false }],
  ["+compensation", { sums: "bound", scale: "error", correctBias: true, compensate: true }],
  ["+sums by minmax", { sums: "minmax", scale: "error", correctBias: true, compensate: true }],
  ["+sums by percentile", { sums: "percentile", scale: "error", correctBias: true, compensate: true }],
  ["+sums by error", { sums: "error", scale: "error", correctBias: true, compensate: true }],
  ["compensation only", { sums: "bound", scale: "max", correctBias: false, compensate: true }],
];

interface Measured {
  /** rms error of the hidden states; 1 is full scale. */
  readonly state: number;
  /** Worst rms error of an output, as a part of that output's range. */
  readonly output: number;
  /** Greatest relative growth of an output's mean absolute one-step error; NaN without forecasts. */
  readonly added: number;
}

function quantized(model: Model, samples: Float64Array, ranges: readonly Range[], steps: Steps | undefined): Model {
  const { spec, tensors } = steps
    ? quantizeCalibrated(model, { samples, ranges, ...steps })
    : quantizeModel(model, { ranges });
  return parseModel(serializeModel(spec, tensors));
}

/** Runs both forms over samples [T·I]. */
function measure(model: Model, q15: Model, samples: Float64Array): Measured {
  const [f, q] = [createRuntime(model).createSession(), createRuntime(q15).createSession()];
  const { inputs, outputs } = model.spec;
  const { layers, skip } = networkOf(model.spec);
  const I = inputs.length;
  const H = layers[0]?.size ?? 0;
  const window = skip?.w.columns ?? 0;
  const block = (bytes: Uint8Array) => bytes.slice(28, -4).buffer;
  const aligned = (bytes: number) => Math.ceil(bytes / 16) * 16;
  const found = outputs.map(() => ({ squares: 0, least: Infinity, greatest: -Infinity, exact: 0, rounded: 0 }));
  let squares = 0;
  const count = samples.length / I;
  for (let t = 0; t < count; t++) {
    const sample = samples.subarray(t * I, (t + 1) * I);
    const [wanted, actual] = [f.step(sample), q.step(sample)];
    found.forEach((output, o) => {
      const [value, other] = [wanted[o] as number, actual[o] as number];
      output.squares += (value - other) ** 2;
      output.least = Math.min(output.least, value);
      output.greatest = Math.max(output.greatest, value);
      const input = inputs.findIndex(({ name }) => name === outputs[o]?.forecasts);
      const next = input < 0 || t + 1 === count ? Number.NaN : (samples[(t + 1) * I + input] as number);
      if (Number.isNaN(next)) return;
      output.exact += Math.abs(value - next);
      output.rounded += Math.abs(other - next);
    });
    const exact = new Float32Array(block(f.snapshot()), aligned(4 * window), H);
    const other = new Int16Array(block(q.snapshot()), aligned(2 * window), H);
    for (let j = 0; j < H; j++) squares += ((exact[j] as number) - (other[j] as number) * Q15_UNIT) ** 2 / H;
  }
  return {
    state: Math.sqrt(squares / count),
    output: Math.max(...found.map((o) => Math.sqrt(o.squares / count) / (o.greatest - o.least))),
    added: Math.max(...found.map(({ exact, rounded }) => rounded / exact - 1)),
  };
}

/** Rows of a table: each step's errors on the second half of the samples. */
function rowsOf(name: string, model: Model, samples: Float64Array): string[][] {
  const I = model.spec.inputs.length;
  const half = Math.floor(samples.length / I / 2);
  const known = samples.subarray(0, Math.min(half, CALIBRATION) * I);
  const ranges = model.spec.inputs.map(({ range }): Range => ({ min: range?.[0] ?? -4, max: range?.[1] ?? 4 }));
  return STEPS.map(([step, options]) => {
    const { state, output, added } = measure(
      model,
      quantized(model, known, ranges, options),
      samples.subarray(half * I),
    );
    const percent = (value: number) => (Number.isNaN(value) ? "" : `${(100 * value).toFixed(3)} %`);
    return [name, step, state.toExponential(2), percent(output), percent(added)];
  });
}

/** Inputs as sensors give them: slow waves of their own with a little noise. */
function waves(I: number, steps: number): Float64Array {
  const random = mulberry32(7);
  return Float64Array.from({ length: steps * I }, (_, at) => {
    const [t, i] = [Math.floor(at / I), at % I];
    return 1.5 * Math.sin(t / (3 + 5 * i) + i) + Math.cos(t / 97 + 2 * i) + 0.4 * (random() - 0.5);
  });
}

function noise(I: number, steps: number): Float64Array {
  const random = mulberry32(8);
  return Float64Array.from({ length: steps * I }, () => 6 * random() - 3);
}

async function readColumns(file: string, names: readonly string[], io: Io): Promise<Float64Array> {
  const { source, chunks } = openInput(file, io);
  const reader = new SampleReader({ source, inputs: [...names], format: "csv" });
  const values: number[] = [];
  const onSample = (sample: Float64Array) => void values.push(...sample);
  for await (const chunk of chunks) reader.push(chunk, onSample);
  reader.end(onSample);
  return Float64Array.from(values);
}

const [file] = process.argv.slice(2);
const io: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  isTty: false,
  env: {},
};
const table = [["model", "quantizer", "state rms", "worst output rms", "added MAE"]];
for (const H of [8, 16, 32, 64]) {
  const model = gruModel("f32", 4, H);
  table.push(...rowsOf(`random H=${H}, waves`, model, waves(4, 8000)));
  table.push(...rowsOf(`random H=${H}, noise`, model, noise(4, 8000)));
}
const pump = createPump(5);
table.push(
  ...rowsOf(
    "pump",
    await readModel("models/pump.safetensors", { verify: true }),
    Float64Array.from(Array.from({ length: 16_000 }, () => pump.next()).flat()),
  ),
);
if (file !== undefined) {
  const model = await readModel("models/machine-temperature.safetensors", { verify: true });
  const names = model.spec.inputs.map(({ name }) => name);
  table.push(...rowsOf("machine temperature", model, await readColumns(file, names, io)));
}
console.log(alignColumns(table).join("\n"));
