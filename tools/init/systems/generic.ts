// Messages of no system that is known: objects of JSON, and topics that bring one number each.

import type { Lines } from "../../../host/config/presets/types.ts";
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
  if (values.size === 0) return undefined;
  return { preset: undefined, base: "", device: topic, values, inputLines, topics: [topic] };
};

/** A number: the last level of the topic is the quantity, the levels before are the device. */
export const genericNumber: Recognise = ({ levels, number }) => {
  const quantity = levels.at(-1) ?? "";
  if (number === undefined || levels.length < 2 || quantity === "") return undefined;
  const device = levels.slice(0, -1).join("/");
  return { preset: undefined, base: "number", device, values: new Map([[quantity, number]]), topics: [`${device}/#`] };
};
