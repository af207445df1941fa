import { stat } from "node:fs/promises";
import { SingleBar } from "cli-progress";
import { CliError, UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import { type BrokerFlags, chooseBroker } from "../replay/broker.ts";
import { createRowEncoder, type ReplayPayload } from "../replay/encode.ts";
import { type Clock, createPacer, type Pace, systemClock } from "../replay/pace.ts";
import { openPublisher, type Publisher } from "../replay/publisher.ts";
import { type Row, readRows } from "../replay/rows.ts";

/** Arguments and flags of `rivulet replay`. */
export interface ReplayArgs extends BrokerFlags {
  readonly file: string;
  /** Topic; captures such as `{device}` are filled in from the columns of that name. */
  readonly topic: string;
  /** Rows per second. */
  readonly rate?: number | undefined;
  /** Times as fast as recorded; needs `time`. */
  readonly speed?: number | undefined;
  /** As fast as the broker takes them; the default. */
  readonly max?: boolean | undefined;
  /** Column of the time of recording. */
  readonly time?: string | undefined;
  /** Columns of the payload, separated by commas. Default: all that are not in the topic. */
  readonly columns?: string | undefined;
  readonly payload?: ReplayPayload | undefined;
  /** Numbers are written as `21,5`. */
  readonly decimalComma?: boolean | undefined;
  readonly qos?: 0 | 1 | undefined;
  /** Most rows to publish. */
  readonly limit?: number | undefined;
}

/**
 * Publishes the rows of a CSV file.
 *
 * @param clock  paces the rows
 * @returns exit code 0, also when `io.signal` ended it early
 * @throws {UsageError} when the flags do not go together
 * @throws {CliError} when the file or the broker fails; `file:line: …` for a bad row
 */
export async function runReplay(args: ReplayArgs, io: Io, clock: Clock = systemClock): Promise<number> {
  const pace = choosePace(args);
  const broker = await chooseBroker(args, io.env);
  const size = await fileSize(args.file);
  const rows = readRows(args.file);
  const header = await rows.next();
  if (header.done) throw new CliError(`${args.file}:1: the file is empty, expected a header`);
  const replay = prepare(args, pace, clock, header.value);
  const publisher = await openPublisher(broker, args.qos ?? 1);
  const progress = createProgress(io, size);
  const started = clock.now();
  let count = 0;
  try {
    for await (const row of rows) {
      if (io.signal?.aborted || count >= (args.limit ?? Infinity)) break;
      if (!(await replay(row, count, started, publisher, io.signal))) break;
      count++;
      progress.update(row.bytes);
    }
  } catch (error) {
    progress.stop();
    // The rows before a bad one are still delivered; should the broker fail as well, the row is what is told.
    await publisher.close().catch(() => {});
    throw error;
  }
  progress.stop();
  await publisher.close();
  const seconds = (clock.now() - started) / 1000;
  const rate = Math.round(count / Math.max(seconds, 1e-3));
  io.stderr.write(`${count} rows published in ${seconds.toFixed(1)} s (${rate} rows/s)\n`);
  return 0;
}

type Replay = (
  row: Row,
  index: number,
  started: number,
  publisher: Publisher,
  signal: AbortSignal | undefined,
) => Promise<boolean>;

/** Makes the function that publishes one row when it is due; it answers false when the signal came first. */
function prepare(args: ReplayArgs, pace: Pace, clock: Clock, header: Row): Replay {
  const columns = args.columns?.split(",").map((name) => name.trim());
  const encode = createRowEncoder({
    header: header.cells,
    topic: args.topic,
    payload: args.payload ?? "json",
    hasDecimalComma: args.decimalComma === true,
    ...(columns === undefined ? {} : { columns }),
  });
  const timeColumn = args.time === undefined ? -1 : header.cells.indexOf(args.time);
  if (args.time !== undefined && timeColumn < 0) throw new UsageError(`There is no column "${args.time}" for the time`);
  const dueAt = createPacer(pace);
  return async ({ cells, line }, index, started, publisher, signal) => {
    let message: ReturnType<typeof encode>;
    let wait: number;
    try {
      message = encode(cells);
      wait = started + dueAt(index, cells[timeColumn] ?? "") - clock.now();
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new CliError(`${args.file}:${line}: ${error.message}`, { cause: error });
    }
    if (wait > 1 && !(await clock.sleep(wait, signal))) return false;
    await publisher.publish(message.topic, message.payload);
    return true;
  };
}

function choosePace({ rate, speed, max, time }: ReplayArgs): Pace {
  if ([rate, speed, max || undefined].filter((value) => value !== undefined).length > 1) {
    throw new UsageError("Only one of --rate, --speed and --max can be given");
  }
  if (speed !== undefined && time === undefined) throw new UsageError("--speed needs --time COLUMN");
  for (const value of [rate, speed]) {
    if (value !== undefined && !(value > 0)) throw new UsageError(`A pace of ${value} is not greater than zero`);
  }
  if (rate !== undefined) return { kind: "rate", rowsPerSecond: rate };
  return speed === undefined ? { kind: "max" } : { kind: "speed", factor: speed };
}

/** Answers 0 for a file that cannot be examined; reading it will tell why. */
async function fileSize(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

function createProgress(io: Io, totalBytes: number): { update(bytes: number): void; stop(): void } {
  if ((io.stderr as { isTTY?: boolean }).isTTY !== true || totalBytes === 0) return { update() {}, stop() {} };
  const bar = new SingleBar({
    format: "{bar} {percentage}% of the file, {eta_formatted} left",
    stream: io.stderr,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  });
  bar.start(totalBytes, 0);
  return { update: (bytes) => bar.update(bytes), stop: () => bar.stop() };
}
