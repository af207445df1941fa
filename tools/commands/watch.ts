import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../../host/config/document.ts";
import { loginOf } from "../../host/config/login.ts";
import type { BrokerOptions } from "../../host/mqtt/connection.ts";
import type { Logger } from "../../host/mqtt/log.ts";
import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { planRun } from "../../host/run.ts";
import { CliError, UsageError } from "../errors.ts";
import { hasColors, type Io } from "../io.ts";
import { joinLines } from "../print.ts";
import { type BrokerFlags, chooseBroker } from "../replay/broker.ts";
import { openScreen } from "../screen.ts";
import { WatchBoard } from "../watch/board.ts";
import { type Listener, listen } from "../watch/listener.ts";
import { renderWatch } from "../watch/table.ts";

export interface WatchArgs extends Omit<BrokerFlags, "clientId"> {
  /** First levels of the topics of a host, with --broker; default: rivulet. */
  readonly base?: string;
  /** Ends by itself; default: when the user stops it, on a terminal, else after 10 seconds. */
  readonly seconds?: number;
}

const FRAME_MS = 250;
const PRINTED_SECONDS = 10;

/**
 * Shows a table of devices that is redrawn on a terminal, and printed once at the end elsewhere, until the time is over or the user
 * stops it.
 *
 * @throws {CliError} when the configuration cannot be used, or the broker is not there
 */
export async function runWatch(args: WatchArgs, io: Io): Promise<void> {
  const { broker, base, streams } = await choose(args, io);
  const board = new WatchBoard(base, streams, Date.now);
  const readings = streams.flatMap(({ sources }) => sources.filter(({ isCommand }) => !isCommand));
  const filters = new Set([`${base}/#`, ...readings.map(({ topic }) => topic.filter)]);
  const listener = await listen(broker, [...filters], (...message) => board.take(...message));
  const { seconds = io.isTty ? Number.POSITIVE_INFINITY : PRINTED_SECONDS } = args;
  const end = performance.now() + 1000 * seconds;
  try {
    if (io.isTty) await redraw(board, listener, broker.url, end, io);
    else {
      await wait(1000 * seconds, io);
      io.stdout.write(joinLines(render(board, listener, broker.url, io)));
    }
  } finally {
    await listener.close();
  }
}

async function redraw(board: WatchBoard, listener: Listener, url: string, end: number, io: Io): Promise<void> {
  const screen = openScreen(io.stdout);
  try {
    while (performance.now() < end && !io.signal?.aborted) {
      screen.draw(render(board, listener, url, io));
      await wait(Math.min(FRAME_MS, end - performance.now()), io);
    }
  } finally {
    screen.close();
  }
}

function render(board: WatchBoard, { isConnected }: Listener, broker: string, io: Io): string[] {
  const { columns = 80, rows = io.isTty ? 24 : Number.POSITIVE_INFINITY } = io.stdout as {
    columns?: number;
    rows?: number;
  };
  const { host } = board;
  const options = { columns, rows, hasColors: hasColors(io), now: Date.now(), broker, isConnected, host };
  return renderWatch(board.devices(), options);
}

async function wait(ms: number, { signal }: Io): Promise<void> {
  await sleep(Math.max(0, ms), undefined, signal && { signal }).catch(() => {}); // the user stops it
}

interface Choice {
  readonly broker: Omit<BrokerOptions, "clientId" | "isClean">;
  readonly base: string;
  readonly streams: readonly StreamOptions[];
}

async function choose(args: WatchArgs, io: Io): Promise<Choice> {
  const { config, base = "rivulet", ...flags } = args;
  if (config === undefined) {
    const { clientId: _, ...broker } = await chooseBroker(flags, io.env);
    return { broker, base, streams: [] };
  }
  if (args.broker !== undefined || args.base !== undefined) {
    throw new UsageError("A configuration brings the broker and the base topic; --broker and --base go without one");
  }
  const warn = (_: string, text: string) => io.stderr.write(joinLines([`warning: ${text}`]));
  const log: Logger = { info() {}, warn, error: warn };
  try {
    const { loaded, streams } = await planRun({ file: config, env: io.env, log });
    return { broker: loginOf(loaded.config.broker, loaded.tls), base: loaded.config.base_topic, streams };
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}
