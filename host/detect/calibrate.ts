// Makes a detector from readings of healthy operation, without labels. A few faults among them do little harm.

import { Channel } from "./channel.ts";
import { distance, scoreOf } from "./distance.ts";
import { fitBlock, fitChannel, fitSeasonalBlock, RELATION_RIDGE, RIDGE } from "./fit.ts";
import { type Block, blocksOf, type ChannelParameters, type DetectorParameters } from "./parameters.ts";
import { Season } from "./season.ts";
import { quantile } from "./statistics.ts";
import { extremeTail, sharesOf, tailOf, trackerOf } from "./thresholds.ts";

/** Fewest rows to calibrate with. */
export const LEAST_ROWS = 100;
/** Rows in which running means settle. */
const SETTLE_ROWS = 16;
const MAX_SLOTS = 24;
const ONE = 2048;

/** What {@link calibrate} goes by. */
export interface CalibrationOptions {
  /** False alarms per row that are asked for. */
  readonly rate: number;
  /** Rows of a period, if there is one that fits twice into the readings. */
  readonly period?: number;
  /** Per channel: raw residuals of a model, one for each reading, NaN where there is none; undefined: AR(8) stands in. */
  readonly residuals?: readonly (Float64Array | undefined)[];
  /** Number of each row by the clock. With them the detector starts with what was usual at each time of the period. */
  readonly rows?: ArrayLike<number>;
}

/** Features of all rows: what blocks are fitted to. */
interface Features {
  /** Per channel: rows of its seven features, Q11. */
  readonly own: readonly Int32Array[][];
  /** Rows of the second mean of all channels. */
  readonly levels: readonly Int32Array[];
  /** Rows of the noise of all channels. */
  readonly noises: readonly Int32Array[];
  /** Rows of seasonal residuals, with a period. */
  readonly seasonal: readonly Int32Array[];
}

/** Blocks fitted to some of the rows. */
interface Blocks {
  readonly sensors: readonly Block[];
  readonly relation?: Block;
  readonly noise: Block;
}

/**
 * Calibrates a detector.
 *
 * @param raw  readings of each channel, raw integers within ±2^30, of equal length
 * @throws {RangeError} when there are fewer than 100 rows
 */
export function calibrate(raw: readonly Float64Array[], options: CalibrationOptions): DetectorParameters {
  const { rate, period, residuals = [], rows } = options;
  const count = raw[0]?.length ?? 0;
  if (count < LEAST_ROWS) throw new RangeError(`${count} rows, at least ${LEAST_ROWS} are needed`);
  const channels = raw.map((values, c) => fitChannel(values, residuals[c]));
  const slots = period === undefined ? undefined : Math.min(MAX_SLOTS, period);
  const season = period === undefined || slots === undefined ? undefined : new Season(period, slots, raw.length);
  const features = featuresOf(raw, channels, residuals, season, rows);
  const blocks = fitBlocks(features, SETTLE_ROWS, count);
  const seasonality =
    period === undefined || slots === undefined
      ? undefined
      : {
          period,
          slots,
          block: fitSeasonalBlock(features.seasonal.slice(period)),
          ...(rows && { seen: (season as Season).seen }),
        };
  const names = blocksOf({ ...blocks, ...(seasonality && { seasonality }) });
  const scores = warmupScores(features, blocks, count);
  const shares = sharesOf(names);
  const tails = names.map((name) => {
    if (name === "extreme") return extremeTail(raw.length);
    if (name !== "time_of_day") return tailOf(scores[name]);
    const { block } = seasonality as NonNullable<typeof seasonality>;
    return tailOf(features.seasonal.slice(period).map((row) => scoreOf(distance(block, row)) / ONE));
  });
  return {
    channels: channels.map((channel, c) => ({
      ...channel,
      range: rangeOf(raw[c] as Float64Array),
      sensor: blocks.sensors[c] as Block,
    })),
    ...(blocks.relation && { relation: blocks.relation }),
    noise: blocks.noise,
    ...(seasonality && { seasonality }),
    tracker: trackerOf(
      tails,
      shares.map((share) => share * rate),
    ),
    usual: usualScores(scoresOf(features, blocks, SETTLE_ROWS, count), scores),
  };
}

