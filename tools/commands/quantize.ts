import { createRuntime, loadModel, type QuantizedModel, quantizeModel, type Range } from "../../host/runtime/index.ts";
import type { Model } from "../../host/runtime/types.ts";
import { CliError, UsageError } from "../errors.ts";
import { checkWritable, openInput, readModel, writeFileAtomic } from "../files.ts";
import { alignColumns } from "../inspect/text.ts";
import type { Io } from "../io.ts";
import { Comparison } from "../quantize/compare.ts";
import { chooseRanges, parseRanges, RangeFinder } from "../quantize/ranges.ts";
import { serializeWithSelftest } from "../quantize/selftest.ts";
import { type OnSample, SampleReader } from "../samples/reader.ts";

export interface QuantizeArgs {
  readonly model: string;
  readonly output: string;
  /** File with samples. */
  readonly calibrate?: string;
  /** `name=min:max` each. */
  readonly range?: readonly string[];
  readonly margin: number;
}

/**
 * Writes the q15 form of an f32 model, with exact test vectors, and tells what it costs in accuracy.
 *
 * @throws {CliError} when an input's range is not known
 */
export async function runQuantize(args: QuantizeArgs, io: Io): Promise<void> {
  if (args.calibrate === "-") throw new UsageError("--calibrate: Expected a file; standard input cannot be read twice");
  await checkWritable(args.output);
  const model = await readModel(args.model, { verify: true });
  if (model.spec.numeric !== "f32") throw new CliError(`${args.model}: Model is ${model.spec.numeric}, expected f32`);
  const given = parseRanges(args.range ?? [], model.spec.inputs);
  const calibration = await calibrate(args, model, io);
  // A token has no range.
  const ranges = model.spec.embedding
    ? []
    : chooseRanges(model.spec.inputs, { given, calibration, margin: args.margin });

  const bytes = serializeWithSelftest(quantize(model, ranges), model);
  const quantized = await loadModel(bytes);
  const comparison = await compare(args, model, quantized, io);
  await writeFileAtomic(args.output, bytes);
  io.stdout.write(renderSummary(args, model, quantized, comparison));
}

function quantize(model: Model, ranges: readonly Range[]): QuantizedModel {
  try {
    return quantizeModel(model, { ranges });
  } catch (cause) {
    // Weights that do not fit: the model's fault, not the program's.
    if (cause instanceof RangeError) throw new CliError(cause.message, { cause });
    throw cause;
  }
}

async function calibrate(args: QuantizeArgs, model: Model, io: Io): Promise<RangeFinder | undefined> {
  if (args.calibrate === undefined) return undefined;
  const finder = new RangeFinder(model.spec.inputs.length);
  await readSamples(args.calibrate, model, io, (sample) => finder.observe(sample));
  if (finder.count === 0) throw new CliError(`${args.calibrate}: There are no samples`);
  return finder;
}

/** Reads the calibration data a second time: it may be larger than memory. */
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

function renderSummary(args: QuantizeArgs, model: Model, quantized: Model, comparison: Comparison | undefined): string {
  const ratio = (100 * quantized.bytes) / model.bytes;
  const lines = [
    `${args.output}: ${quantized.id}, ${quantized.bytes} bytes (f32: ${model.bytes}, ${ratio.toFixed(0)} %)`,
    quantized.spec.selftest
      ? `self-test: ${quantized.spec.selftest.steps} steps, exact`
      : "self-test: none, the f32 model has none",
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
  return `${lines.join("\n")}\n`;
}
