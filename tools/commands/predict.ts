import { once } from "node:events";
import { SnapshotError } from "../../host/model/errors.ts";
import type { Numeric } from "../../host/model/types.ts";
import { createRuntime, type Session, type Windows } from "../../host/runtime/index.ts";
import { formatNumber } from "../../host/stream/format.ts";
import { CliError } from "../errors.ts";
import { checkWritable, openInput, readFileIfExists, readModel, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { modelInNumeric } from "../numeric.ts";
import { joinLines } from "../print.ts";
import { SampleReader } from "../samples/reader.ts";

export interface PredictArgs {
  readonly model: string;
  /** File with samples, or `-` for standard input. */
  readonly file: string;
  readonly numeric?: Numeric;
  readonly format: "auto" | "ndjson" | "csv";
  readonly state?: string;
  /** The state is zeroed after as many samples. */
  readonly resetEvery?: number;
  /** Each sample is answered as the last of a window of as many samples. */
  readonly overlap?: number;
  readonly simd: boolean;
  readonly verify: boolean;
  /** Lines hold what was predicted for the sample and the residual, too. */
  readonly residuals?: boolean;
  /** CSV: numbers are written as `21,5`. */
  readonly decimalComma?: boolean;
  /** Bad rows are skipped and counted; otherwise the first one ends the command. */
  readonly skipBad?: boolean;
}

/**
 * Writes one line of JSON, the prediction, for every sample as it arrives.
 *
 * The state file always belongs to the predictions that were written: it is saved at the end of the input, before a bad row
 * and when the user stops.
 *
 * @throws {CliError} at the first bad row, unless these are skipped, after the predictions of the rows before it were written
 */
export async function runPredict(args: PredictArgs, io: Io): Promise<void> {
  const model = await readModel(args.model, { verify: args.verify });
  const runtime = createRuntime(modelInNumeric(model, args.numeric), args.simd ? {} : { simd: false });
  const session = runtime.createSession(windowsOf(args));
  if (args.state !== undefined) {
    await checkWritable(args.state);
    await restoreState(session, args.state);
  }

  const { source, chunks } = openInput(args.file, io);
  const inputs = model.spec.inputs.map((input) => input.name);
  const bad = { rows: 0, first: "" };
  const onBadRow = (error: CliError, rows: number) => {
    if (bad.rows === 0) bad.first = error.message;
    bad.rows += rows;
  };
  const reader = new SampleReader({
    source,
    inputs,
    format: args.format === "auto" ? undefined : args.format,
    hasDecimalComma: args.decimalComma === true,
    ...(args.skipBad === true && { onBadRow }),
  });
  let lines = "";
  const onSample = (sample: Float64Array) => {
    const prediction = formatNumbers(session.step(sample), runtime.numeric);
    lines += args.residuals === true ? withResiduals(prediction, session, runtime.numeric) : `${prediction}\n`;
  };
  const flush = async () => {
    const hasRoom = lines === "" || io.stdout.write(lines);
    lines = "";
    if (!hasRoom) await waitForDrain(io);
  };

  let badRow: CliError | undefined;
  try {
    for await (const chunk of chunks) {
      reader.push(chunk, onSample);
      await flush();
    }
    // Stopped in the middle of a line, that line is not a bad row.
    if (!io.signal?.aborted) reader.end(onSample);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    badRow = error;
  }
  await flush();
  if (args.state !== undefined) await writeFileAtomic(args.state, session.snapshot());
  if (bad.rows > 0) {
    io.stderr.write(joinLines([`${bad.rows} bad ${bad.rows === 1 ? "row" : "rows"} skipped; the first: ${bad.first}`]));
  }
  if (badRow !== undefined) throw badRow;
}

function windowsOf({ resetEvery, overlap }: PredictArgs): Windows | undefined {
  if (resetEvery !== undefined) return { reset: { every: resetEvery } };
  return overlap === undefined ? undefined : { overlap: { window: overlap } };
}

function formatNumbers(values: ArrayLike<number | null>, numeric: Numeric): string {
  const text = (value: number | null) => (value === null ? "null" : formatNumber(value, numeric));
  let all = `[${text(values[0] as number | null)}`;
  for (let i = 1; i < values.length; i++) all += `,${text(values[i] as number | null)}`;
  return `${all}]`;
}

function withResiduals(prediction: string, { expected, residual }: Session, numeric: Numeric): string {
  const [was, rest] = [formatNumbers(expected, numeric), formatNumbers(residual, numeric)];
  return `{"prediction":${prediction},"expected":${was},"residual":${rest}}\n`;
}

async function restoreState(session: Session, path: string): Promise<void> {
  const snapshot = readFileIfExists(path);
  if (snapshot === undefined) return;
  try {
    session.restore(snapshot);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    throw new CliError(`${path}: ${error.message}; to begin anew, name another file`, { cause: error });
  }
}

async function waitForDrain({ stdout, signal }: Io): Promise<void> {
  try {
    await once(stdout, "drain", signal === undefined ? {} : { signal });
  } catch (error) {
    // Nobody reads any more; the input ends at its next chunk.
    if (!signal?.aborted) throw error;
  }
}
