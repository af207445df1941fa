import { once } from "node:events";
import type { DetectorSpec } from "../../host/detect/document.ts";
import { parseIsoTime } from "../../host/stream/time.ts";
import { alignColumns } from "../columns.ts";
import { type Alarm, AlarmList } from "../detect/alarms.ts";
import { Judge, readWatched } from "../detect/judge.ts";
import { RowClock, streamRows } from "../detect/rows.ts";
import { UsageError } from "../errors.ts";
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
  readonly decimalComma?: boolean;
}

/**
 * Runs a detector over readings. Writes the alarms with their causes, or with `json` a verdict for every row as it comes.
 *
 * @throws {CliError} when the detector or a row is not what it should be
 */
export async function runDetect(args: DetectArgs, io: Io): Promise<void> {
  const watched = await readWatched(args.detector);
  const { file } = watched;
  const from = startOf(args);
  const judge = new Judge(watched, args.time !== undefined && file.spec.interval !== undefined, args.alarmsPerWeek);
  const clock = new RowClock(file.spec.interval === undefined ? undefined : 1000 * file.spec.interval);
  const list = new AlarmList();
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
    if (args.json !== true) {
      list.take(verdict, row, time, cause);
      return;
    }
    const { score, isAlarm } = verdict;
    const place = time === undefined ? { row } : { row, time: new Date(time).toISOString() };
    text += `${JSON.stringify({ ...place, score: Number(score.toFixed(3)), alarm: isAlarm, ...(isAlarm && { cause: cause() }) })}\n`;
    if (text.length > 1 << 16) {
      io.stdout.write(text);
      text = "";
    }
  });
  if (text !== "" && !io.stdout.write(text)) await once(io.stdout, "drain");
  if (args.json !== true) io.stdout.write(joinLines(summarise(list.alarms, rows, file.spec, args.alarmsPerWeek)));
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

function summarise(
  alarms: readonly Alarm[],
  rows: number,
  spec: DetectorSpec,
  alarmsPerWeek: number = spec.alarmsPerWeek,
): string[] {
  const place = (row: number, time: number | undefined) =>
    time === undefined ? `row ${row}` : new Date(time).toISOString().replace(/(:00)?\.000Z$/, "Z");
  const cells = alarms.map(({ row, time, lastRow, lastTime, peak, cause }) => [
    place(row, time),
    `to ${place(lastRow, lastTime)}`,
    `${lastRow - row + 1} rows`,
    `score ${peak.toFixed(1)}`,
    cause,
  ]);
  const weeks = spec.interval === undefined ? undefined : (rows * spec.interval) / (7 * 86400);
  const asked = `${alarmsPerWeek} a week accepted`;
  const rate = weeks === undefined ? asked : `${(alarms.length / weeks).toFixed(2)} a week, ${asked}`;
  return [
    ...alignColumns(cells),
    `${alarms.length} ${alarms.length === 1 ? "alarm" : "alarms"} in ${rows} rows (${rate})`,
  ];
}
