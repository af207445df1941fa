import type { Model } from "../../host/model/types.ts";
import { checkActivations, type QuantizedModel, quantizeModel, type Range } from "../../host/quantize/quantize.ts";
import { createRuntime, loadModel } from "../../host/runtime/index.ts";
import { alignColumns } from "../columns.ts";
import { CliError, UsageError } from "../errors.ts";
import { checkWritable, openInput, readModel, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines, printableJson } from "../print.ts";
import { quantizeCalibrated } from "../quantize/calibrated.ts";
import { Comparison } from "../quantize/compare.ts";
import { chooseRanges, parseRanges, RangeFinder, type RangeMethod, type RangeSource } from "../quantize/ranges.ts";
import { checkReportArgs, measureReport, type ReportArgs } from "../quantize/report/command.ts";
import { reportHtml } from "../quantize/report/html.ts";
import { reportJson, stepsToSee } from "../quantize/report/measure.ts";
import { formatReport } from "../quantize/report/text.ts";
import { SegmentKeeper, sampleLimit } from "../quantize/segments.ts";
import { serializeWithSelftest } from "../quantize/selftest.ts";
import { type OnSample, SampleReader } from "../samples/reader.ts";

export interface QuantizeArgs extends ReportArgs {
  readonly model: string;
  readonly output: string;
  /** File with samples. */
  readonly calibrate?: string;
  /** `name=min:max` each. */
  readonly range?: readonly string[];
  readonly margin: number;
  /** Where ranges come from; by default the least and greatest value of the samples. */
  readonly ranges?: RangeSource;
  /** Rounds weights to nearest, without regard to the samples. */
  readonly plain?: boolean;
}

/** Residuals of the q15 model are others, and so are its detector's scales and test vectors. */
const DETECTOR_LEFT = "the detector is left out: give the q15 model one of its own with rivulet calibrate";

/**
 * Writes the q15 form of an f32 model, with exact test vectors, and tells what it costs in accuracy. Calibration data is read three
 * times: for the ranges, for the weights, and to compare.
 *
 * @throws {CliError} when an input's range is not known
 */
export async function runQuantize(args: QuantizeArgs, io: Io): Promise<void> {
  if (args.calibrate === "-") throw new UsageError("--calibrate: Expected a file; standard input cannot be read twice");
  if (args.ranges !== undefined && args.ranges !== "model" && args.calibrate === undefined) {
    throw new UsageError(`--ranges ${args.ranges}: Expected samples to choose from with --calibrate FILE`);
  }
  checkReportArgs(args);
  await checkWritable(args.output);
  if (args.report !== undefined) await checkWritable(args.report);
  const model = await readModel(args.model, { verify: true });
  if (model.spec.numeric !== "f32") throw new CliError(`${args.model}: Model is ${model.spec.numeric}, expected f32`);
  withoutFault(() => checkActivations(model));
  const given = parseRanges(args.range ?? [], model.spec.inputs);
  const calibration = await calibrate(args, model, io);
  // A token has no range.
  const ranges = model.spec.embedding
    ? []
    : chooseRanges(model.spec.inputs, {
        given,
        calibration,
        margin: args.margin,
        source: args.ranges ?? "minmax",
        offsets: model.tensors.get("input.offset")?.data,
      });

  const samples = await keepSamples(args, { model, count: calibration?.count ?? 0, io });
  const sums = args.ranges === undefined || args.ranges === "model" ? "minmax" : args.ranges;
  const { notes, ...parts } = quantize(model, ranges, samples, sums);
  const bytes = serializeWithSelftest(parts, model);
  const quantized = await loadModel(bytes);
  const comparison = await compare(args, model, quantized, io);
  const report = await measureReport(args, { model, quantized }, (path, onSample) =>
    readSamples(path, model, io, onSample),
  );
  await writeFileAtomic(args.output, bytes);
  if (report !== undefined && args.report !== undefined)
    await writeFileAtomic(args.report, Buffer.from(reportHtml(report)));
  if (report !== undefined && args.json === true) {
    io.stdout.write(printableJson(reportJson(report)));
    return;
  }
  const left = model.detector === undefined ? [] : [DETECTOR_LEFT];
  const summary = renderSummary(args, { model, quantized, notes: [...notes, ...left], comparison });
  io.stdout.write(report === undefined ? summary : `${summary}\n${formatReport(report)}`);
}

/** Rounds weights by the samples, or to nearest without any. */
function quantize(
  model: Model,
  ranges: readonly Range[],
  samples: Float64Array | undefined,
  sums: RangeMethod,
): QuantizedModel & { readonly notes: readonly string[] } {
  return withoutFault(() => {
    if (samples === undefined) return { ...quantizeModel(model, { ranges }), notes: [] };
    return quantizeCalibrated(model, { samples, ranges, sums, scale: "error", correctBias: true, compensate: true });
  });
}

