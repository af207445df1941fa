// Devices that bring the same quantities become a stream.

import { linesOfPreset } from "../../host/config/presets/index.ts";
import type { Lines } from "../../host/config/presets/types.ts";
import type { SeenDevice } from "./survey.ts";
import { chooseQuantities, isIdentifier } from "./values.ts";

/** A stream that can be written. */
export interface FoundStream {
  readonly name: string;
  /** Undefined: no system that is known. */
  readonly preset: string | undefined;
  readonly base: string;
  /** Of the stream, without inputs. */
  readonly lines: Lines;
  readonly inputs: readonly FoundInput[];
  /** Quantities that are left out. */
  readonly others: readonly string[];
  readonly devices: readonly string[];
  /** Usual time between two messages of a device, ms; undefined: none sent two. */
  readonly intervalMs: number | undefined;
}

/** An input that can be written. */
export interface FoundInput {
  readonly name: string;
  readonly lines: Lines;
  readonly least: number;
  readonly greatest: number;
}

/** Devices of other streams of the same system that are named to leave them out; more would fill the page. */
const MOST_EXCEPTIONS = 40;

/** Levels of presets' topics that begin with a capture: what a stream of such a name publishes would match them. */
const RESERVED = ["bridge", "events", "sensor", "state", "status"];

/** Answers the streams of devices, those of known systems first, then those with most devices. */
export function streamsOf(devices: readonly SeenDevice[]): FoundStream[] {
  const names = new Set(RESERVED);
  const bySystem = groupBy(devices, ({ first }) =>
    JSON.stringify([first.preset, first.base, first.lines, shapeOf(first)]),
  );
  const groups = bySystem.flatMap((system) =>
    groupBy(system, (device) => JSON.stringify(choiceOf([device]).inputs))
      .filter((group) => choiceOf(group).inputs.length > 0)
      .map((group) => ({ group, system })),
  );
  const isKnown = ([device]: readonly SeenDevice[]) => Number(device?.first.preset !== undefined);
  groups.sort((a, b) => isKnown(b.group) - isKnown(a.group) || b.group.length - a.group.length);
  return groups.map(({ group, system }) => streamOf(group, system, names));
}

/** Topics of no known system belong together when they begin alike and are of one length. */
function shapeOf({ preset, device }: SeenDevice["first"]): unknown {
  const levels = device.split("/");
  return preset === undefined ? [levels[0], levels.length] : undefined;
}

function choiceOf(devices: readonly SeenDevice[]) {
  const all = devices.flatMap(({ quantities }) => [...quantities]);
  const identifiers = all.filter(([, { least, greatest }]) => isIdentifier(least, greatest)).map(([name]) => name);
  return chooseQuantities(new Set(all.map(([name]) => name)), new Set(identifiers));
}

function streamOf(group: readonly SeenDevice[], system: readonly SeenDevice[], names: Set<string>): FoundStream {
  const { first } = group[0] as SeenDevice;
  const { inputs, others } = choiceOf(group);
  const generic = first.preset === undefined ? templateOf(group.map((device) => device.first.device)) : undefined;
  const isByTopic = generic !== undefined && first.base === "number";
  const parts = isInParts(group, inputs) ? { max_age: "1h" } : {};
  const own = generic === undefined || isByTopic ? {} : { topic: generic, ...parts };
  const name = nameOf(inputs, first.preset ?? slugOf(generic?.split("/").find((level) => level !== "") ?? ""), names);
  const found = inputs.map((input): FoundInput => {
    const seen = group.flatMap((device) => device.quantities.get(input) ?? []);
    const byTopic = isByTopic ? { topic: `${generic}/${input}`, payload: "number" } : {};
    const lines = { ...byTopic, ...seen[0]?.lines };
    return {
      name: input,
      lines,
      least: Math.min(...seen.map(({ least }) => least)),
      greatest: Math.max(...seen.map(({ greatest }) => greatest)),
    };
  });
  return {
    name,
    preset: first.preset,
    base: first.base,
    lines: { ...own, ...first.lines, ...exceptionsOf(group, system, inputs) },
    inputs: found,
    others,
    devices: [...new Set(group.map((device) => device.first.device))],
    intervalMs: median(group.flatMap((device) => intervalOf(device) ?? [])),
  };
}

/** What other devices of the system send is left out, beside what the preset leaves out. */
function exceptionsOf(group: readonly SeenDevice[], system: readonly SeenDevice[], inputs: readonly string[]): Lines {
  const { preset, base, lines } = (group[0] as SeenDevice).first;
  const others = system.filter((device) => !group.includes(device)).flatMap(({ first }) => first.topics);
  const usable = [...new Set(others)].filter((topic) => !/[+{}]/.test(topic.replaceAll(/\{\w+\}/g, "")));
  if (preset === undefined || usable.length === 0 || usable.length > MOST_EXCEPTIONS) return {};
  const { except = [] } = linesOfPreset(preset, inputs, lines, base) as { readonly except?: readonly string[] };
  return { except: [...except, ...usable] };
}

/** A topic template that matches all of some topics of one length: what differs is captured, the last of it as the device. */
function templateOf(topics: readonly string[]): string {
  const split = topics.map((topic) => topic.split("/"));
  const first = split[0] ?? [];
  const varying = first.flatMap((level, index) => (split.every((one) => one[index] === level) ? [] : [index]));
  const nameAt = (index: number) => {
    const place = varying.length - 1 - varying.indexOf(index);
    return place === 0 ? "{device}" : `{area${place === 1 ? "" : place}}`;
  };
  return first.map((level, index) => (varying.includes(index) ? nameAt(index) : level)).join("/");
}

const MOST_NAME = 24;

/** What a name may have: letters of ASCII, digits, _ and -, at most 64. */
const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, "-")
    .replaceAll(/^[-_]+|[-_]+$/g, "");

function nameOf(inputs: readonly string[], system: string, names: Set<string>): string {
  const slugs = inputs.map((input) => slugOf(input.slice(input.lastIndexOf("/") + 1)).slice(0, MOST_NAME));
  const [one = "", two = ""] = slugs.filter((slug) => slug !== "");
  const both = two !== "" && one.length + two.length <= MOST_NAME ? `${one}-${two}` : one;
  const bare = both === "" ? "readings" : both;
  const candidates = system === "" ? [bare] : [bare, `${system.slice(0, MOST_NAME)}-${bare}`];
  for (let n = 2; ; n++) {
    const name = candidates.find((one) => !names.has(one));
    if (name !== undefined) {
      names.add(name);
      return name;
    }
    candidates.push(`${bare}-${n}`);
  }
}

/** The mean time between news of the quantity that is told most often. */
function intervalOf({ quantities }: SeenDevice): number | undefined {
  const times = [...quantities.values()].map((one) => one.times).sort((a, b) => b.length - a.length)[0] ?? [];
  const [first = 0, last = 0] = [times[0], times.at(-1)];
  return times.length < 2 ? undefined : (last - first) / (times.length - 1);
}

/** Whether a device's messages bring some of the inputs each: then older values stand in. */
function isInParts(group: readonly SeenDevice[], inputs: readonly string[]): boolean {
  return group.some(({ quantities }) => {
    const counts = inputs.map((input) => quantities.get(input)?.count);
    return counts.some((count) => count !== counts[0]);
  });
}

function median(numbers: readonly number[]): number | undefined {
  return [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
