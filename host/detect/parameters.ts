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
  /** Residual in units of its spread: (e multiplier) >> shift. */
  readonly residualMultiplier: number;
  readonly residualShift: number;
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
}

/** How the thresholds start and move; all in Q24 of log2. */
export interface TrackerParameters {
  /** Per block, in the order of {@link BLOCKS}, those that the detector has. */
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
}

/** Names of the blocks that a detector has, in the order of its thresholds. */
export function blocksOf({ relation, seasonality }: Pick<DetectorParameters, "relation" | "seasonality">): BlockName[] {
  return BLOCKS.filter((name) => {
    if (name === "relation") return relation !== undefined;
    return name !== "time_of_day" || seasonality !== undefined;
  });
}