/** Weights or activations that do not fit are the model's fault, not the program's. */
function withoutFault<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof RangeError) throw new CliError(cause.message, { cause });
    throw cause;
  }
}

/** Reads the calibration data once more and keeps what the weights are calibrated with: never the last fifth, which a report holds out. */
async function keepSamples(
  args: QuantizeArgs,
  { model, count, io }: { readonly model: Model; readonly count: number; readonly io: Io },
): Promise<Float64Array | undefined> {
  if (args.calibrate === undefined || args.plain === true) return undefined;
  let weights = 0;
  for (const { data } of model.tensors.values()) weights += data.length;
  const keeper = new SegmentKeeper(model.spec.inputs.length, stepsToSee(count), sampleLimit(weights));
  await readSamples(args.calibrate, model, io, (sample) => keeper.observe(sample));
  return keeper.samples;
}

async function calibrate(args: QuantizeArgs, model: Model, io: Io): Promise<RangeFinder | undefined> {
  if (args.calibrate === undefined) return undefined;
  const finder = new RangeFinder(model.spec.inputs.length);
  const vocabulary = model.spec.embedding?.vocabulary ?? 0;
  await readSamples(args.calibrate, model, io, (sample) => {
    finder.observe(sample);
    const [token = 0] = sample;
    if (vocabulary === 0 || (Number.isInteger(token) && token >= 0 && token < vocabulary)) return;
    throw new CliError(
      `${args.calibrate}: Sample ${finder.count} is token ${token}, expected a whole number from 0 to ${vocabulary - 1}`,
    );
  });
  if (finder.count === 0) throw new CliError(`${args.calibrate}: There are no samples`);
  return finder;
}

/** Reads the calibration data again: it may be larger than memory. */
async function compare(args: QuantizeArgs, model: Model, quantized: Model, io: Io): Promise<Comparison | undefined> {
  if (args.calibrate === undefined) return undefined;
  const [exact, rounded] = [createRuntime(model), createRuntime(quantized)];
  const comparison = new Comparison(exact.createSession(), rounded.createSession(), exact.outputSize);
  await readSamples(args.calibrate, model, io, (sample) => comparison.observe(sample));
  return comparison;
}

async function readSamples(path: string, model: Model, io: Io, onSample: OnSample): Promise<void> {
  const { source, chunks } = openInput(path, io);
  const reader = new SampleReader({ source, inputs: model.spec.inputs.map((input) => input.name) });
  for await (const chunk of chunks) reader.push(chunk, onSample);
  if (io.signal?.aborted) throw new CliError("Stopped before the end; nothing is written");
  reader.end(onSample);
}

interface Outcome {
  readonly model: Model;
  readonly quantized: Model;
  readonly notes: readonly string[];
  readonly comparison: Comparison | undefined;
}

/** What became of the weights. */
function roundingLine(args: QuantizeArgs, notes: readonly string[]): string {
  if (notes.length > 0) return `weights: ${notes.join("; ")}`;
  if (args.calibrate !== undefined) return "weights: rounded to nearest";
  return "weights: rounded to nearest; nothing was calibrated, give typical samples with --calibrate FILE";
}

function renderSummary(args: QuantizeArgs, { model, quantized, notes, comparison }: Outcome): string {
  const ratio = (100 * quantized.bytes) / model.bytes;
  const lines = [
    `${args.output}: ${quantized.id}, ${quantized.bytes} bytes (f32: ${model.bytes}, ${ratio.toFixed(0)} %)`,
    quantized.spec.selftest
      ? `self-test: ${quantized.spec.selftest.steps} steps, exact`
      : "self-test: none, the f32 model has none",
    roundingLine(args, notes),
  ];
  if (comparison !== undefined) {
    const short = (value: number) => value.toPrecision(3);
    const percent = (value: number, span: number) => (span > 0 ? `${((100 * value) / span).toFixed(3)} %` : "");
    lines.push(`error of q15 against f32 over ${comparison.count} samples (in % of the output's range):`);
    const rows = comparison.errors.map(({ max, rms, span }, i) => {
      const { name, unit = "" } = model.spec.outputs[i] as { name: string; unit?: string };
      return [
        `  ${name}`,
        `max ${short(max)} ${unit}`,
        percent(max, span),
        `rms ${short(rms)} ${unit}`,
        percent(rms, span),
      ];
    });
    lines.push(...alignColumns(rows));
  }
  return joinLines(lines);
}
