import path from "node:path";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model } from "../../host/model/types.ts";
import { checkWritable, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines, printableJson } from "../print.ts";
import type { Labels } from "../train/assemble-model.ts";
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
import { type LearnOptions, type Prepared, prepare } from "../train/prepared.ts";
import { namesOf, provenanceOf } from "../train/provenance.ts";
import { forecastTask, parseHorizons, regressTask, type Task } from "../train/task.ts";
import { readSource } from "../train/tune/source.ts";
import { tuneTask } from "../train/tune/task.ts";
import { tuneModel } from "../train/tune/tune.ts";
import { makeTwin, type Twin, twinFile } from "../train/twin.ts";
import { checkTask, givenOptions, listOf, nameOf, searchOptions, type TrainArgs, tuneOptions } from "./train-args.ts";

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
  const source = args.from === undefined ? undefined : await readSource(args.from);
  const columns = chooseColumns(files[0] as string, {
    ...args,
    inputs: source?.spec.inputs.map(({ name }) => name) ?? listOf(args.inputs),
    targets: listOf(args.targets),
    decimalComma: args.decimalComma === true,
  });
  const newTask = () => (args.task === "forecast" ? forecastTask(columns, horizons) : regressTask(columns));
  const task = source === undefined ? newTask() : tuneTask(source, columns, args.from as string);
  const data = await read(files, columns, withInterval(args, source), io);
  try {
    await learn(files, data, columns, { task, source }, args, io);
  } finally {
    data.store.close();
  }
}

/** Rows come as far apart as the model's are, unless the user says otherwise. */
function withInterval(args: TrainArgs, source: Model | undefined): TrainArgs {
  const interval = args.interval ?? source?.spec.interval;
  return interval === undefined ? args : { ...args, interval };
}

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
  { task, source }: { readonly task: Task; readonly source: Model | undefined },
  args: TrainArgs,
  io: Io,
): Promise<void> {
  const labels = { name: nameOf(args), inputs: columns.inputs, interval: data.interval };
  const { heldOut, season, skip } = args;
  const options: LearnOptions = { labels, shares: { stop: heldOut, heldOut }, season, skip };
  const prepared = prepare(data, task, options);
  const provenance = provenanceOf(files, data, givenOptions(args));
  const { learned, results, notes } =
    source === undefined
      ? await learnAnew(prepared, labels, searchOptions(args, provenance), args, io)
      : await tuneModel(source, prepared, tuneOptions(args, data), io);
  const { model } = learned;
  const spec = { ...model.spec, name: nameOf(args, source), provenance: withSource(provenance, source) };
  const told = parseModel(serializeModel(spec, model.tensors));
  const tested = withSelftest(told, data, prepared.parts.heldOut);
  const watched = withDetector(tested, data, args.alarmsPerWeek, namesOf(files));
  const twin = args.q15 ? makeTwin(watched.model, data, prepared) : undefined;
  const choice = describeChoice(prepared, learned, notes);
  await writeFileAtomic(args.output, watched.bytes);
  if (args.report !== undefined) {
    const { model, bytes } = watched;
    const page = trainingPage({
      model,
      task,
      lines: [...describeData(data), ...choice],
      warnings: warningsOf(learned.skill),
      results,
      facts: gatherFacts(model, prepared, learned.skill.table[0]?.rmse ?? []),
      bytes: bytes.length,
      footprint: await footprint(model),
    });
    await writeFileAtomic(args.report, Buffer.from(page));
  }
  const twinNotes = twin === undefined ? [] : await writeTwin(twin, data, files, args);
  const { id } = watched.model;
  if (args.json) {
    const { skill, warmup, interval, provenance: origin } = watched.model.spec;
    const search = results.map(({ plan, best, rounds }) => ({ ...plan, best, rounds }));
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

async function learnAnew(prepared: Prepared, labels: Labels, options: FindOptions, args: TrainArgs, io: Io) {
  const found = args.linear ? undefined : await findGru(prepared, labels, options, io);
  const reason = args.linear ? "as asked for" : found === undefined ? "for no GRU fits" : "for no GRU has learned yet";
  const learned = chooseModel(prepared, labels, found?.candidate, { keepGru: args.keepGru === true, reason });
  return { learned, results: found?.results ?? [], notes: found?.notes ?? [] };
}

/** A tuned model names the one that it comes from. */
function withSource(provenance: Record<string, string>, source: Model | undefined): Record<string, string> {
  return source === undefined ? provenance : { ...provenance, tuned_from: source.id };
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
