// Where everything of a detector lies in memory. Integer constants only, so that asc, tsc and esbuild read this file alike.
//
// State, little-endian (FORMAT.md 8.5); K thresholds, C channels. All zeros before the first row.
//
//      0  u8 started   u8 alarm   u8 settled   u8 muted   u16 hold left   u16 duration
//      8  u16 rows since thresholds fell   u16 rows of the visit   u32 phase
//     16  u64 number of the last row
//     24  i32[K] thresholds
//         a channel each:  i32 M2, M3, M5, E, V, hi, lo   i16[8] lags
//         with a period:   i32[C] S   i32[C] sums   i16[C][slots] means   u8[slots] visits
//         zeros up to a multiple of 8

/** 1 after the first row. */
export const STATE_STARTED = 0;
/** 1 while there is an alarm. */
export const STATE_ALARM = 1;
/** Rows since the start or the last gap, 0..8. */
export const STATE_SETTLED = 2;
/** Rows without an alarm that are left after a gap, 0..20. */
export const STATE_MUTED = 3;
export const STATE_HOLD = 4;
export const STATE_DURATION = 6;
export const STATE_FALL_ROWS = 8;
export const STATE_VISIT_ROWS = 10;
/** The number of the last row modulo the period; 0 without a period. */
export const STATE_PHASE = 12;
export const STATE_ROW = 16;
export const STATE_THRESHOLDS = 24;

/** Within the part of a channel. */
export const CHANNEL_MEANS = 0;
export const CHANNEL_RESIDUAL_MEAN = 12;
export const CHANNEL_MAGNITUDE = 16;
export const CHANNEL_GREATEST = 20;
export const CHANNEL_LEAST = 24;
export const CHANNEL_LAGS = 28;
export const CHANNEL_STATE_BYTES = 44;

// Image of a detector: what the kernels read.
//
//      0  i32 C, K, period, slots (0, 0 without a period), hold, renew, rise, 2^every_log2 - 1
//     32  i32 offset of what is known of the slots, 0 = nothing; i32 1 where the range is known
//     40  i32[K] start, i32[K] fall
//         a channel each: i32 offset, ar_bias   i16 multiplier, residual_multiplier   i16[8] ar   i8 shift, residual_shift
//                         u8 1 with a model's residual   1 byte of nothing   i32 least, greatest   the block of its 7 features
//         blocks: relation (C > 1), noise, time of day (with a period)
//         what is known of the slots: i16[C][slots] means, u8[slots] visits
//
// A block of size n: i16[n] means, u8[n] shifts, i8[n(n+1)/2] weights, padded to 4 bytes.

export const IMAGE_CHANNELS = 0;
export const IMAGE_BLOCKS = 4;
export const IMAGE_PERIOD = 8;
export const IMAGE_SLOTS = 12;
export const IMAGE_HOLD = 16;
export const IMAGE_RENEW = 20;
export const IMAGE_RISE = 24;
export const IMAGE_FALL_MASK = 28;
export const IMAGE_SEEN = 32;
export const IMAGE_HAS_RANGE = 36;
export const IMAGE_START = 40;

export const RECORD_OFFSET = 0;
export const RECORD_AR_BIAS = 4;
export const RECORD_MULTIPLIER = 8;
export const RECORD_RESIDUAL_MULTIPLIER = 10;
export const RECORD_AR = 12;
export const RECORD_SHIFT = 28;
export const RECORD_RESIDUAL_SHIFT = 29;
export const RECORD_IS_MODEL = 30;
export const RECORD_LEAST = 32;
export const RECORD_GREATEST = 36;
export const RECORD_BLOCK = 40;
export const RECORD_BYTES = 92;

// Work space: the verdict on the last row, and what it came from.
//
//      0  i32 score (Q11), alarm, block, channel, alert
//     20  i32[5] scores
//     40  i32[C] expected, i32[C] distances of the sensors   i16[C][7] features   i16[C] seasonal residuals   i16[max(7, C)] deviations

export const WORK_SCORE = 0;
export const WORK_ALARM = 4;
/** Which block the score is of, BLOCK_*. */
export const WORK_BLOCK = 8;
export const WORK_CHANNEL = 12;
/** 1 where the alarm began. */
export const WORK_ALERT = 16;
/** Bytes of the verdict. */
export const VERDICT_BYTES = 20;
export const WORK_SCORES = 20;
export const WORK_EXPECTED = 40;

export const BLOCK_SENSOR = 0;
export const BLOCK_RELATION = 1;
export const BLOCK_NOISE = 2;
export const BLOCK_TIME_OF_DAY = 3;
export const BLOCK_EXTREME = 4;

/** Bytes of the features of a channel. */
export const FEATURE_BYTES = 14;
/** Missed rows from which on what is recent says nothing any more. */
export const GAP_ROWS = 32;
/** Rows at the start and after such a gap in which there is no alarm. */
export const MUTE_ROWS = 20;
/** Lags of the prediction, and rows before its residuals mean something. */
export const LAG_COUNT = 8;
/** Score of a reading within the range seen so far: less than any other. */
export const NO_EXTREME = -63488;
/** Thresholds stay within this, Q24. */
export const THRESHOLD_LIMIT = 1006632960;
export const DURATION_LIMIT = 65535;
/** Where the running size of residuals starts: .8 in Q19. */
export const MAGNITUDE_START = 419430;
/** .05 in Q19, so that a silent channel has a logarithm. */
export const MAGNITUDE_FLOOR = 26214;
/** Greatest squared distance. */
export const DISTANCE_LIMIT = 1073741824;
/** Greatest |raw|. */
export const RAW_LIMIT = 1073741824;
