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
import { describeChoice, describeData, describeSkill, warningsOf } from "../train/describe.ts";
import { withDetector, withSelftest } from "../train/finish.ts";
import { chooseModel } from "../train/gate.ts";
import { type FindOptions, findGru } from "../train/gru/find.ts";
import { footprint } from "../train/gru/sizes.ts";
import { gatherFacts } from "../train/page/gather.ts";
import { trainingPage } from "../train/page/html.ts";
import { type LearnOptions, prepare } from "../train/prepared.ts";
import { namesOf, provenanceOf } from "../train/provenance.ts";
import { forecastTask, parseHorizons, regressTask, type Task } from "../train/task.ts";
import { makeTwin, type Twin, twinFile } from "../train/twin.ts";

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
  /** The linear model alone. */
  readonly linear?: boolean;
  /** Hidden units of the GRU. */
  readonly hidden?: number;
  readonly keepGru?: boolean;
  readonly seed: number;
  /** Other seeds for the best size. */
  readonly restarts: number;
  readonly learningRate?: number;
  /** Seconds that the search for a GRU may take. */
  readonly budget: number;
  /** Bytes of a q15 module for a microcontroller. */
  readonly maxFlash?: number;
  readonly maxRam?: number;
  /** Goes on with the search that was broken off. */
  readonly resume?: boolean;
  /** Page (HTML) to write. */
  readonly report?: string;
  /** Writes the q15 twin as well. */
  readonly q15?: boolean;
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
  if (args.report !== undefined) await checkWritable(args.report);
  if (args.q15) await checkWritable(twinFile(args.output));
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
  const provenance = provenanceOf(files, data, givenOptions(args));
  const found = args.linear ? undefined : await findGru(prepared, labels, searchOptions(args, provenance), io);
  const reason = args.linear ? "as asked for" : found === undefined ? "for no GRU fits" : "for no GRU has learned yet";
  const learned = chooseModel(prepared, labels, found?.candidate, { keepGru: args.keepGru === true, reason });
  const { model } = learned;
  const told = parseModel(serializeModel({ ...model.spec, provenance }, model.tensors));
  const tested = withSelftest(told, data, prepared.parts.heldOut);
  const watched = withDetector(tested, data, args.alarmsPerWeek, namesOf(files));
  const twin = args.q15 ? makeTwin(watched.model, data, prepared) : undefined;
  const choice = describeChoice(prepared, learned, found?.notes ?? []);
  await writeFileAtomic(args.output, watched.bytes);
  if (args.report !== undefined) {
    const { model, bytes } = watched;
    const page = trainingPage({
      model,
      task,
      lines: [...describeData(data), ...choice],
      warnings: warningsOf(learned.skill),
      results: found?.results ?? [],
      facts: gatherFacts(model, prepared, learned.skill.table[0]?.rmse ?? []),
      bytes: bytes.length,
      footprint: await footprint(model),
    });
    await writeFileAtomic(args.report, Buffer.from(page));
  }
  const twinNotes = twin === undefined ? [] : await writeTwin(twin, data, files, args);
  const { id, spec } = watched.model;
  if (args.json) {
    const { skill, warmup, interval, provenance: origin } = spec;
    const search = found?.results.map(({ plan, best, rounds }) => ({ ...plan, best, rounds }));
    const facts = { id, bytes: watched.bytes.length, interval, warmup, verdict: learned.verdict };
    io.stdout.write(printableJson({ file: args.output, ...facts, skill, search, provenance: origin }));
    return;
  }
  io.stdout.write(
    joinLines([
      ...describeData(data),
      ...choice,
      ...describeSkill(learned),
      `warm-up: ${spec.warmup} steps`,
      watched.note,
      `${args.output}: ${id}, ${watched.bytes.length} bytes`,
      ...twinNotes,
    ]),
  );
}

/** The options that decide what is learned, as they were given. */
function givenOptions(args: TrainArgs): Record<string, string | number | boolean | undefined> {
  const { task, interval, bridge, season, skip, heldOut, skipBad, linear, hidden, learningRate } = args;
  const { seed, restarts, budget, keepGru, maxFlash, maxRam, horizon } = args;
  return {
    task,
    ...(task === "forecast" && { horizon }),
    ...{ interval, bridge, season, skip, "held-out": heldOut, "skip-bad": skipBad, linear },
    ...(!linear && { seed, restarts, budget, hidden }),
    ...{ "learning-rate": learningRate, "keep-gru": keepGru, "max-flash": maxFlash, "max-ram": maxRam },
  };
}

function searchOptions(args: TrainArgs, { options: _, ...origin }: Record<string, string>): FindOptions {
  const { hidden, seed, restarts, learningRate, budget, output, maxFlash: flash, maxRam: ram } = args;
  // Whatever changes rows or targets is another search; a longer budget is not.
  const { budget: __, "keep-gru": ___, ...of } = givenOptions(args);
  const identity = JSON.stringify([origin, of, args.inputs, args.targets, args.label]);
  return { hidden, seed, restarts, learningRate, budget, output, flash, ram, identity, resume: args.resume === true };
}

/** Writes the twin with a detector of its own; answers what is to be told. */
async function writeTwin(twin: Twin, data: Data, files: readonly string[], args: TrainArgs): Promise<string[]> {
  const file = twinFile(args.output);
  const { bytes, model, note } = withDetector(twin.model, data, args.alarmsPerWeek, namesOf(files));
  await writeFileAtomic(file, bytes);
  const more = 100 * (twin.share - 1);
  return [
    `${file}: ${model.id}, ${bytes.length} bytes, q15; its error is ${more < 0 ? "" : "+"}${more.toFixed(2)} %; ${note}`,
  ];
}

function nameOf({ name, output }: TrainArgs): string {
  const stem = path.basename(output).replace(/\.[^.]+$/, "");
  return name ?? (stem.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "model");
}
