import type { Preset } from "../../../host/config/presets/types.ts";
import type { Parsed, Surroundings } from "../types.ts";

/** Names that a preset gives quantities, by what its system calls them. */
export function namesByPlace({ quantities = {} }: Preset): ReadonlyMap<string, string> {
  return new Map(Object.entries(quantities).map(([name, { at = name }]) => [at, name]));
}

/** Values by the names of a preset, where it has one. */
export function renamed(values: ReadonlyMap<string, number>, names: ReadonlyMap<string, string>): Map<string, number> {
  return new Map([...values].map(([place, value]) => [names.get(place) ?? place, value]));
}

/** First levels of the topics of a system. */
export function basesOf({ bases }: Surroundings, system: string): readonly string[] {
  return [...(bases.get(system) ?? [])];
}

/** The base that a topic begins with, and the levels behind it. */
export function matchBase(
  { topic }: Parsed,
  bases: readonly string[],
): { readonly base: string; readonly rest: readonly string[] } | undefined {
  const base = bases.find((one) => topic.startsWith(`${one}/`));
  return base === undefined ? undefined : { base, rest: topic.slice(base.length + 1).split("/") };
}

/** Levels of a topic; an empty base is none. */
export function join(...levels: readonly string[]): string {
  return levels.filter((level) => level !== "").join("/");
}

/** What tells where a system's topics begin, by a topic beside those of values. */
const SIGNS: readonly (readonly [system: string, sign: RegExp])[] = [
  ["zigbee2mqtt", /^(.+)\/bridge\/(?:state|info|devices|groups|logging|definitions|health|extensions)$/],
  ["homie5", /^((?:.+\/)?homie\/5)\/[^/]+\/\$state$/],
  ["homie4", /^((?:.+\/)?homie)\/[^/]+\/\$(?:homie|state|name)$/],
  ["zwave-js-ui", /^(.+)\/_CLIENTS\/ZWAVE_GATEWAY/],
  ["opendtu", /^(.+)\/dtu\/(?:status|uptime|ip|hostname|rssi|bssid)$/],
  ["esphome", /^([^/]+)\/(?:status|debug)$/],
  ["shelly", /^(.+)\/events\/rpc$/],
  ["rtl_433", /^(rtl_433\/[^/]+)\/events$/],
  [
    "homeassistant-statestream",
    /^(.+)\/(?:sun|zone|person|automation|script|weather|device_tracker)\/[^/]+\/(?:state|last_changed)$/,
  ],
  [
    "homeassistant-statestream",
    /^(.+)\/sensor\/[^/]+\/(?:last_changed|last_updated|friendly_name|unit_of_measurement)$/,
  ],
];

/** Finds where systems' topics begin. */
export function findBases(topics: Iterable<string>): Surroundings {
  const bases = new Map<string, Set<string>>();
  const add = (system: string, base: string) => bases.set(system, (bases.get(system) ?? new Set()).add(base));
  for (const topic of topics) {
    for (const [system, sign] of SIGNS) {
      const base = sign.exec(topic)?.[1];
      // Topics of Homie 5 have the form of those of a device "5" of Homie 4.
      if (base !== undefined && !(system === "homie4" && /homie\/5\//.test(topic))) add(system, base);
    }
    if (/^homeassistant\/sensor\/[^/]+\/state$/.test(topic)) add("homeassistant-statestream", "homeassistant");
    if (/^zigbee2mqtt\//.test(topic)) add("zigbee2mqtt", "zigbee2mqtt");
    if (/^zwave\/.+\/endpoint_\d+\//.test(topic)) add("zwave-js-ui", "zwave");
  }
  return { bases };
}
