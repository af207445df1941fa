// What the page asks for.

import type { Bridge } from "../mqtt/bridge.ts";
import { ATTENTION, type Attention } from "./attention.ts";
import { type Bin, thin, toColumns } from "./bins.ts";
import type { Board } from "./board.ts";
import type { Feed, ListView } from "./feed.ts";
import type { History } from "./history.ts";
import { json, text, type WebAnswer, type WebRequest, type WebRoute } from "./routes.ts";
import { detailsOf } from "./rows.ts";
import type { WatchedDevice } from "./watched-device.ts";

/** What the answers are made of. */
export interface ApiOptions {
  readonly board: Board;
  readonly feed: Feed;
  readonly history: History;
  /** The bridge at work; undefined while one takes the place of another. */
  readonly bridge: () => Bridge | undefined;
  readonly describeHost: () => unknown;
  readonly describeModels: () => unknown;
  readonly now?: () => number;
}

const MOST_ROWS = 500;
const MOST_POINTS = 2000;
/** Spans up to this are shown by the second where seconds are kept. */
const SECONDS_SPAN = 45 * 60_000;
const COMMAND_MS = 10_000;

/** Makes the routes of the page's data. */
export function apiRoutes(options: ApiOptions): WebRoute[] {
  const { board, feed, describeHost, describeModels, now = Date.now } = options;
  const get = (path: string, handle: WebRoute["handle"]): WebRoute => ({ method: "GET", path, handle });
  return [
    get("/api/streams", () => json({ streams: board.streams })),
    get("/api/devices", ({ query }) => json(feed.rows(listView(query)))),
    get("/api/events/devices", ({ query }) => ({ events: (viewer) => feed.list(viewer, listView(query)) })),
    get("/api/events/device", ({ query }) => {
      const [stream = "", device = ""] = [query.get("stream") ?? "", query.get("device") ?? ""];
      const since = numberOf(query.get("since")) ?? now();
      return { events: (viewer) => feed.device(viewer, stream, device, since) };
    }),
    get("/api/events/host", () => ({ events: (viewer) => feed.host(viewer, describeHost) })),
    get("/api/device", ({ query }) => {
      const device = find(board, query);
      return device === undefined ? missing() : json({ now: now(), device: detailsOf(device, now()) });
    }),
    get("/api/history", ({ query }) => answerHistory(options, query)),
    get("/api/host", () => json(describeHost())),
    get("/api/models", () => json(describeModels())),
    { method: "POST", path: "/api/command", handle: (request) => answerCommand(options, request) },
  ];
}

const missing = (): WebAnswer => json({ error: "There is no such device, or it has sent no reading yet" }, 404);

function find(board: Board, query: URLSearchParams): WatchedDevice | undefined {
  return board.find(query.get("stream") ?? "", query.get("device") ?? "");
}

function listView(query: URLSearchParams): ListView {
  const attention = ATTENTION.find((name) => name === query.get("attention"));
  return {
    text: (query.get("text") ?? "").slice(0, 200),
    attention: attention as Attention | undefined,
    stream: query.get("stream") ?? undefined,
    from: Math.max(0, Math.floor(numberOf(query.get("from")) ?? 0)),
    count: Math.max(0, Math.min(MOST_ROWS, Math.floor(numberOf(query.get("count")) ?? 50))),
  };
}

function numberOf(value: string | null): number | undefined {
  const number = Number(value);
  return value === null || value === "" || !Number.isFinite(number) ? undefined : number;
}

/** The bins of a device in a span, as fine as they are kept and can be drawn. */
async function answerHistory(
  { board, history, now = Date.now }: ApiOptions,
  query: URLSearchParams,
): Promise<WebAnswer> {
  const device = find(board, query);
  if (device === undefined) return missing();
  const to = numberOf(query.get("to")) ?? now();
  const from = numberOf(query.get("from")) ?? to - SECONDS_SPAN;
  const hours = await history.bins(device, "hour");
  const minutes = await history.bins(device, "minute");
  const open = device.open();
  if (open.minute !== undefined) minutes.push(open.minute);
  if (open.hour !== undefined) hours.push(open.hour);
  const seconds =
    to - from > SECONDS_SPAN ? device.secondsSince(open.minute?.time ?? 0).slice(-1) : device.secondsSince(0);
  // The finest first: each is shown from where the next finer one begins.
  const bins = before(before(seconds, minutes), hours);
  const oldest = bins[0]?.time ?? to;
  const shown = bins.filter(({ time }) => time >= from && time <= to);
  const { series } = device.stream;
  return json({ from, to, oldest, bins: toColumns(thin(shown, MOST_POINTS), series.length) });
}

function before(finer: readonly Bin[], coarser: readonly Bin[]): readonly Bin[] {
  const start = finer[0]?.time ?? Number.POSITIVE_INFINITY;
  return [...coarser.filter(({ time }) => time < start), ...finer];
}

/** Tells a device something: `{"stream": "…", "device": "…", "command": {"mute": "10m"}}`. */
async function answerCommand({ bridge }: ApiOptions, { body }: WebRequest): Promise<WebAnswer> {
  const request = readCommand(body);
  if (request === undefined) return json({ ok: false, error: "Expected stream, device and command" }, 400);
  const at = bridge();
  if (at === undefined) return json({ ok: false, error: "The host reads its configuration; try again" }, 503);
  const payload = new TextEncoder().encode(JSON.stringify(request.command));
  const answer = at.command(request.stream, request.device, payload);
  const late = new Promise<"late">((resolve) => setTimeout(() => resolve("late"), COMMAND_MS).unref());
  const found = await Promise.race([answer, late]);
  if (found === "late") return json({ ok: false, error: "Not committed yet; the log tells why" }, 503);
  if (found === undefined) return json({ ok: false, error: "There is no such stream" }, 404);
  return { ...text(found), type: "application/json" };
}

function readCommand(body: string): { stream: string; device: string; command: unknown } | undefined {
  try {
    const { stream, device, command } = JSON.parse(body) as Record<string, unknown>;
    const isSound = typeof stream === "string" && typeof device === "string" && typeof command === "object";
    return isSound ? { stream, device, command } : undefined;
  } catch {
    return undefined;
  }
}
