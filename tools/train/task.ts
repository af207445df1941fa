// What a model is to answer: forecasts of inputs, a number, or a class.

import { UsageError } from "../errors.ts";
import type { Columns } from "./data/columns.ts";

/** One output of the model to be. */
export interface Target {
  readonly name: string;
  /** Column of the data, an index. */
  readonly column: number;
  /** Rows between the sample and the row whose value is the answer. */
  readonly ahead: number;
  /** Name of the input that it forecasts at the horizon of the model. */
  readonly forecasts?: string;
}

/** What is learned. */
export interface Task {
  readonly kind: "forecast" | "regress" | "classify";
  readonly targets: readonly Target[];
  /** Greatest `ahead`. */
  readonly ahead: number;
  /** Steps ahead of the outputs that forecast inputs. */
  readonly horizon: number;
}

/** Greatest horizon, as FORMAT.md 3 has it. */
const MAX_HORIZON = 65535;
/** Most outputs. */
const MAX_OUTPUTS = 1024;

/**
 * Reads horizons such as `1,6,24` or `1-24`.
 *
 * @throws {UsageError} when they are none
 */
export function parseHorizons(text: string): number[] {
  const horizons = text.split(",").flatMap((part) => {
    const [, from, to] = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    const [first, last] = [Number(from), Number(to ?? from)];
    if (!(first >= 1 && last >= first && last <= MAX_HORIZON)) {
      throw new UsageError(`--horizon: Found ${text}, expected steps such as 1, 1,6,24 or 1-24`);
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  return [...new Set(horizons)].sort((a, b) => a - b);
}

/** Forecasts of every target at every horizon; those at the first one are what residuals are of. */
export function forecastTask({ inputs, targets }: Columns, horizons: readonly number[]): Task {
  const [horizon = 1] = horizons;
  const all = horizons.flatMap((ahead) =>
    targets.map((name) => ({
      name: ahead === 1 ? `next_${name}` : `${name}_in_${ahead}`,
      column: inputs.indexOf(name),
      ahead,
      ...(ahead === horizon && { forecasts: name }),
    })),
  );
  if (all.length > MAX_OUTPUTS) {
    throw new UsageError(
      `--horizon: ${horizons.length} horizons of ${targets.length} targets are ${all.length} outputs, at most ${MAX_OUTPUTS} are possible`,
    );
  }
  return { kind: "forecast", targets: all, ahead: horizons.at(-1) ?? 1, horizon };
}

/** The value of the label column at the sample itself. */
export function regressTask({ inputs, label }: Columns): Task {
  const target = { name: label as string, column: inputs.length, ahead: 0 };
  return { kind: "regress", targets: [target], ahead: 0, horizon: 1 };
}
