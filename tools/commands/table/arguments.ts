// Texts and arguments that several commands of the table share.

import { InvalidArgumentError } from "commander";
import { parseBytes } from "../../mcu/bytes.ts";

/** The examples below the help of a command, a line each. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}

/**
 * The number that `text` says.
 *
 * @throws InvalidArgumentError where it says none, or one that is not `expected`
 */
export function number(text: string, isValid: (value: number) => boolean, expected: string): number {
  const value = Number(text);
  if (text.trim() === "" || !isValid(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
  return value;
}

/** A number above 0. */
export const positive = (text: string) => number(text, (n) => n > 0 && n < Infinity, "a positive number");
/** An integer above 0. */
export const positiveInteger = (text: string) =>
  number(text, (n) => n >= 1 && Number.isSafeInteger(n), "an integer above 0");
/** An integer from 1 to `most`. */
export const upTo = (most: number) => (text: string) =>
  number(text, (n) => n >= 1 && n <= most && n % 1 === 0, `an integer from 1 to ${most}`);
/** A number of bytes, such as 20K. */
export const memory = (text: string) => {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError("Expected a number of bytes, such as 20000, 20K or 1M.");
  return bytes;
};
/** A whole number below 2^32: a seed. */
export const wholeNumber = (text: string) =>
  number(text, (n) => n >= 0 && n < 2 ** 32 && n % 1 === 0, "a whole number below 2^32");
/** A fraction from 0 to 10. */
export const fraction = (text: string) => number(text, (n) => n >= 0 && n <= 10, "a number from 0 to 10");
