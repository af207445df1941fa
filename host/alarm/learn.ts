import { calibrate, LEAST_ROWS } from "../detect/calibrate.ts";
import { serializeDetector } from "../detect/file.ts";
import { fractionFor } from "../detect/real.ts";
import { quantile } from "../detect/statistics.ts";
import { ModelFormatError } from "../model/errors.ts";
import { rawOf } from "../model/integers.ts";

const WEEK_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;
/** Where samples without times arrive all at once, their distance says nothing. */
const DEFAULT_INTERVAL_MS = 60_000;
/** Times of arrival are believed when their median is not far from their mean. */
const EVEN = 3;

/** What is learnt from. */
export interface Readings {
  /** Unix milliseconds. */
  readonly times: Float64Array;
  /** Per channel. */
  readonly values: readonly Float64Array[];
}

/** How a detector is learnt. */
export interface LearnOptions {
  readonly inputs: readonly string[];
  readonly perWeek: number;
  readonly isTimed: boolean;
  /** Milliseconds of a period; `auto`: a day, if two fit; undefined: none. */
  readonly periodMs: number | "auto" | undefined;
  /** Whether a channel that is constant may be learnt as such, if another is not. */
  readonly takesConstant: boolean;
}

/** What came of learning: the file of a detector, or why there is none yet, and how many rows may do. */
export type Learnt = { readonly bytes: Uint8Array } | { readonly reason: string; readonly rows: number };

/** Learns a detector from readings, of which most are healthy; the same readings give the same bytes. */
export function learn({ times, values }: Readings, options: LearnOptions): Learnt {
  const { inputs, perWeek, takesConstant } = options;
  const count = times.length;
  const more = (reason: string, rows = Math.ceil(1.25 * count)): Learnt => ({ reason, rows });
  if (count < LEAST_ROWS) return more(`${count} samples, at least ${LEAST_ROWS} are needed`, LEAST_ROWS);
  const constant = inputs.filter((_, c) => values[c]?.every((value) => value === values[c]?.[0]));
  if (constant.length > 0 && (constant.length === inputs.length || !takesConstant)) {
    return more(`${constant.join(", ")} ${constant.length > 1 ? "are" : "is"} constant so far`);
  }
  const interval = intervalOf(times, options.isTimed);
  const rowMs = interval ?? DEFAULT_INTERVAL_MS;
  const period = periodOf(options.periodMs, rowMs, count);
  if (period !== undefined && count < 2 * period) {
    return more(`two periods of ${period} samples are needed`, 2 * period);
  }
  const fractions = values.map(fractionFor);
  const raw = values.map((column, c) => column.map((value) => rawOf(value, fractions[c] as number)));
  try {
    const parameters = calibrate(raw, { rate: (perWeek * rowMs) / WEEK_MS, ...(period && { period }) });
    const spec = {
      name: "learnt",
      inputs: inputs.map((name, c) => ({ name, fraction: fractions[c] as number })),
      ...(interval !== undefined && { interval: interval / 1000 }),
      alarmsPerWeek: perWeek,
      rows: count,
    };
    return { bytes: serializeDetector(spec, parameters) };
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof ModelFormatError)) throw error;
    return more(`the readings do not make a detector: ${error.message}`);
  }
}

/** Milliseconds between two rows; undefined where the times do not tell it. */
function intervalOf(times: Float64Array, isTimed: boolean): number | undefined {
  const steps = times.subarray(1).map((time, i) => time - (times[i] as number));
  const median = quantile(steps, 0.5);
  if (isTimed) return median > 0 ? median : undefined;
  const mean = ((times.at(-1) as number) - (times[0] as number)) / steps.length;
  return median > 0 && mean < EVEN * median ? mean : undefined;
}

function periodOf(periodMs: LearnOptions["periodMs"], rowMs: number, count: number): number | undefined {
  if (periodMs === undefined) return undefined;
  const rows = Math.round((periodMs === "auto" ? DAY_MS : periodMs) / rowMs);
  if (periodMs === "auto") return rows > 3 && 2 * rows <= count ? rows : undefined;
  return Math.max(rows, 2);
}
