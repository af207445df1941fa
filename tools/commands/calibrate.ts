import path from "node:path";
import { LEAST_ROWS } from "../../host/detect/calibrate.ts";
import { MAX_CHANNELS } from "../../host/detect/document.ts";
import { parseDetector } from "../../host/detect/file.ts";
import { parseModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { numericColumns } from "../detect/columns.ts";
import { makeDetector } from "../detect/make.ts";
import { LEAST_SKILL, Predictor, type ResidualChoice } from "../detect/model.ts";
import { chooseInterval, choosePeriod } from "../detect/pace.ts";
import { readTraining, type Training } from "../detect/training.ts";
import { checkConstant, describeWeaknesses } from "../detect/weaknesses.ts";
import { CliError, UsageError } from "../errors.ts";
import { checkWritable, readModel, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";

/** Arguments and flags of `rivulet calibrate`. */
export interface CalibrateArgs {
  /** A model that is to hold the detector; without one the detector stands alone. */
  readonly model?: string;
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

/**
 * Makes a detector from readings of healthy operation: no labels and no threshold to choose. With a model, the file is the model's,
 * and residuals are of the model where it predicts better than the last eight readings do.
 *
 * @throws {CliError} when the data are too few or too odd; nothing is written then
 */
export async function runCalibrate(args: CalibrateArgs, io: Io): Promise<void> {
  await checkWritable(args.output);
  const model = args.model === undefined ? undefined : await readWatchable(args.model, args);
  const inputs = model ? model.spec.inputs.map(({ name }) => name) : chooseInputs(args);
  const predictor = model && new Predictor(model);
  const source = { file: args.data, inputs, time: args.time, hasDecimalComma: args.decimalComma === true };
  const training = await readTraining(source, io, predictor);
  const interval = chooseInterval(args, training.interval, model?.spec.interval);
  const period = choosePeriod(args, interval, training.columns[0]?.length ?? 0);
  checkRows(args.data, training, period, interval);
  checkConstant(args.data, inputs, training.columns);
  const { bytes, choices } = makeDetector(
    {
      inputs,
      columns: training.columns,
      residuals: training.residuals,
      times: training.times,
      interval,
      period,
      alarmsPerWeek: args.alarmsPerWeek,
      name: nameOf(args, model),
      data: path.basename(args.data),
    },
    model,
  );
  const { id } = model ? parseModel(bytes) : parseDetector(bytes);
  await writeFileAtomic(args.output, bytes);
  const seconds = `${Number(interval.toPrecision(4))} s`;
  const warnings = inputs.flatMap((name, c) => describeWeaknesses(name, training.columns[c] as Float64Array));
  io.stdout.write(
    joinLines([
      `${args.output}: ${id}, ${bytes.length} bytes`,
      `channels: ${inputs.join(", ")}`,
      ...(model ? [`residuals: ${inputs.map((name, c) => `${name} ${describeChoice(choices[c])}`).join("; ")}`] : []),
      `rows: ${training.rows}, one every ${seconds}; ${args.alarmsPerWeek} false ${args.alarmsPerWeek === 1 ? "alarm" : "alarms"} a week accepted`,
      period === undefined ? "period: none" : `period: ${period} rows`,
      ...warnings.map((warning) => `warning: ${warning}`),
    ]),
  );
}

/** Reads a model that a detector can be put into. */
async function readWatchable(file: string, { inputs, name }: CalibrateArgs): Promise<Model> {
  if (inputs !== undefined) throw new UsageError("--inputs: A detector in a model watches all inputs of the model");
  if (name !== undefined) throw new UsageError("--name: A detector in a model has the model's name");
  const model = await readModel(file, { verify: true });
  if (model.spec.embedding) throw new CliError(`${file}: The model takes tokens; a detector watches readings`);
  const count = model.spec.inputs.length;
  if (count > MAX_CHANNELS) {
    throw new CliError(`${file}: The model has ${count} inputs; a detector watches at most ${MAX_CHANNELS}`);
  }
  return model;
}

function chooseInputs({ inputs, data, time, decimalComma }: CalibrateArgs): string[] {
  const names = inputs?.split(",").map((name) => name.trim()) ?? numericColumns(data, time, decimalComma === true);
  if (new Set(names).size < names.length) throw new UsageError("--inputs: A name stands twice");
  if (names.length <= MAX_CHANNELS) return names;
  throw new CliError(
    `${data}: ${names.length} columns hold numbers, at most ${MAX_CHANNELS} can be watched; choose with --inputs`,
  );
}

function checkRows(data: string, { rows }: Training, period: number | undefined, interval: number): void {
  const least = Math.max(LEAST_ROWS, 2 * (period ?? 0));
  if (rows >= least) return;
  const reason = least > LEAST_ROWS ? ` for two periods of ${period} rows` : "";
  const days = (least * interval) / 86400;
  const span = days >= 1 ? `${Number(days.toPrecision(3))} days` : `${Number((least * interval).toPrecision(4))} s`;
  throw new CliError(
    `${data}: ${rows} rows, at least ${least} are needed${reason}: ${span} at one every ${interval} s`,
  );
}

function describeChoice(choice: ResidualChoice | undefined): string {
  if (choice?.skill === undefined) return "AR(8), the model does not predict it one step ahead";
  const error = `its error is ${(100 * (1 - choice.skill)).toFixed(0)} % of that of AR(8)`;
  if (choice.residuals !== undefined) return `of the model, ${error}`;
  return `AR(8), for the model has no skill of ${LEAST_SKILL}: ${error}`;
}

function nameOf({ name, output }: CalibrateArgs, model: Model | undefined): string {
  if (model !== undefined) return model.spec.name;
  const stem = path.basename(output).replace(/\.[^.]+$/, "");
  return name ?? (stem.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "detector");
}
