import path from "node:path";
import { calibrate, LEAST_ROWS } from "../../host/detect/calibrate.ts";
import { parseDetector, serializeDetector } from "../../host/detect/file.ts";
import { fractionFor } from "../../host/detect/real.ts";
import { rawOf } from "../../host/model/integers.ts";
import { version } from "../../package.json";
import { numericColumns } from "../detect/columns.ts";
import { describeWeaknesses, MAX_ROWS, readTraining, type Training } from "../detect/training.ts";
import { CliError, UsageError } from "../errors.ts";
import { checkWritable, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";

/** Arguments and flags of `rivulet calibrate`. */
export interface CalibrateArgs {
  /** Readings of healthy operation. */
  readonly data: string;
  readonly output: string;
  /** False alarms a week that are accepted. */
  readonly alarmsPerWeek: number;
  /** Columns to watch, separated by commas; all numbers by default. */
  readonly inputs?: string;
  /** Column of the time. */
  readonly time?: string;
  /** Seconds between two rows; by default what the times say. */
  readonly interval?: number;
  /** `auto`, `none`, `day`, `week` or rows. */
  readonly period: string;
  readonly name?: string;
  readonly decimalComma?: boolean;
}

const WEEK_S = 7 * 86400;
const PERIODS: Readonly<Record<string, number>> = { day: 86400, week: WEEK_S };

/**
 * Makes a detector from readings of healthy operation: no labels, no model, no threshold to choose.
 *
 * @throws {CliError} when the data are too few or too odd; nothing is written then
 */
export async function runCalibrate(args: CalibrateArgs, io: Io): Promise<void> {
  await checkWritable(args.output);
  const hasDecimalComma = args.decimalComma === true;
  const inputs =
    args.inputs?.split(",").map((name) => name.trim()) ?? numericColumns(args.data, args.time, hasDecimalComma);
  if (new Set(inputs).size < inputs.length) throw new UsageError("--inputs: A name stands twice");
  const training = await readTraining({ file: args.data, inputs, time: args.time, hasDecimalComma }, io);
  const interval = chooseInterval(args, training);
  const period = choosePeriod(args.period, interval, training.columns[0]?.length ?? 0);
  const least = Math.max(LEAST_ROWS, 2 * (period ?? 0));
  if (training.rows < least) throw new CliError(`${args.data}: ${training.rows} rows, at least ${least} are needed`);
  const fractions = training.columns.map(fractionFor);
  const raw = training.columns.map((values, c) => values.map((value) => rawOf(value, fractions[c] as number)));
  const rate = (args.alarmsPerWeek * interval) / WEEK_S;
  const parameters = calibrate(raw, { rate, ...(period !== undefined && { period }) });
  const stem = path.basename(args.output).replace(/\.[^.]+$/, "");
  const bytes = serializeDetector(
    {
      name: args.name ?? (stem.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "detector"),
      inputs: inputs.map((name, c) => ({ name, fraction: fractions[c] as number })),
      interval,
      alarmsPerWeek: args.alarmsPerWeek,
      rows: Math.min(training.rows, MAX_ROWS),
      provenance: { data: path.basename(args.data), calibrated_by: `rivulet ${version}` },
    },
    parameters,
  );
  await writeFileAtomic(args.output, bytes);
  const seconds = `${Number(interval.toPrecision(4))} s`;
  const lines = [
    `${args.output}: ${parseDetector(bytes).id}, ${bytes.length} bytes`,
    `channels: ${inputs.join(", ")}`,
    `rows: ${training.rows}, one every ${seconds}; ${args.alarmsPerWeek} false ${args.alarmsPerWeek === 1 ? "alarm" : "alarms"} a week accepted`,
    period === undefined ? "period: none" : `period: ${period} rows`,
    ...weaknessesOf(inputs, training).map((weakness) => `warning: ${weakness}`),
  ];
  io.stdout.write(joinLines(lines));
}

const weaknessesOf = (inputs: readonly string[], { columns }: Training): string[] =>
  inputs.flatMap((name, c) => describeWeaknesses(name, columns[c] as Float64Array));

function chooseInterval({ interval, data, time }: CalibrateArgs, training: Training): number {
  const found = training.interval;
  if (interval !== undefined) {
    if (found !== undefined && (interval < found / 1.5 || interval > found * 1.5)) {
      throw new CliError(`${data}: --interval is ${interval} s, the times say ${found} s`);
    }
    return interval;
  }
  if (found !== undefined) return found;
  const hint = time === undefined ? "name the column of the time with --time, or" : "the times do not tell it;";
  throw new UsageError(`How far rows are apart is not known: ${hint} give --interval SECONDS`);
}

/** The period in rows, where it fits twice into the data. */
function choosePeriod(text: string, interval: number, rows: number): number | undefined {
  if (text === "none") return undefined;
  const given = PERIODS[text] === undefined ? Number(text) : Math.round((PERIODS[text] as number) / interval);
  if (text !== "auto") {
    if (!Number.isInteger(given) || given < 2) {
      throw new UsageError(`--period: Found ${text}, expected auto, none, day, week or a number of rows, 2 at least`);
    }
    return given;
  }
  const day = Math.round(86400 / interval);
  return day > 3 && 2 * day <= rows ? day : undefined;
}
