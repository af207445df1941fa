// A value of a payload, as devices write it, becomes a number, or a reason why not.

import { parseDecimal, parseDecimalComma } from "./decimal.ts";
import { PayloadError } from "./payload.ts";

/** How the value of an input is written, and what it may be. */
export interface ValueOptions {
  /** Numbers for texts and truth values, e.g. `ON`: 1. */
  readonly map?: Readonly<Record<string, number>>;
  /** Text has a decimal comma. Default: a point. */
  readonly hasDecimalComma?: boolean;
  /** What stands before the number in a text, e.g. `temp,c=`. Default: nothing. */
  readonly prefix?: string;
  /** What stands behind the number in a text, e.g. `°C`. Default: nothing. */
  readonly unit?: string;
  /** Least and greatest value, both included. */
  readonly range?: readonly [number, number];
  /** Values that stand for a fault of the sensor, such as 85 and -127. */
  readonly sentinels?: readonly number[];
}

/** What devices and home servers write where a sensor has no value. */
const NOTHING = /^(|null|none|unknown|unavailable|undefined|n\/a|-+)$/i;
const NOT_FINITE = /^[+-]?(nan|inf|infinity)$/i;

/**
 * Makes a function that reads a value: a number, a text that is one, or what the map knows. NaN where the device says that it has none.
 *
 * @param what  the value in words, for messages
 * @throws {PayloadError} by the function, when it is no finite number or a guard refuses it
 */
export function createValueReader(options: ValueOptions, what: string): (value: unknown) => number {
  const { map, range, sentinels = [] } = options;
  const mapped = map === undefined ? undefined : new Map(Object.entries(map));
  return (value) => {
    if (value === undefined || value === null) return Number.NaN;
    const known = typeof value === "object" ? undefined : mapped?.get(String(value).trim());
    const number = known ?? toNumber(value, options, what);
    if (Number.isNaN(number)) return number;
    if (sentinels.includes(number))
      throw new PayloadError("sentinel", `The ${what} is ${number}, which stands for a fault`);
    if (range !== undefined && !(number >= range[0] && number <= range[1])) {
      throw new PayloadError("out_of_range", `The ${what} is ${number}, expected ${range[0]} to ${range[1]}`);
    }
    return number;
  };
}

function toNumber(value: unknown, options: ValueOptions, what: string): number {
  if (typeof value !== "number" && typeof value !== "string" && typeof value !== "bigint") {
    const hint = typeof value === "boolean" ? "; map tells what true and false are" : "";
    throw new PayloadError("not_a_number", `The ${what} is ${describeValue(value)}, expected a number${hint}`);
  }
  // Only now: an object without a prototype, as decoders make, cannot be converted.
  const number = typeof value === "string" ? parseText(value.trim(), options, what) : Number(value);
  // Single precision decides: a double that overflows it would be infinite in the state.
  if (Number.isFinite(Math.fround(number)) || (Number.isNaN(number) && typeof value === "string")) return number;
  throw new PayloadError("not_finite", `The ${what} is not a finite single precision number`);
}

/** Answers NaN for text that says that there is no value. */
function parseText(text: string, { prefix, unit, hasDecimalComma = false }: ValueOptions, what: string): number {
  const tail = prefix !== undefined && text.startsWith(prefix) ? text.slice(prefix.length).trimStart() : text;
  const bare = unit !== undefined && tail.endsWith(unit) ? tail.slice(0, -unit.length).trimEnd() : tail;
  if (NOTHING.test(bare)) return Number.NaN;
  if (NOT_FINITE.test(bare)) throw new PayloadError("not_finite", `The ${what} is not a finite number`);
  const number = hasDecimalComma ? parseDecimalComma(bare) : parseDecimal(bare);
  if (number !== undefined) return number;
  if (Math.abs(Number(bare)) === Number.POSITIVE_INFINITY) {
    throw new PayloadError("not_finite", `The ${what} is not a finite number`);
  }
  throw new PayloadError("not_a_number", `The ${what} is ${describeText(bare, hasDecimalComma)}, expected a number`);
}

function describeText(text: string, hasDecimalComma: boolean): string {
  const shown = text.length <= 40 ? `the text ${JSON.stringify(text)}` : "a long text";
  if (!hasDecimalComma && /^[-+]?\d+,\d+$/.test(text)) return `${shown} (decimal: comma reads it)`;
  return /^[-+]?[\d.,]+\s*\D+$/.test(text) ? `${shown} (unit takes what stands behind a number)` : shown;
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
