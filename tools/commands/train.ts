import path from "node:path";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import { UsageError } from "../errors.ts";
import { checkWritable, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines, printableJson } from "../print.ts";
import { type Columns, chooseColumns } from "../train/data/columns.ts";
import { findDataFiles } from "../train/data/files.ts";
import { findPace } from "../train/data/pace.ts";
import { type Data, readData } from "../train/data/read.ts";
import { describeData, describeLearned } from "../train/describe.ts";
import { withDetector, withSelftest } from "../train/finish.ts";
import { type LearnOptions, learnLinear, prepare } from "../train/learn.ts";
import { namesOf, provenanceOf } from "../train/provenance.ts";
import { forecastTask, parseHorizons, regressTask, type Task } from "../train/task.ts";

/** Arguments and flags of `rivulet train`. */
export interface TrainArgs {
  /** Files, folders and patterns. */
  readonly data: readonly string[];
  readonly output: string;
  /** `forecast` or `regress`. */
  readonly task: string;
  readonly horizon: string;
  readonly inputs?: string;
  readonly targets?: string;
  readonly label?: string;
  readonly time?: string;
  readonly device?: string;
  /** Seconds between two rows. */
  readonly interval?: number;
  /** Most missing rows that are filled in. */
  readonly bridge?: number;
  /** Rows of the season. */
  readonly season?: number;
  /** Samples that the linear part sees. */
  readonly skip?: number;
  /** Share of every sequence, its end, that only the skill table sees. */
  readonly heldOut: number;
  readonly alarmsPerWeek: number;
  readonly name?: string;
  readonly skipBad?: boolean;
  readonly decimalComma?: boolean;
  readonly json?: boolean;
}

/**
 * Trains a model with rows of files and writes it with everything that a deployment needs: normalisation, interval, measured warm-up,
 * test vectors, detector, provenance and the table of its skill.
 *
 * @throws {CliError} when the data do not do; nothing is written then
 */
export async function runTrain(args: TrainArgs, io: Io): Promise<void> {
  checkTask(args);
  const horizons = parseHorizons(args.horizon);
  await checkWritable(args.output);
  const files = findDataFiles(args.data);
  const columns = chooseColumns(files[0] as string, {
    ...args,
    inputs: listOf(args.inputs),
    targets: listOf(args.targets),
    decimalComma: args.decimalComma === true,
  });
  const data = await read(files, columns, args, io);
  try {
    const task = args.task === "forecast" ? forecastTask(columns, horizons) : regressTask(columns);
    await learn(files, data, columns, task, args, io);
  } finally {
    data.store.close();
  }
}

function checkTask({ task, label, targets, horizon }: TrainArgs): void {
  if (task !== "forecast" && task !== "regress") {
    throw new UsageError(`--task: Found ${task}, expected forecast or regress`);
  }
  if (task === "forecast" && label !== undefined) {
    throw new UsageError("--label: A forecast has targets (--targets); with a label it is --task regress");
  }
  if (task === "regress" && label === undefined) {
    throw new UsageError("--task regress: Name the column that is to be told with --label");
  }
  if (task === "regress" && (targets !== undefined || horizon !== "1")) {
    throw new UsageError(
      `--${targets === undefined ? "horizon" : "targets"}: Is of a forecast; --task ${task} tells --label`,
    );
  }
}

const listOf = (text: string | undefined) => text?.split(",").map((name) => name.trim());

async function read(files: readonly string[], columns: Columns, args: TrainArgs, io: Io): Promise<Data> {
  const { interval, bridge } = args;
  const pace = await findPace(files, columns, io);
  const folder = path.dirname(args.output);
  const [decimalComma, skipBad] = [args.decimalComma === true, args.skipBad === true];
  return await readData(files, { columns, pace, interval, bridge, decimalComma, skipBad, isClass: false, folder }, io);
}

async function learn(
  files: readonly string[],
  data: Data,
  columns: Columns,
  task: Task,
  args: TrainArgs,
  io: Io,
): Promise<void> {
  const labels = { name: nameOf(args), inputs: columns.inputs, interval: data.interval };
  const { heldOut, season, skip } = args;
  const options: LearnOptions = { labels, shares: { stop: heldOut, heldOut }, season, skip };
  const prepared = prepare(data, task, options);
  const learned = learnLinear(prepared, labels);
  const { model } = learned;
  const { interval, bridge } = args;
  const provenance = provenanceOf(files, data, {
    task: args.task,
    interval,
    bridge,
    season,
    skip,
    "held-out": heldOut,
    "skip-bad": args.skipBad,
  });
  const told = parseModel(serializeModel({ ...model.spec, provenance }, model.tensors));
  const tested = withSelftest(told, data, prepared.parts.heldOut);
  const { bytes, model: whole, note } = withDetector(tested, data, args.alarmsPerWeek, namesOf(files));
  await writeFileAtomic(args.output, bytes);
  const { id, spec } = whole;
  if (args.json) {
    const { skill, warmup, interval: seconds, provenance: origin } = spec;
    io.stdout.write(
      printableJson({
        file: args.output,
        id,
        bytes: bytes.length,
        interval: seconds,
        warmup,
        skill,
        provenance: origin,
      }),
    );
    return;
  }
  io.stdout.write(
    joinLines([
      ...describeData(data),
      ...describeLearned(prepared, learned),
      `warm-up: ${spec.warmup} steps`,
      note,
      `${args.output}: ${id}, ${bytes.length} bytes`,
    ]),
  );
}

function nameOf({ name, output }: TrainArgs): string {
  const stem = path.basename(output).replace(/\.[^.]+$/, "");
  return name ?? (stem.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "model");
}
