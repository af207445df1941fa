// What `rivulet quantize` does for --report, --json and --held-out.

import { SampleError } from "../../../host/model/errors.ts";
import type { Model } from "../../../host/model/types.ts";
import { CliError, UsageError } from "../../errors.ts";
import type { OnSample } from "../../samples/reader.ts";
import { report, splitHeldOut } from "./measure.ts";
import type { QuantizationReport } from "./types.ts";

export interface ReportArgs {
  readonly calibrate?: string;
  /** HTML file to write. */
  readonly report?: string;
  /** Prints the report as JSON, and nothing else. */
  readonly json?: boolean;
  /** File with samples that the quantizer does not see. */
  readonly heldOut?: string;
}

/** The most values of samples that a report is measured on, from the start of each file: 32 MB. */
const MAX_VALUES = 2 ** 22;

/** Hands every sample of a file to `onSample`. */
export type ReadSamples = (path: string, onSample: OnSample) => Promise<void>;

/** Whether any option asks for a report. */
const wantsReport = ({ report, json, heldOut }: ReportArgs): boolean =>
  report !== undefined || json === true || heldOut !== undefined;

/**
 * Refuses options that a report cannot be made with.
 *
 * @throws {UsageError} when there is no calibration data, or the held-out data is standard input
 */
export function checkReportArgs(args: ReportArgs): void {
  if (!wantsReport(args)) return;
  if (args.heldOut === "-") throw new UsageError("--held-out: Expected a file, not standard input");
  if (args.calibrate !== undefined) return;
  const option = args.report !== undefined ? "--report" : args.json ? "--json" : "--held-out";
  throw new UsageError(`${option}: Expected samples to measure with, give them with --calibrate FILE`);
}

/**
 * Measures the report that the options ask for; without held-out data, the last fifth of the calibration data is told apart.
 *
 * @throws {CliError} when a file has no samples, or ones that the model does not take
 */
export async function measureReport(
  args: ReportArgs,
  { model, quantized }: { readonly model: Model; readonly quantized: Model },
  read: ReadSamples,
): Promise<QuantizationReport | undefined> {
  if (!wantsReport(args) || args.calibrate === undefined) return undefined;
  const width = model.spec.inputs.length;
  const seen = await collect(args.calibrate, width, read);
  const heldOut = args.heldOut === undefined ? undefined : await collect(args.heldOut, width, read);
  try {
    if (heldOut !== undefined) return report(model, quantized, seen, heldOut, { heldOutSource: "file" });
    if (seen.length < 2 * width) {
      throw new CliError(`${args.calibrate}: There is one sample, a report needs two; give more, or --held-out FILE`);
    }
    const parts = splitHeldOut(seen, width);
    return report(model, quantized, parts.calibration, parts.heldOut, { heldOutSource: "tail" });
  } catch (cause) {
    if (cause instanceof SampleError)
      throw new CliError(`${args.heldOut ?? args.calibrate}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** The samples of a file, f64[T][I]. */
async function collect(path: string, width: number, read: ReadSamples): Promise<Float64Array> {
  const limit = Math.max(2, Math.floor(MAX_VALUES / width)) * width;
  let values = new Float64Array(Math.min(limit, 1024 * width));
  let length = 0;
  await read(path, (sample) => {
    if (length === limit) return;
    if (length === values.length) {
      const larger = new Float64Array(Math.min(limit, 2 * length));
      larger.set(values);
      values = larger;
    }
    values.set(sample, length);
    length += width;
  });
  if (length === 0) throw new CliError(`${path}: There are no samples`);
  return values.subarray(0, length);
}
