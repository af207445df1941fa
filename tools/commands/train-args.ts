// What `rivulet train` is asked for: flags, which of them go together, and what they mean for its parts.

import path from "node:path";
import type { Model } from "../../host/model/types.ts";
import { UsageError } from "../errors.ts";
import type { Data } from "../train/data/read.ts";
import type { FindOptions } from "../train/gru/find.ts";
import type { TuneOptions } from "../train/tune/tune.ts";

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
  /** Model to go on from. */
  readonly from?: string;
  /** Which part of that learns. */
  readonly only?: "head" | "calibration";
  readonly name?: string;
  readonly skipBad?: boolean;
  readonly decimalComma?: boolean;
  readonly json?: boolean;
}

/** @throws {UsageError} when flags contradict each other */
export function checkTask(args: TrainArgs): void {
  const { task, label, targets, horizon } = args;
  if (args.from !== undefined) {
    checkFrom(args);
    return;
  }
  if (args.only !== undefined) throw new UsageError("--only: Is of a model that is there; name it with --from");
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

/** What a model that is there has decided. */
function checkFrom(args: TrainArgs): void {
  const { inputs, targets, skip, linear, hidden, maxFlash, maxRam, resume } = args;
  const given = { inputs, targets, skip, linear, hidden, "max-flash": maxFlash, "max-ram": maxRam, resume };
  const horizon = args.horizon === "1" ? undefined : args.horizon;
  const more = { ...given, horizon, "keep-gru": args.keepGru };
  const other = Object.entries(more).find(([, value]) => value !== undefined)?.[0];
  if (other !== undefined) throw new UsageError(`--${other}: Does not go with --from, whose model has decided that`);
}

/** Names separated by commas. */
export const listOf = (text: string | undefined) => text?.split(",").map((name) => name.trim());

/** How a model that is there is tuned. */
export function tuneOptions({ only, from, seed, learningRate, budget }: TrainArgs, { interval }: Data): TuneOptions {
  return { part: only ?? "all", file: path.basename(from as string), seed, learningRate, budget, interval };
}

/** The options that decide what is learned, as they were given. */
export function givenOptions(args: TrainArgs): Record<string, string | number | boolean | undefined> {
  const { task, interval, bridge, season, skip, heldOut, skipBad, linear, hidden, learningRate } = args;
  const { seed, restarts, budget, keepGru, maxFlash, maxRam, horizon, from, only } = args;
  if (from !== undefined) {
    return {
      from: path.basename(from),
      only,
      interval,
      bridge,
      "held-out": heldOut,
      "skip-bad": skipBad,
      seed,
      budget,
    };
  }
  return {
    task,
    ...(task === "forecast" && { horizon }),
    ...{ interval, bridge, season, skip, "held-out": heldOut, "skip-bad": skipBad, linear },
    ...(!linear && { seed, restarts, budget, hidden }),
    ...{ "learning-rate": learningRate, "keep-gru": keepGru, "max-flash": maxFlash, "max-ram": maxRam },
  };
}

/** How a network is searched. */
export function searchOptions(args: TrainArgs, { options: _, ...origin }: Record<string, string>): FindOptions {
  const { hidden, seed, restarts, learningRate, budget, output, maxFlash: flash, maxRam: ram } = args;
  // Whatever changes rows or targets is another search; a longer budget is not.
  const { budget: __, "keep-gru": ___, ...of } = givenOptions(args);
  const identity = JSON.stringify([origin, of, args.inputs, args.targets, args.label]);
  return { hidden, seed, restarts, learningRate, budget, output, flash, ram, identity, resume: args.resume === true };
}

/** The name of the model. */
export function nameOf({ name, output }: TrainArgs, source?: Model): string {
  if (name === undefined && source !== undefined) return source.spec.name;
  const stem = path.basename(output).replace(/\.[^.]+$/, "");
  return name ?? (stem.replace(/[^A-Za-z0-9_.-]+/g, "_").slice(0, 64) || "model");
}
