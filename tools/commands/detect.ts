import { once } from "node:events";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { parseIsoTime } from "../../host/stream/time.ts";
import { alignColumns } from "../columns.ts";
import { type Alarm, AlarmList } from "../detect/alarms.ts";
import { Judge, readWatched } from "../detect/judge.ts";
import { Report } from "../detect/page/report.ts";
import { RowClock, streamRows } from "../detect/rows.ts";
import { UsageError } from "../errors.ts";
import { checkWritable, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";

/** Arguments and flags of `rivulet detect`. */
export interface DetectArgs {
  /** A file of `rivulet calibrate`: a detector, or a model with one. */
  readonly detector: string;
  /** CSV or NDJSON, or `-`. */
  readonly file: string;
  /** Column of the time. */
  readonly time?: string;
  /** Rows before this time (ISO 8601) warm up: they are scored and raise no alarm. */
  readonly from?: string;
  /** False alarms a week that are accepted; by default what the detector was calibrated for. */
  readonly alarmsPerWeek?: number;
  /** Write a line of JSON for every row. */
  readonly json?: boolean;
  /** Page (HTML) to write. */
  readonly report?: string;
  readonly decimalComma?: boolean;
}

/**
 * Runs a detector over readings. Writes the alarms with their causes, or with `json` a verdict for every row as it comes.
 *
 * @throws {CliError} when the detector or a row is not what it should be
 */
export async function runDetect(args: DetectArgs, io: Io): Promise<void> {
  if (args.report !== undefined) await checkWritable(args.report);
  const watched = await readWatched(args.detector);
  const { file } = watched;
  const from = startOf(args);
  const judge = new Judge(watched, args.time !== undefined && file.spec.interval !== undefined, args.alarmsPerWeek);
  const clock = new RowClock(file.spec.interval === undefined ? undefined : 1000 * file.spec.interval);
  const list = new AlarmList();
  const report = args.report === undefined ? undefined : new Report(judge);
  let [rows, text] = [0, ""];
  const source = {
    file: args.file,
    inputs: file.spec.inputs.map(({ name }) => name),
    time: args.time,
    hasDecimalComma: args.decimalComma === true,
  };
  await streamRows(source, io, (values, time) => {
    const row = clock.take(time);
    if (row === undefined) return;
    rows++;
    const verdict = judge.step(values, row, from !== undefined && time !== undefined && time < from);
    const cause = () => judge.cause(verdict);
    report?.take(verdict, row, time, values);
    list.take(verdict, row, time, cause);
    if (args.json !== true) return;
    const { score, isAlarm } = verdict;
    const place = time === undefined ? { row } : { row, time: new Date(time).toISOString() };
    text += `${JSON.stringify({ ...place, score: Number(score.toFixed(3)), alarm: isAlarm, ...(isAlarm && { cause: cause() }) })}\n`;
    if (text.length > 1 << 16) {
      io.stdout.write(text);
      text = "";
    }
  });
  if (text !== "" && !io.stdout.write(text)) await once(io.stdout, "drain");
  const total = totalOf(list.alarms.length, rows, file.spec, args.alarmsPerWeek);
  if (report !== undefined && args.report !== undefined) {
    const lines = [`${args.file}: ${total}`];
    await writeFileAtomic(args.report, Buffer.from(report.html(list.alarms, lines, placeOf)));
  }
  if (args.json !== true) io.stdout.write(joinLines([...alignColumns(cellsOf(list.alarms)), total]));
  if (clock.skipped > 0) {
    io.stderr.write(joinLines([`${clock.skipped} rows skipped: their time is not later than that of the row before`]));
  }
}

function startOf({ from, time }: DetectArgs): number | undefined {
  if (from === undefined) return undefined;
  if (time === undefined) throw new UsageError("--from needs --time COLUMN");
  const start = parseIsoTime(from);
  if (start === undefined) throw new UsageError(`--from: Found ${from}, expected a time such as 2024-11-19T08:00`);
  return start;
}

/** A row in words. */
const placeOf = (row: number, time: number | undefined): string =>
  time === undefined ? `row ${row}` : new Date(time).toISOString().replace(/(:00)?\.000Z$/, "Z");

const cellsOf = (alarms: readonly Alarm[]): string[][] =>
  alarms.map(({ row, time, lastRow, lastTime, peak, cause }) => [
    placeOf(row, time),
    `to ${placeOf(lastRow, lastTime)}`,
    `${lastRow - row + 1} rows`,
    `score ${peak.toFixed(1)}`,
    cause,
  ]);

/** How many alarms there were, beside how many are accepted. */
function totalOf(alarms: number, rows: number, spec: DetectorSpec, alarmsPerWeek: number = spec.alarmsPerWeek): string {
  const weeks = spec.interval === undefined ? undefined : (rows * spec.interval) / (7 * 86400);
  const asked = `${alarmsPerWeek} a week accepted`;
  const rate = weeks === undefined ? asked : `${(alarms / weeks).toFixed(2)} a week, ${asked}`;
  return `${alarms} ${alarms === 1 ? "alarm" : "alarms"} in ${rows} rows (${rate})`;
}