/** What scores usually are, Q11: between those of rows that the blocks were fitted to, and of rows that they were not. */
function usualScores(fitted: Scores, others: Scores): Int32Array {
  const names = others.relation.length > 0 ? (["sensor", "relation"] as const) : (["sensor"] as const);
  const medians = (name: (typeof names)[number]) => quantile(fitted[name], 0.5) + quantile(others[name], 0.5);
  return Int32Array.from(names, (name) => Math.round((ONE / 2) * medians(name)));
}

function rangeOf(values: Float64Array): [number, number] {
  return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
}

/** Runs the detector's own arithmetic over the readings. */
function featuresOf(
  raw: readonly Float64Array[],
  channels: readonly Omit<ChannelParameters, "sensor">[],
  residuals: readonly (Float64Array | undefined)[],
  season: Season | undefined,
  rows?: ArrayLike<number>,
): Features {
  const none: Block = { mean: new Int16Array(), weights: new Int8Array(), shifts: new Uint8Array() };
  const runs = channels.map((channel) => new Channel({ ...channel, sensor: none }));
  const own: Int32Array[][] = runs.map(() => []);
  const [levels, noises, seasonal]: Int32Array[][] = [[], [], []];
  const count = raw[0]?.length ?? 0;
  for (let row = 0; row < count; row++) {
    season?.enter(rows?.[row] ?? row, rows === undefined ? 1 : (rows[row] as number) - (rows[row - 1] ?? 0));
    for (const [c, run] of runs.entries()) {
      const residual = residuals[c]?.[row];
      run.step(raw[c]?.[row] as number, Number.isNaN(residual) ? undefined : residual);
      own[c]?.push(run.features.slice());
      season?.step(c, run.features[0] as number);
    }
    levels?.push(Int32Array.from(runs, ({ features }) => features[2] as number));
    noises?.push(Int32Array.from(runs, ({ features }) => features[6] as number));
    if (season) seasonal?.push(season.residuals.slice());
  }
  return { own, levels: levels ?? [], noises: noises ?? [], seasonal: seasonal ?? [] };
}

function fitBlocks({ own, levels, noises }: Features, from: number, to: number): Blocks {
  return {
    sensors: own.map((rows) => fitBlock(rows.slice(from, to), RIDGE)),
    ...(own.length > 1 && { relation: fitBlock(levels.slice(from, to), RELATION_RIDGE) }),
    noise: fitBlock(noises.slice(from, to), RIDGE),
  };
}

type Scores = Readonly<Record<"sensor" | "relation" | "noise", readonly number[]>>;

/** Scores of some rows, log2 units. */
function scoresOf({ own, levels, noises }: Features, blocks: Blocks, from: number, to: number): Scores {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  const scores = (block: Block, all: readonly Int32Array[]) =>
    rows.map((row) => scoreOf(distance(block, all[row] as Int32Array)) / ONE);
  return {
    sensor: rows.map((row) => {
      const distances = blocks.sensors.map((block, c) => distance(block, own[c]?.[row] as Int32Array));
      return scoreOf(Math.max(...distances)) / ONE;
    }),
    relation: blocks.relation === undefined ? [] : scores(blocks.relation, levels),
    noise: scores(blocks.noise, noises),
  };
}

/**
 * Scores by which the thresholds start. With several channels, blocks know the rows that they were fitted to by heart: each half
 * is scored by blocks of the other.
 */
function warmupScores(features: Features, blocks: Blocks, count: number): Scores {
  if (features.own.length === 1) return scoresOf(features, blocks, SETTLE_ROWS, count);
  const half = Math.floor((SETTLE_ROWS + count) / 2);
  const first = scoresOf(features, fitBlocks(features, half, count), SETTLE_ROWS, half);
  const second = scoresOf(features, fitBlocks(features, SETTLE_ROWS, half), half, count);
  return {
    sensor: [...first.sensor, ...second.sensor],
    relation: [...first.relation, ...second.relation],
    noise: [...first.noise, ...second.noise],
  };
}
