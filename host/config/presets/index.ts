// A stream with a preset becomes plain configuration before anything else looks at it.

import type { Problem } from "../document.ts";
import { HOME_PRESETS } from "./home.ts";
import { PLANT_PRESETS } from "./plant.ts";
import type { Lines, Preset } from "./types.ts";

const PRESETS: Readonly<Record<string, Preset>> = { ...HOME_PRESETS, ...PLANT_PRESETS };

/** Names of the presets. */
export const PRESET_NAMES: readonly string[] = Object.keys(PRESETS);

/** The system of a preset, for people. @throws {RangeError} when there is no such preset */
export function titleOfPreset(name: string): string {
  return presetOf(name).title;
}

/** First levels of a preset's topics by default. @throws {RangeError} when there is no such preset */
export function baseOfPreset(name: string): string {
  return presetOf(name).base;
}

function presetOf(name: string): Preset {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset === undefined) throw new RangeError(`There is no preset ${name}`);
  return preset;
}

/**
 * Writes out the presets of a configuration as it was parsed: what a stream says itself stands beside and above what the preset
 * says. An unknown preset is left for the schema to refuse; adds to `problems` what else is wrong.
 */
export function expandPresets(document: unknown, problems: Problem[]): unknown {
  if (!isMapping(document) || !isMapping(document.streams)) return document;
  const streams = Object.entries(document.streams).map(([name, stream]) => {
    return [name, isMapping(stream) ? expandStream(stream, name, problems) : stream] as const;
  });
  return { ...document, streams: Object.fromEntries(streams) };
}

/** The lines of a stream by a preset, for quantities by name. @throws {RangeError} when there is no such preset */
export function linesOfPreset(
  name: string,
  quantities: readonly (string | Lines)[],
  own: Lines = {},
  base?: string,
): Lines {
  const preset = presetOf(name);
  const inputs = quantities.map((quantity) => writeInput(preset, quantity));
  const lines = preset.linesOf?.[String(own.payload)] ?? preset.lines;
  const repeats = preset.repeatsWithin !== undefined && inputs.length > 0;
  const written = {
    ...lines,
    ...(repeats ? { distinct: { fields: inputs.map(fieldOf), within: preset.repeatsWithin } } : {}),
    inputs,
  };
  const { inputs: all, ...rest } = withBase(written, base ?? preset.base) as Record<string, unknown>;
  return { ...rest, ...own, inputs: all };
}

function expandStream({ preset: chosen, ...own }: Lines, name: string, problems: Problem[]): unknown {
  const { name: preset, base } = isMapping(chosen) ? chosen : { name: chosen, base: undefined };
  if (typeof preset !== "string" || !Object.hasOwn(PRESETS, preset)) {
    return chosen === undefined ? own : { preset: chosen, ...own };
  }
  if (isMapping(chosen) && (Object.keys(chosen).some((key) => key !== "name" && key !== "base") || !isBase(base))) {
    return { preset: chosen, ...own };
  }
  const { inputs, ...rest } = own;
  if (inputs !== undefined && !Array.isArray(inputs)) return own;
  if (inputs === undefined) {
    const message = `preset ${preset} needs "inputs", the names of the quantities, e.g. inputs: [temperature, humidity]`;
    problems.push({ path: ["streams", name], message });
  }
  // A name in the place of those that are missing, so that nothing else is told of it.
  return linesOfPreset(
    preset,
    inputs ?? ["value"],
    rest,
    typeof base === "string" ? base.replace(/\/+$/, "") : undefined,
  );
}

/** A name, or more lines of an input, which stand above those of the preset; whatever else there is, the schema refuses. */
function writeInput(preset: Preset, quantity: unknown): unknown {
  const own = typeof quantity === "string" ? { name: quantity } : quantity;
  if (!isMapping(own) || !isText(own.name)) return quantity;
  const known = Object.hasOwn(preset.quantities ?? {}, own.name) ? preset.quantities?.[own.name] : undefined;
  const place = known?.at ?? preset.place?.(own.name) ?? own.name;
  const byPlace = Object.entries(preset.input ?? { field: "{}" }).map(
    ([key, value]) => [key, typeof value === "string" ? value.replace("{}", () => place) : value] as const,
  );
  const { name, ...lines } = { ...Object.fromEntries(byPlace), ...known?.lines, ...own };
  if (lines.field === name) delete lines.field;
  return Object.keys(lines).length === 0 ? name : { name, ...lines };
}

/** Where the value of an input stands in a message. */
function fieldOf(input: unknown): unknown {
  return isMapping(input) ? (input.field ?? input.name) : input;
}

/** Puts the first levels of topics in the place of `BASE/`. */
function withBase(value: unknown, base: string): unknown {
  if (typeof value === "string") return value.replace(/^BASE\//, () => (base === "" ? "" : `${base}/`));
  if (Array.isArray(value)) return value.map((one) => withBase(one, base));
  if (!isMapping(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withBase(one, base)]));
}

const isBase = (value: unknown): boolean => value === undefined || typeof value === "string";

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
