// A search with a clock, a bar of progress, and an ear for Ctrl-C.

import { setImmediate } from "node:timers/promises";
import { SingleBar } from "cli-progress";
import { CliError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import type { Problem } from "./problem.ts";
import { type OnRound, type SavedSearch, Search, type SearchSpace } from "./search.ts";

/** Milliseconds after which signals and the bar have their turn. */
const TURN_MS = 40;

/** How a search is run. */
export interface RunOptions {
  readonly space: SearchSpace;
  /** Milliseconds that it may take. */
  readonly budgetMs: number;
  readonly saved?: SavedSearch | undefined;
  readonly now?: () => number;
}

/**
 * Searches until everything was tried, the time is over, or the user stops it: the best so far counts.
 *
 * @throws {CliError} when the time did not do for a single round
 */
export async function runSearch(problem: Problem, options: RunOptions, io: Io): Promise<Search> {
  const { space, budgetMs, saved, now = Date.now } = options;
  const search = new Search(problem, space, saved);
  const start = now();
  let turn = start;
  const rest = async () => {
    const time = now();
    if (time - turn > TURN_MS) {
      turn = time;
      await setImmediate();
    }
    return io.signal?.aborted !== true && time - start <= budgetMs;
  };
  const bar = createBar(io, budgetMs, () => now() - start);
  try {
    await search.run(rest, bar.onRound);
  } finally {
    bar.stop();
  }
  if (search.best === undefined && io.signal?.aborted !== true) {
    throw new CliError(
      `--budget: ${budgetMs / 1000} s are too few for a single round of learning; give more, or --linear`,
    );
  }
  return search;
}

function createBar(io: Io, budgetMs: number, elapsed: () => number): { onRound: OnRound; stop(): void } {
  if (!io.isTty) return { onRound: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: "{bar} {left} s left at most | network {place}, H {hidden} | loss {loss}, to choose by {stop}, best {best}",
    stream: io.stderr,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  });
  bar.start(budgetMs, 0, { left: Math.round(budgetMs / 1000), place: "1", hidden: "", loss: "", stop: "", best: "" });
  return {
    onRound: ({ hidden }, { rounds, best }, { index, of }) => {
      const { loss = 0, stop = 0 } = rounds.at(-1) ?? {};
      const time = elapsed();
      bar.update(Math.min(budgetMs, time), {
        left: Math.max(0, Math.round((budgetMs - time) / 1000)),
        place: `${index + 1} of ${of}`,
        hidden,
        loss: loss.toFixed(4),
        stop: stop.toFixed(4),
        best: best.toFixed(4),
      });
    },
    stop: () => bar.stop(),
  };
}
