// What was found, for people.

import { titleOfPreset } from "../../host/config/presets/index.ts";
import { alignColumns } from "../columns.ts";
import type { FoundStream } from "./streams.ts";
import type { Survey } from "./survey.ts";

const MOST_NAMES = 4;
const MOST_STRANGERS = 5;

/** Tells of the streams, a number before each, and of what nothing is known of. */
export function describeFound(streams: readonly FoundStream[], { strangers, unusable }: Survey): string[] {
  const lines = streams.flatMap((stream, index) => ["", ...describeStream(stream, index + 1)]);
  for (const [why, topic] of unusable) lines.push("", `cannot be used: ${topic}`, `     ${why}`);
  if (strangers.length === 0) return lines;
  const more = strangers.length > MOST_STRANGERS ? `, and ${strangers.length - MOST_STRANGERS} more` : "";
  return [...lines, "", `without numbers: ${strangers.slice(0, MOST_STRANGERS).join(", ")}${more}`];
}

function describeStream(stream: FoundStream, number: number): string[] {
  const { name, inputs, others } = stream;
  const rows = inputs.map((input) => [input.name, rangeText(input)]);
  return [
    `${number}. ${name}: ${whoText(stream)}`,
    ...alignColumns(rows).map((row) => `     ${row}`),
    ...(others.length === 0 ? [] : [`     left out: ${listText(others, 8)}`]),
  ];
}

/** System, devices and rhythm. */
export function whoText({ preset, base, devices, intervalMs }: FoundStream): string {
  const system =
    preset === undefined ? "no system that is known" : `${titleOfPreset(preset)}${base === "" ? "" : `, ${base}/`}`;
  const count = devices.length === 1 ? "1 device" : `${devices.length} devices`;
  return `${system}; ${count}: ${listText(devices, MOST_NAMES)}${intervalMs === undefined ? "" : `; about every ${durationText(intervalMs)}`}`;
}

/** The least and the greatest value. */
export function rangeText({ least, greatest }: { readonly least: number; readonly greatest: number }): string {
  const text = (value: number) => String(Number(value.toPrecision(5)));
  return least === greatest ? text(least) : `${text(least)} … ${text(greatest)}`;
}

/** Some of the names, and how many more there are. */
export function listText(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(", ");
  return names.length > most ? `${shown}, … (${names.length - most} more)` : shown;
}

function durationText(ms: number): string {
  if (ms < 1000) return `${Math.max(1, Math.round(ms))} ms`;
  if (ms < 100_000) return `${Number((ms / 1000).toPrecision(2))} s`;
  return `${Math.round(ms / 60_000)} min`;
}
