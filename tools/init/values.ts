// What is read of payloads, and which quantities are worth watching.

import { parseDecimal } from "../../host/stream/decimal.ts";
import type { Heard, Parsed } from "./types.ts";

const utf8 = new TextDecoder();
const MOST_BYTES = 65_536;
const MOST_LEVELS = 4;
const MOST_VALUES = 200;

/** Reads what can be read of a message. */
export function parseHeard(heard: Heard): Parsed {
  const text = heard.payload.length > MOST_BYTES ? "" : utf8.decode(heard.payload).trim();
  return { ...heard, text, levels: heard.topic.split("/"), json: parseJson(text), number: numberOf(text) };
}

function parseJson(text: string): unknown {
  if (!/^[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A finite number, or text that is one. */
function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" ? parseDecimal(value.trim()) : value;
  return typeof number === "number" && Number.isFinite(Math.fround(number)) ? number : undefined;
}

/** Whether a value is an object of JSON. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The numbers of an object by their paths, `ENERGY/Power`. */
export function numbersOf(object: unknown, levels = MOST_LEVELS): Map<string, number> {
  const found = new Map<string, number>();
  const walk = (value: unknown, path: string, left: number) => {
    if (!isObject(value) || left === 0) return;
    for (const [key, one] of Object.entries(value)) {
      if (found.size >= MOST_VALUES) return;
      // Slashes and tildes within names would need escapes.
      if (/[/~]/.test(key)) continue;
      const number = numberOf(one);
      if (number === undefined) walk(one, `${path}${key}/`, left - 1);
      else found.set(`${path}${key}`, number);
    }
  };
  walk(object, "", levels);
  return found;
}

/** State of the radio and of the device, settings, identifiers, times and counters: nothing of what is measured. */
const HOUSEKEEPING = new RegExp(
  [
    "^(link_?quality|lqi|rssi|snr|signal|wifi|channel|id|port|f_?port|f_?cnt|mic|seq|sequence|mod|freq\\d*|noise|ts|time)$",
    "^(last_seen|timestamp|uptime|gwts|update.*|up|bat(t|tery)?(_?(ok|level|low|voltage))?|device_temperature|bdseq)$",
    "(_calibration|_offset|_precision|_threshold|_interval|_timeout|_delay|_id|_count|_counter|_ts)$",
    "(^|_)tf$|temperature_f$",
    "(total|today|yesterday|period|minute|energy|uptime|rssi|heap)(_?\\w*)?$",
    "^(movements|tempf|volt|from|to|t|data_?format|firmware|version|node control.*|node info.*|properties.*|latitude|longitude)$",
  ].join("|"),
  "i",
);

/** Whether a quantity is worth watching, by its name and those beside it. */
function isWorthWatching(name: string, all: ReadonlySet<string>): boolean {
  const last = name.slice(name.lastIndexOf("/") + 1);
  // The voltage of a battery.
  if (last === "voltage" && (all.has("battery") || all.has("acceleration_x")) && !all.has("power")) return false;
  return !HOUSEKEEPING.test(last) && !/^(node control|node info|properties)\b/i.test(name);
}

/** Quantities that come first, where there are more than fit. */
const FIRST = [
  "temperature",
  "humidity",
  "pressure",
  "co2",
  "power",
  "voltage",
  "current",
  "flow",
  "speed",
  "vibration",
];

/** Most inputs of a stream that are proposed. */
const MOST_INPUTS = 8;

/** Integers from here on are times, or numbers of devices. */
const LEAST_IDENTIFIER = 1e9;

/** Whether values look like times or identifiers. */
export const isIdentifier = (least: number, greatest: number): boolean =>
  least >= LEAST_IDENTIFIER && Number.isInteger(least) && Number.isInteger(greatest);

/** The quantities to propose, those first that most people mean, and those that are left out. */
export function chooseQuantities(
  names: ReadonlySet<string>,
  leftOut: ReadonlySet<string> = new Set(),
): { readonly inputs: string[]; readonly others: string[] } {
  const rank = (name: string) => {
    const at = FIRST.findIndex((one) => name.toLowerCase().includes(one));
    return at < 0 ? FIRST.length : at;
  };
  const worth = [...names].filter((name) => !leftOut.has(name) && isWorthWatching(name, names));
  worth.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const inputs = worth.slice(0, MOST_INPUTS);
  return { inputs, others: [...names].filter((name) => !inputs.includes(name)).sort() };
}
