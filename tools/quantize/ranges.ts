import type { Range } from "../../host/runtime/index.ts";
import { nearest } from "../../host/runtime/nearest.ts";
import type { InputSpec } from "../../host/runtime/types.ts";
import { CliError, UsageError } from "../errors.ts";

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

/** Finds the range of every input in samples that pass by. */
export class RangeFinder {
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  count = 0;

  constructor(size: number) {
    this.#min = new Float64Array(size).fill(Infinity);
    this.#max = new Float64Array(size).fill(-Infinity);
  }

  observe(sample: Float64Array): void {
    this.count++;
    for (const [i, value] of sample.entries()) {
      if (value < (this.#min[i] as number)) this.#min[i] = value;
      if (value > (this.#max[i] as number)) this.#max[i] = value;
    }
  }

  /** The range of an input, widened on both sides by `margin` times its width. */
  range(index: number, margin: number): Range {
    const [min, max] = [this.#min[index] as number, this.#max[index] as number];
    const extra = (max - min) * margin;
    return { min: min - extra, max: max + extra };
  }
}

export interface RangeSources {
  readonly given: ReadonlyMap<string, Range>;
  readonly calibration: RangeFinder | undefined;
  readonly margin: number;
}

/**
 * Chooses the range of every input: the given one, else the calibrated one, else the model's own.
 *
 * @throws {CliError} when an input has none, or never changes in the calibration data
 */
export function chooseRanges(inputs: readonly InputSpec[], sources: RangeSources): Range[] {
  return inputs.map(({ name, range }, index) => {
    const given = sources.given.get(name);
    if (given !== undefined) return given;
    const wanted = `give its range with --range ${name}=min:max`;
    if (sources.calibration !== undefined) {
      const found = sources.calibration.range(index, sources.margin);
      if (found.min < found.max) return found;
      throw new CliError(`Input "${name}" is always ${found.min} in the calibration data; ${wanted}`);
    }
    if (range !== undefined) return { min: range[0], max: range[1] };
    throw new CliError(`The range of input "${name}" is not known; calibrate with --calibrate FILE, or ${wanted}`);
  });
}
