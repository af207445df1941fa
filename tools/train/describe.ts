// What was read and learned, in words.

import { alignColumns } from "../columns.ts";
import { skillCells } from "../skill.ts";
import type { Data } from "./data/read.ts";
import type { Learned } from "./gate.ts";
import { stepsOf } from "./pieces.ts";
import type { Prepared } from "./prepared.ts";
import { shareOf } from "./skill.ts";

const plural = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** What was read, a line each. */
export function describeData(data: Data): string[] {
  const { rows, devices, sequences, interval, isResampled, repeated, gaps, bridged, bad, firstBad, dropped } = data;
  const seconds = interval === undefined ? "" : `, one every ${Number(interval.toPrecision(6))} s`;
  const cut = gaps > 0 ? `, cut at ${plural(gaps, "gap")} into ${plural(sequences.length, "sequence")}` : "";
  return [
    `data: ${plural(rows, "row")}${seconds}; ${plural(devices, "device")}${cut}`,
    ...(isResampled ? ["data: times keep to no interval; rows are the means of readings within an interval"] : []),
    ...(bridged > 0 ? [`data: ${plural(bridged, "missing row")} filled in along straight lines`] : []),
    ...(repeated > 0 ? [`data: ${plural(repeated, "row")} left out, not later than the row before`] : []),
    ...(dropped > 0 ? [`data: ${plural(dropped, "row")} left out, in sequences too short to learn from`] : []),
    ...(bad > 0 ? [`data: ${plural(bad, "bad row")} left out, the first is ${firstBad}`] : []),
  ];
}

/** How it was learned and why it is this model, a line each. */
export function describeChoice(
  { parts, baselines }: Prepared,
  { verdict }: Learned,
  notes: readonly string[],
): string[] {
  const steps = (name: keyof typeof parts) => stepsOf(parts[name]);
  const { season, linear } = baselines;
  return [
    `steps: ${steps("fit")} learned from, ${steps("stop")} to choose by, ${steps("heldOut")} held out`,
    `linear part: the last ${plural(linear.lags, "sample")}${season === undefined ? "" : `; season: ${season} rows`}`,
    ...notes,
    verdict,
  ];
}

/** The skill table and its warnings, a line each. */
export function describeSkill({ model, skill }: Learned): string[] {
  return [
    "",
    ...alignColumns(skillCells({ skill, outputs: model.spec.outputs })),
    "",
    ...warningsOf(skill).map((text) => `warning: ${text}`),
  ];
}

/** A warning for every baseline that did better than the model. */
export function warningsOf({ table: [own, ...others] }: Learned["skill"]): string[] {
  return others.flatMap((other) => {
    if (own === undefined || other.name.endsWith("not kept") || shareOf(own, other) <= 1) return [];
    const more = Math.round(100 * (Math.sqrt(shareOf(own, other)) - 1));
    return [
      `on held-out rows "${other.name}" did ${more < 1 ? "a little" : `${more} %`} better than the model; a forecast may not be worth its cost here`,
    ];
  });
}
