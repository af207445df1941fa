// What other programs ask: Prometheus for numbers, a container or a balancer whether the host is alive and ready.

import { EXPOSITION_TYPE } from "../metrics/exposition.ts";
import type { Measures } from "../metrics/measures.ts";
import { writeMetrics } from "../metrics/metrics.ts";
import type { Progress } from "../metrics/progress.ts";
import { findUnready } from "../metrics/readiness.ts";
import type { Bridge } from "../mqtt/bridge.ts";
import type { StreamOptions } from "../mqtt/stream.ts";
import { ATTENTION } from "./attention.ts";
import type { Board } from "./board.ts";
import { text, type WebAnswer, type WebRoute } from "./routes.ts";

/** What is watched. */
export interface WatchSource {
  readonly board: Board;
  readonly measures: Measures;
  readonly progress: Progress;
  /** What is shown now; undefined while one bridge takes the place of another. */
  readonly shown: () => { readonly bridge: Bridge; readonly streams: readonly StreamOptions[] } | undefined;
  readonly viewers: () => number;
  readonly version: string;
  readonly now?: () => number;
}

/** Makes `/metrics`, `/healthz` and `/readyz`. The latter two say nothing that is worth a token. */
export function watchRoutes(source: WatchSource): WebRoute[] {
  return [
    { method: "GET", path: "/metrics", handle: ({ query }) => answerMetrics(source, query) },
    { method: "GET", path: "/healthz", isPublic: true, handle: () => answerHealth(source) },
    { method: "GET", path: "/readyz", isPublic: true, handle: () => answerReadiness(source) },
  ];
}

function answerMetrics(source: WatchSource, query: URLSearchParams): WebAnswer {
  const { board, measures, shown, viewers, version, now = Date.now } = source;
  const wanted = query.get("devices") ?? "no";
  if (wanted !== "yes" && wanted !== "no") return text("devices is yes or no", 400);
  const { bridge, streams = [] } = shown() ?? {};
  const body = writeMetrics(
    {
      bridge,
      streams,
      measures,
      version,
      devices: [...board.all()],
      states: ATTENTION,
      viewers: viewers(),
      now: now(),
    },
    wanted === "yes",
  );
  return { type: EXPOSITION_TYPE, body };
}

function answerHealth({ progress }: WatchSource): WebAnswer {
  const stuckMs = progress.stuckMs;
  if (stuckMs === undefined) return text("alive");
  return text(`messages are waiting, and none was done with for ${Math.round(stuckMs / 1000)} s`, 503);
}

function answerReadiness({ board, measures, shown, now = Date.now }: WatchSource): WebAnswer {
  const { bridge, streams = [] } = shown() ?? {};
  const problems = findUnready({
    status: bridge?.status(),
    hasCommitFailed: measures.failure !== undefined,
    streams: streams.map(({ name }) => name),
    devices: board.all(),
    now: now(),
  });
  return problems.length === 0 ? text("ready") : text(problems.join("\n"), 503);
}
