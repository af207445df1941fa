// What was heard becomes devices with their quantities.

import type { Lines } from "../../host/config/presets/types.ts";
import { genericJson, genericNumber } from "./systems/generic.ts";
import { HOME_SYSTEMS } from "./systems/home.ts";
import { findBases } from "./systems/names.ts";
import { createPlantSystems } from "./systems/plant.ts";
import type { Heard, Sighting, Unusable } from "./types.ts";
import { parseHeard } from "./values.ts";

/** A quantity of a device. */
export interface Quantity {
  least: number;
  greatest: number;
  /** Messages that bring it. */
  count: number;
  /** More lines of its input. */
  readonly lines: Lines;
  /** When it was news, Unix milliseconds. */
  readonly times: number[];
}

/** A device as it was seen. */
export interface SeenDevice {
  readonly first: Sighting;
  readonly quantities: ReadonlyMap<string, Quantity>;
}

/** All that was heard. */
export interface Survey {
  readonly devices: readonly SeenDevice[];
  /** Topics that nothing is known of. */
  readonly strangers: readonly string[];
  /** What keeps messages of systems that are known from being used, each with a topic. */
  readonly unusable: ReadonlyMap<string, string>;
  readonly topics: number;
  /** Home Assistant, or what it discovers, is on the broker. */
  readonly hasHomeAssistant: boolean;
}

const HOME_ASSISTANT = /^homeassistant\/(?:status$|.+\/config$)/;

/** Finds the devices in messages, in the order in which they were heard. */
export function surveyOf(messages: readonly Heard[]): Survey {
  const topics = new Set(messages.map(({ topic }) => topic));
  const around = findBases(topics);
  const systems = [...createPlantSystems(), ...HOME_SYSTEMS, genericJson, genericNumber];
  const known = new Set<string>();
  const unusable = new Map<string, string>();
  const devices = new Map<string, { first: Sighting; quantities: Map<string, Quantity> }>();
  for (const heard of messages) {
    if (!isFit(heard.topic)) continue;
    const message = parseHeard(heard);
    for (const recognise of systems) {
      const sighting = recognise(message, around);
      if (sighting === undefined || isLost(sighting, heard)) continue;
      known.add(heard.topic);
      if (isUnusable(sighting)) unusable.set(sighting.why, heard.topic);
      else if (sighting !== "own") note(devices, sighting, heard);
      break;
    }
  }
  return {
    devices: [...devices.values()].filter(({ quantities }) => quantities.size > 0),
    strangers: [...topics].filter((topic) => !known.has(topic)).sort(),
    unusable,
    topics: topics.size,
    hasHomeAssistant: [...topics].some((topic) => HOME_ASSISTANT.test(topic)),
  };
}

type Answer = Sighting | Unusable | "own";

const isUnusable = (answer: Answer): answer is Unusable => answer !== "own" && "why" in answer;

/** A preset has no way to say that a topic begins with an empty level. */
function isLost(sighting: Answer, { topic }: Heard): boolean {
  if (
    sighting === "own" ||
    isUnusable(sighting) ||
    sighting.preset === undefined ||
    sighting.lines?.topic !== undefined
  )
    return false;
  return sighting.base === "" && topic.startsWith("/");
}

/** Names that cannot stand in a configuration, or need not: braces would be captures, brackets are counted as levels. */
const UNFIT = /[[\]{}]|\p{Cc}|\ufffd/u;
const MOST_CHARACTERS = 256;
const isFit = (name: string): boolean => name.length <= MOST_CHARACTERS && !UNFIT.test(name);

function note(
  devices: Map<string, { first: Sighting; quantities: Map<string, Quantity> }>,
  sighting: Sighting,
  { isRetained, time }: Heard,
): void {
  const { preset, base, device, lines, values, inputLines } = sighting;
  if (!isFit(device)) return;
  const key = JSON.stringify([preset, base, lines, device]);
  const known = devices.get(key) ?? { first: sighting, quantities: new Map<string, Quantity>() };
  devices.set(key, known);
  for (const [name, value] of values) {
    if (name === "" || !isFit(name)) continue;
    const quantity = known.quantities.get(name) ?? {
      least: value,
      greatest: value,
      count: 0,
      times: [],
      lines: inputLines?.get(name) ?? {},
    };
    known.quantities.set(name, quantity);
    quantity.count++;
    quantity.least = Math.min(quantity.least, value);
    quantity.greatest = Math.max(quantity.greatest, value);
    // Retained messages are old news: they tell nothing of the rhythm.
    if (!isRetained) quantity.times.push(time);
  }
}
