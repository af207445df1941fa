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
