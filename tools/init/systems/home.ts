// How systems of houses are recognised. What is answered is what the preset of that name reads.

import { HOME_PRESETS } from "../../../host/config/presets/home.ts";
import type { Preset } from "../../../host/config/presets/types.ts";
import type { Parsed, Recognise, Sighting } from "../types.ts";
import { isObject, numbersOf } from "../values.ts";
import { basesOf, join, matchBase, namesByPlace, renamed } from "./names.ts";

const zigbee2mqtt: Recognise = (message, around) => {
  const found = matchBase(message, basesOf(around, "zigbee2mqtt"));
  if (found === undefined) return undefined;
  const { base, rest } = found;
  const last = rest.at(-1) ?? "";
  if (rest[0] === "bridge" || ["availability", "set", "get", "action"].includes(last)) return "own";
  if (!isObject(message.json)) return undefined;
  const device = rest.join("/");
  return { preset: "zigbee2mqtt", base, device, values: numbersOf(message.json, 1), topics: [join(base, device)] };
};

const TASMOTA_NAMES = namesByPlace(HOME_PRESETS.tasmota as Preset);

const tasmota: Recognise = ({ levels, json }) => {
  const [device, kind] = levels.slice(-2);
  const base = levels.slice(0, -2).join("/");
  if (device === undefined || !/(^|\/)tele$/.test(base)) return undefined;
  if (kind !== "SENSOR") return /^(STATE|LWT|INFO\d|UPTIME|HASS_STATE)$/.test(kind ?? "") ? "own" : undefined;
  if (!isObject(json)) return undefined;
  const numbers = new Map([...numbersOf(json, 2), ...phasesOf(json)]);
  const values = new Map<string, number>();
  for (const [path, value] of numbers) {
    const [chip = "", member = ""] = path.split("/");
    const several = [...numbers.keys()].filter((other) => other.endsWith(`/${member}`)).length > 1;
    const name = TASMOTA_NAMES.get(path) ?? (several ? undefined : TASMOTA_NAMES.get(`*/${member}`));
    if (member !== "" && chip !== "Wifi") values.set(name ?? path, value);
  }
  return { preset: "tasmota", base, device, values, topics: [join(base, device, "SENSOR")] };
};

/** What an energy meter of three phases says of each: `ENERGY/Power/0`. */
function phasesOf({ ENERGY: energy }: Readonly<Record<string, unknown>>): [string, number][] {
  if (!isObject(energy)) return [];
  return Object.entries(energy).flatMap(([name, phases]) =>
    Array.isArray(phases) && phases.length <= 3 && phases.every((value) => typeof value === "number")
      ? phases.map((value, at): [string, number] => [`ENERGY/${name}/${at}`, value])
      : [],
  );
}

const shelly: Recognise = ({ levels, json }, around) => {
  const at = levels.length - 3;
  const device = levels[at];
  if (at < 0 || device === undefined) return undefined;
  const isStatus = levels[at + 1] === "status" && /^[a-z0-9]+:\d+$/.test(levels[at + 2] ?? "");
  // The same values come as events, where those are switched on.
  if (isStatus && basesOf(around, "shelly").includes(levels.slice(0, at + 1).join("/"))) return "own";
  if (levels.slice(-2).join("/") !== "events/rpc" || !isObject(json) || !isObject(json.params)) return undefined;
  const numbers = numbersOf(json.params, 3);
  const parts = [...numbers].filter(
    ([path]) => /^[a-z0-9]+:\d+\/(?!id$|errors)/.test(path) && !/\/(tF|temperature|aenergy)/.test(path),
  );
  const base = levels.slice(0, at).join("/");
  const values = renamed(new Map(parts), namesByPlace(HOME_PRESETS.shelly as Preset));
  return { preset: "shelly", base, device, values, topics: [join(base, device, "events/rpc")] };
};

const shellyGen1: Recognise = (message) => {
  const found = matchBase(message, ["shellies"]);
  const [device, ...place] = found?.rest ?? [];
  if (device === undefined || place.length === 0) return undefined;
  if (message.number === undefined) return "own";
  const values = renamed(
    new Map([[place.join("/"), message.number]]),
    namesByPlace(HOME_PRESETS["shelly-gen1"] as Preset),
  );
  return { preset: "shelly-gen1", base: "shellies", device, values, topics: [`shellies/${device}/#`] };
};

/** Domains of Home Assistant and components of ESPHome share names; `sensor/<id>/state` is of one or the other. */
const states: Recognise = (message, around) => {
  const { levels, number } = message;
  const found = matchBase(message, basesOf(around, "homeassistant-statestream"));
  if (found !== undefined) return statestream(message, found.base, found.rest);
  const [node, component, id, last] = levels.slice(-4);
  if (node === undefined || id === undefined || component !== "sensor" || last !== "state") {
    return basesOf(around, "esphome").includes(levels[0] ?? "") && /^(status|debug)$/.test(levels[1] ?? "")
      ? "own"
      : undefined;
  }
  if (number === undefined) return "own";
  const base = levels.slice(0, -4).join("/");
  return { preset: "esphome", base, device: node, values: new Map([[id, number]]), topics: [join(base, node, "#")] };
};

