// What makes readings hard to learn from.

import { robust } from "../../host/detect/statistics.ts";
import { CliError } from "../errors.ts";

/** Spreads from the middle beyond which a reading is far. */
const FAR = 5;
/** Share of the rows from which on that is more than a few faults. */
const MANY_FAR = 0.02;

/**
 * Refuses readings of which nothing can be learned: every channel is constant.
 *
 * @throws {CliError} with the constants
 */
export function checkConstant(file: string, names: readonly string[], columns: readonly Float64Array[]): void {
  if (columns.some((values) => values.some((value) => value !== values[0]))) return;
  const found = names.slice(0, 5).map((name, c) => `${name} is always ${columns[c]?.[0]}`);
  throw new CliError(`${file}: Nothing varies: ${found.join(", ")}; calibrate with readings that do`);
}

/** What tells that readings may be faults themselves: many are far from what is usual for the channel. */
function describeFar(name: string, values: Float64Array): string[] {
  const { middle, spread } = robust(values, () => 1);
  const [least, greatest] = [middle - FAR * spread, middle + FAR * spread];
  const share = values.filter((value) => value < least || value > greatest).length / values.length;
  if (share < MANY_FAR) return [];
  const usual = `${Number(least.toPrecision(3))} to ${Number(greatest.toPrecision(3))}`;
  return [`${name} is outside of ${usual} in ${percent(share)} of the rows: if these are faults, choose other rows`];
}

/** What makes a channel hard to watch, in words. */
export function describeWeaknesses(name: string, values: Float64Array): string[] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const sorted = [...counts.keys()].sort((a, b) => a - b);
  const share = (value: number | undefined) => (value === undefined ? 0 : (counts.get(value) ?? 0) / values.length);
  if (sorted.length === 1) return [`${name} is constant: any other value will be an alarm`];
  const found: string[] = [];
  for (const [end, value] of [
    ["least", sorted[0]],
    ["greatest", sorted.at(-1)],
  ] as const) {
    if (sorted.length > 20 && share(value) > 0.05) {
      found.push(`${name} is ${value}, its ${end} value, in ${percent(share(value))} of the rows: it looks clipped`);
    }
  }
  if (sorted.length <= 20) found.push(`${name} has ${sorted.length} different values only: it is coarse`);
  return [...found, ...describeFar(name, values)];
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;
