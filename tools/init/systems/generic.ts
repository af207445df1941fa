// Messages of no system that is known: objects of JSON, and topics that bring one number each.

import type { Lines } from "../../../host/config/presets/types.ts";
import { parseDecimal } from "../../../host/stream/decimal.ts";
import type { Recognise } from "../types.ts";
import { isObject, numbersOf } from "../values.ts";

/** Topics that tell others what there is, or what the host itself says. */
const NO_READINGS =
  /^(?:\$SYS|rivulet|homeassistant)\/|\/(?:config|set|get|command|cmd|status|availability|LWT|online)$/;

/** An object of JSON: the topic is the device, its numbers are the quantities. */
export const genericJson: Recognise = ({ topic, json }) => {
  if (NO_READINGS.test(topic)) return "own";
  if (!isObject(json)) return undefined;
  const values = new Map<string, number>();
  const inputLines = new Map<string, Lines>();
  for (const [path, value] of numbersOf(json, 3)) {
    const name = path.replaceAll("/", "_");
    values.set(name, value);
    if (name !== path) inputLines.set(name, { field: `/${path}` });
  }
  for (const [name, { value, field }] of recordsOf(json)) {
    values.set(name, value);
    inputLines.set(name, { field });
  }
  if (values.size === 0) return undefined;
  return { preset: undefined, base: "", device: topic, values, inputLines, topics: [topic] };
};

/** Members that name a record, and members that hold its value, as gateways of plants call them. */
const NAMES = ["n", "id", "name", "tag", "key", "metric", "sensor"];
const VALUES = ["v", "value", "val"];

/** Records of an object's arrays, `{"values": [{"id": "power", "v": 512}]}`, by the text that names each. */
function recordsOf(
  json: Readonly<Record<string, unknown>>,
): Map<string, { readonly value: number; readonly field: string }> {
  const found = new Map<string, { value: number; field: string }>();
  for (const [key, array] of Object.entries(json)) {
    if (!Array.isArray(array) || /[/~[\]]/.test(key)) continue;
    for (const record of array.slice(0, 200)) {
      if (!isObject(record)) continue;
      const naming = NAMES.find((one) => typeof record[one] === "string");
      const holding = VALUES.find((one) => typeof record[one] === "number");
      const name = naming === undefined ? "" : String(record[naming]);
      if (holding === undefined || name === "" || /[/~[\]=]/.test(name)) continue;
      found.set(name, { value: record[holding] as number, field: `/${key}[${naming}=${name}]/${holding}` });
    }
  }
  return found;
}

/** A number: the last level of the topic is the quantity, the levels before are the device. */
export const genericNumber: Recognise = ({ levels, number, text }) => {
  const quantity = levels.at(-1) ?? "";
  const found = number === undefined ? numberWithin(text) : { value: number, lines: {} };
  if (found === undefined || levels.length < 2 || quantity === "") return undefined;
  const device = levels.slice(0, -1).join("/");
  return {
    preset: undefined,
    base: "number",
    device,
    values: new Map([[quantity, found.value]]),
    inputLines: new Map([[quantity, found.lines]]),
    topics: [`${device}/#`],
  };
};

const UNITS =
  "°?[CF]|K|%|[hk]?Pa|m?bar|psi|[mk]?V|m?A|[mkM]?W|[kM]?Wh|VA|var|[kM]?Hz|rpm|lx|lux|pp[mb]|[µum]?g/m[³3]|k?g|[ckm]?m|mm|[lL]|m[³3]|m/s|km/h|m?s|min|h|dBm?";

/** `temp,c=21.5`, `21.5 °C` and `21,5`. */
const WITHIN = new RegExp(
  `^(?<prefix>[\\p{L}_][\\p{L}\\d_, ]{0,40}[=:] ?)?(?<number>[-+]?\\d+(?:[.,]\\d+)?) ?(?<unit>${UNITS})?$`,
  "u",
);

/** The one number in a text, and how an input says where it stands. */
function numberWithin(text: string): { readonly value: number; readonly lines: Lines } | undefined {
  const { prefix, number = "", unit } = WITHIN.exec(text)?.groups ?? {};
  const value = parseDecimal(number.replace(",", "."));
  if (value === undefined) return undefined;
  const lines = {
    ...(prefix === undefined ? {} : { prefix }),
    ...(number.includes(",") ? { decimal: "comma" } : {}),
    ...(unit === undefined ? {} : { unit }),
  };
  return { value, lines };
}