/** Ends of entity ids that are quantities. */
const QUANTITY =
  /^(.+)_(temperature|humidity|pressure|power|voltage|current|illuminance|co2|pm25|pm10|moisture|dew_point|wind_speed|energy|battery)$/;

function statestream(
  { number }: Parsed,
  base: string,
  [domain, entity = "", last]: readonly string[],
): Sighting | "own" {
  const [, device, quantity] = QUANTITY.exec(entity) ?? [];
  if (domain !== "sensor" || last !== "state" || number === undefined) return "own";
  const preset = "homeassistant-statestream";
  if (device === undefined || quantity === undefined) return "own";
  return {
    preset,
    base,
    device,
    values: new Map([[quantity, number]]),
    topics: [`${base}/sensor/${device}_{entity}/state`],
  };
}

const homie: Recognise = (message, around) => {
  const found = matchBase(message, [...basesOf(around, "homie5"), ...basesOf(around, "homie4")]);
  if (found === undefined) return undefined;
  const { base, rest } = found;
  const [device, node, property, ...more] = rest;
  if (device === undefined || property === undefined || more.length > 0 || rest.some((level) => level.startsWith("$")))
    return "own";
  const preset = basesOf(around, "homie5").includes(base) ? "homie5" : "homie4";
  if (message.number === undefined) return "own";
  const values = new Map([[property, message.number]]);
  return { preset, base, device: `${device}/${node}`, values, topics: [`${base}/${device}/${node}/#`] };
};

const ZWAVE_NAMES = namesByPlace(HOME_PRESETS["zwave-js-ui"] as Preset);
const ZWAVE_CLASS = /^[a-z_]+$/;

const zwave: Recognise = (message, around) => {
  const found = matchBase(message, basesOf(around, "zwave-js-ui"));
  if (found === undefined) return undefined;
  const { base, rest } = found;
  const at = rest.findIndex((level) => /^endpoint_\d+$/.test(level)) - 1;
  if (rest[0] === "_CLIENTS" || at < 1 || !ZWAVE_CLASS.test(rest[at] ?? "")) return "own";
  if (!isObject(message.json) || typeof message.json.value !== "number") return "own";
  const device = rest.slice(0, at).join("/");
  const values = renamed(new Map([[rest.slice(at).join("/"), message.json.value]]), ZWAVE_NAMES);
  return { preset: "zwave-js-ui", base, device, values, topics: [join(base, device, "#")] };
};

const theengs: Recognise = ({ levels, json }) => {
  const at = levels.indexOf("BTtoMQTT");
  const device = levels[at + 1];
  if (at < 1) return /^(LWT|SYStoMQTT|RLStoMQTT)$/.test(levels.at(-1) ?? "") ? "own" : undefined;
  if (device === undefined || !isObject(json)) return "own";
  const base = levels.slice(0, at - 1).join("/");
  const values = renamed(numbersOf(json, 1), namesByPlace(HOME_PRESETS.theengs as Preset));
  return { preset: "theengs", base, device, values, topics: [join(base, "{gateway}/BTtoMQTT", device)] };
};

const ruuvi: Recognise = ({ levels, json }) => {
  if (!isObject(json) || typeof json.gw_mac !== "string" || levels.length < 3) return undefined;
  const base = levels.slice(0, -2).join("/");
  const device = levels.at(-1) as string;
  const topics = [join(base, "{gateway}", device)];
  // Data format 5 behind 7 bytes of the advert: the values are read by the preset, here it is enough that they are there.
  if (typeof json.data === "string" && /^.{14}05/.test(json.data)) {
    const bytes = Buffer.from(json.data, "hex");
    if (bytes.length < 14) return "own";
    const values = new Map([
      ["temperature", bytes.readInt16BE(8) * 0.005],
      ["humidity", bytes.readUInt16BE(10) * 0.0025],
      ["pressure", bytes.readUInt16BE(12) + 50_000],
    ]);
    return { preset: "ruuvi", base, device, values, topics };
  }
  const values = numbersOf(json, 1);
  return values.has("temperature") ? { preset: "ruuvi-decoded", base, device, values, topics } : "own";
};

const rtl433: Recognise = ({ levels, json }, around) => {
  const base = levels.slice(0, -2).join("/");
  if (levels.at(-1) !== "events" || !isObject(json) || typeof json.model !== "string") {
    // The same values come as events, where those are switched on.
    const hasEvents = basesOf(around, "rtl_433").includes(levels.slice(0, 2).join("/"));
    return levels[0] === "rtl_433" && (hasEvents || levels[2] !== "devices") ? "own" : undefined;
  }
  if (json.id === undefined) return "own";
  const values = renamed(numbersOf(json, 1), namesByPlace(HOME_PRESETS.rtl_433 as Preset));
  values.delete("id");
  return { preset: "rtl_433", base, device: `${json.model}/${json.id}`, values, topics: [] };
};

/** In the order in which they are asked. */
export const HOME_SYSTEMS: readonly Recognise[] = [
  zigbee2mqtt,
  tasmota,
  shelly,
  shellyGen1,
  homie,
  zwave,
  theengs,
  ruuvi,
  rtl433,
  states,
];
