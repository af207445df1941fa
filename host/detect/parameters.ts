/** What makes up a score; each has a threshold of its own. */
export type BlockName = "sensor" | "relation" | "noise" | "time_of_day" | "extreme";

/** The blocks in the order of their thresholds. */
export const BLOCKS: readonly BlockName[] = ["sensor", "relation", "noise", "time_of_day", "extreme"];

/** Features of a channel at a row. */
export const FEATURES = 7;

/** A distance: u = W (f - mean), row by row shifted to Q5; the score is log2 of the sum of squares. */
export interface Block {
  /** i16[d] Q11. */
  readonly mean: Int16Array;
  /** i8, lower triangle: rows of 1, 2, … d weights. */
  readonly weights: Int8Array;
  /** Per row, 0..31. */
  readonly shifts: Uint8Array;
}

/** How the readings of one channel become features. */
export interface ChannelParameters {
  /** Raw integer at the middle of the channel. */
  readonly offset: number;
  /** Deviation in Q11: floor(floor((raw - offset) multiplier / 2^16) / 2^shift); multiplier 16384..32767, shift -30..31. */
  readonly multiplier: number;
  readonly shift: number;
  /** i16[8] Q13: prediction from the last eight deviations, newest first. */
  readonly ar: Int16Array;
  /** i32 Q24. */
  readonly arBias: number;
  /** What the residual is of: the prediction from the last eight deviations, or that of the model that the detector is in. */
  readonly residual: "ar" | "model";
  /**
   * Residual in units of its spread, Q11. Of the last eight: (e multiplier) >> shift, e the difference of deviations. Of a model: as
   * a deviation is made of a raw reading, from the raw difference.
   */
  readonly residualMultiplier: number;
  readonly residualShift: number;
  /** Least and greatest raw reading of the calibration: a new extreme is beyond. Absent: the first reading is the range. */
  readonly range?: readonly [least: number, greatest: number];
  /** The channel's own features. */
  readonly sensor: Block;
}

/** A period of the readings, such as a day. */
export interface Seasonality {
  /** Rows. */
  readonly period: number;
  /** Parts of the period that are told apart. */
  readonly slots: number;
  /** Seasonal residuals of all channels. */
  readonly block: Block;
  /** What the calibration saw, where its rows are numbered by the clock; absent: every slot is new. */
  readonly seen?: SlotsSeen;
}

/** What is usual in each slot of a period. */
export interface SlotsSeen {
  /** i16[C][slots] Q11: mean deviations. */
  readonly means: Int16Array;
  /** Per slot, 0..255. */
  readonly visits: Uint8Array;
}

/** How the thresholds start and move; all in Q24 of log2. */
export interface TrackerParameters {
  /** Per block, in the order of {@link BlockName}, those that the detector has. */
  readonly start: Int32Array;
  /** What each threshold falls every `every` rows. */
  readonly fall: Int32Array;
  /** log2 of the number of rows between two falls, 0..12. */
  readonly everyLog2: number;
  /** What an alarm raises the thresholds that it passed, shared among them. */
  readonly rise: number;
  /** Rows after an alarm's start in which it does not end. */
  readonly hold: number;
  /** Rows after which a lasting alarm raises the thresholds again. */
  readonly renew: number;
  /** Per block: what its threshold starts higher when alarms are to be e times rarer, Q24. Absent in files of version 1. */
  readonly tail?: Int32Array;
}

/** A calibrated detector, all in whole numbers: made once, never changed. */
export interface DetectorParameters {
  readonly channels: readonly ChannelParameters[];
  /** How the channels move together: their slow levels. Absent with one channel. */
  readonly relation?: Block;
  /** How noisy they are. */
  readonly noise: Block;
  readonly seasonality?: Seasonality;
  readonly tracker: TrackerParameters;
  /** i32 Q11: usual scores of sensor and, with several channels, relation. Absent in files of version 1. */
  readonly usual?: Int32Array;
}

/** Names of the blocks that a detector has, in the order of its thresholds. */
export function blocksOf({ relation, seasonality }: Pick<DetectorParameters, "relation" | "seasonality">): BlockName[] {
  return BLOCKS.filter((name) => {
    if (name === "relation") return relation !== undefined;
    return name !== "time_of_day" || seasonality !== undefined;
  });
}

/** The same detector for rows that are counted, not numbered by the clock: it knows nothing of any time of the period yet. */
export function withoutClock({ seasonality, ...rest }: DetectorParameters): DetectorParameters {
  if (seasonality === undefined) return rest;
  const { seen: _, ...other } = seasonality;
  return { ...rest, seasonality: other };
}
