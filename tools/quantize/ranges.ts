import { I16_MAX } from "../../host/model/integers.ts";
import { nearest } from "../../host/model/nearest.ts";
import type { InputSpec } from "../../host/model/types.ts";
import type { Range } from "../../host/quantize/quantize.ts";
import { CliError, UsageError } from "../errors.ts";
import { Histogram } from "./histogram.ts";

/**
 * Reads ranges given as `name=min:max`.
 *
 * @throws {UsageError} when one is malformed or names no input
 */
export function parseRanges(texts: readonly string[], inputs: readonly InputSpec[]): Map<string, Range> {
  const names = inputs.map((input) => input.name);
  return new Map(
    texts.map((text) => {
      const [, name = "", low = "", high = ""] = /^(.*)=([^:=]+):([^:=]+)$/.exec(text) ?? [];
      const [min, max] = [Number(low), Number(high)];
      if (name === "" || !Number.isFinite(min) || !Number.isFinite(max) || min >= max) {
        throw new UsageError(`--range ${text}: Expected name=min:max with min < max`);
      }
      if (!names.includes(name)) {
        const guess = nearest(name, names);
        const hint = guess === undefined ? `it has ${names.join(", ")}` : `did you mean ${guess}?`;
        throw new UsageError(`--range ${text}: The model has no input "${name}"; ${hint}`);
      }
      return [name, { min, max }];
    }),
  );
}

/** How a range is chosen from samples: all values, all but the outermost ones, or what costs the least squared error in q15. */
export type RangeMethod = "minmax" | "percentile" | "error";

/** Where ranges come from: samples, or the model itself. */
export type RangeSource = RangeMethod | "model";

/** Share of the values on either side that may lie beyond a range by percentile. */
export const TAIL = 0.0005;

/** Bins of the histogram within a range by error: with fewer, its error is not known. */
const LEAST_BINS = 16;

/** Finds the range of every input in samples that pass by; memory does not grow with them. */
export class RangeFinder {
  readonly #histograms: readonly Histogram[];
  count = 0;

  constructor(size: number) {
    this.#histograms = Array.from({ length: size }, () => new Histogram());
  }

  observe(sample: Float64Array): void {
    this.count++;
    for (const [i, value] of sample.entries()) this.#histograms[i]?.observe(value);
  }

  /**
   * The range of an input, widened on both sides by `margin` times its width.
   *
   * @param offset  the input.offset that the model takes off the input
   */
  range(index: number, { method, margin, offset }: { method: RangeMethod; margin: number; offset: number }): Range {
    const histogram = this.#histograms[index] as Histogram;
    const { min, max } = method === "percentile" ? histogram.limits(TAIL) : histogram;
    const extra = (max - min) * margin;
    const widened = { min: min - extra, max: max + extra };
    return method === "error" ? leastError(histogram, widened, offset) : widened;
  }
}

/**
 * Narrows a range to where saturating and rounding together cost least. q15 holds `offset ± 32767 · 2^-fraction`, so each more
 * bit of fraction halves the reach and quarters the mean square of rounding, `4^-fraction / 12`.
 */
function leastError(histogram: Histogram, { min, max }: Range, offset: number): Range {
  const whole = Math.ceil(Math.log2(Math.max(max - offset, offset - min) / I16_MAX));
  let best = { min, max };
  if (!Number.isFinite(whole)) return best;
  let least = Infinity;
  for (let bits = whole; I16_MAX * 2 ** bits > LEAST_BINS * histogram.width; bits--) {
    const reach = I16_MAX * 2 ** bits;
    const error = histogram.cutSquare(offset, reach) + 4 ** bits / 12;
    const narrowed = { min: Math.max(min, offset - reach), max: Math.min(max, offset + reach) };
    if (error >= least || narrowed.min >= narrowed.max) break;
    least = error;
    best = narrowed;
  }
  return best;
}

export interface RangeSources {
  readonly given: ReadonlyMap<string, Range>;
  readonly calibration: RangeFinder | undefined;
  /** What the inputs without a given range take. */
  readonly source: RangeSource;
  readonly margin: number;
  /** input.offset of the model; zeros when absent. */
  readonly offsets: ArrayLike<number> | undefined;
}

/**
 * Chooses the range of every input: the given one, else that of the samples, or of the model where that is asked for.
 *
 * @throws {CliError} when inputs have none, all of which are named, or one never changes in the samples
 */
export function chooseRanges(inputs: readonly InputSpec[], sources: RangeSources): Range[] {
  const { given, calibration, source, margin, offsets } = sources;
  const ranges = inputs.map(({ name, range }, index): Range | undefined => {
    const own = given.get(name);
    if (own !== undefined) return own;
    if (source === "model") return range && { min: range[0], max: range[1] };
    const found = calibration?.range(index, { method: source, margin, offset: offsets?.[index] ?? 0 });
    if (found === undefined || found.min < found.max) return found;
    throw new CliError(
      `Input "${name}" is always ${found.min} in the calibration data; give its range with --range ${name}=min:max`,
    );
  });
  const missing = inputs.filter((_, index) => ranges[index] === undefined);
  if (missing.length > 0) throw new CliError(missingRanges(missing, source));
  return ranges as Range[];
}

/** What to do about inputs without a range. */
function missingRanges(missing: readonly InputSpec[], source: RangeSource): string {
  const names = missing.map(({ name }) => `"${name}"`).join(", ");
  const [subject, verb, noun] =
    missing.length === 1 ? ["The range of input", "is", "its range"] : ["The ranges of inputs", "are", "their ranges"];
  const fault = source === "model" ? "not in the model" : "not known";
  const options = missing.map(({ name }) => `${name}=min:max`).join(" ");
  const isCarried = source !== "model" && missing.every(({ range }) => range !== undefined);
  const carried = isCarried ? ", or take those that the model carries with --ranges model" : "";
  return `${subject} ${names} ${verb} ${fault}; give typical samples with --calibrate FILE, or ${noun} with --range ${options}${carried}`;
}
