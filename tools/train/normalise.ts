// Offset and scale of every column, from the rows that are learned from.

import { robust } from "../../host/detect/statistics.ts";
import { CliError } from "../errors.ts";
import type { RowStore } from "./data/store.ts";
import { type Piece, readPiece, stepsOf } from "./pieces.ts";

/** Rows that are looked at. */
const MOST_ROWS = 100_000;

/** How the values of a column become numbers about 0, of about 1, and back: (value - offset) * scale. */
export interface Scaling {
  readonly offset: number;
  readonly scale: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Median and spread of every column, which outliers do not move.
 *
 * @param others  pieces whose values count for least and greatest only
 * @throws {CliError} when a column never changes
 */
export function scalingsOf(
  store: RowStore,
  pieces: readonly Piece[],
  others: readonly Piece[],
  names: readonly string[],
): Scaling[] {
  const columns = sampleColumns(store, pieces, names.length);
  const seen = sampleColumns(store, others, names.length);
  return columns.map((values, c) => scalingOf(names[c] as string, values, seen[c] as Float64Array));
}

/** Values of the columns in evenly spread rows. */
function sampleColumns(store: RowStore, pieces: readonly Piece[], count: number): Float64Array[] {
  const total = stepsOf(pieces);
  const every = Math.max(1, Math.ceil(total / MOST_ROWS));
  const columns = Array.from({ length: count }, () => new Float64Array(Math.ceil(total / every)));
  let row = 0;
  for (const piece of pieces) {
    const rows = readPiece(store, { ...piece, lead: 0 }, 0);
    for (let t = 0; t < piece.steps; t++, row++) {
      if (row % every !== 0) continue;
      for (const [c, values] of columns.entries()) values[row / every] = rows[t * store.width + c] as number;
    }
  }
  return columns;
}

function scalingOf(name: string, values: Float64Array, seen: Float64Array): Scaling {
  const least = (all: Float64Array) => all.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const greatest = (all: Float64Array) => all.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const [min, max] = [least(values), greatest(values)];
  if (min === max) {
    throw new CliError(
      `Column "${name}" is always ${Number(min.toPrecision(6))} in the ${values.length} rows that are learned from; leave it out with --inputs`,
    );
  }
  const { middle, spread } = robust(values, () => max - min);
  return {
    offset: Math.fround(middle),
    scale: Math.fround(1 / spread),
    min: Math.min(min, least(seen)),
    max: Math.max(max, greatest(seen)),
  };
}
