// Sparkplug B (Eclipse Sparkplug specification 3.0.0): metrics become members of an object by their names, which births tell.
//
//   { temperature: 21.5, "Inputs/Pressure": 3.1, $time: 1772355600000, $group: "g", $node: "n", $device: "d", $birth: false, … }

import { PayloadError } from "../../payload.ts";
import type { DocumentDecoder } from "../types.ts";
import { EdgeNodes } from "./nodes.ts";
import { type Content, type Metric, readPayload, type SparkplugPayload } from "./payload.ts";
import { Rebirths } from "./rebirths.ts";
import { commandTopic, type Origin, originOf } from "./topic.ts";

type Reading = Record<string, unknown>;

/** Of the messages of edge nodes; there are commands to them, too. */
const KINDS: readonly string[] = ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"];

/** Makes a decoder that knows what edge nodes have told, from their births on. */
export function createSparkplugDecoder(): DocumentDecoder {
  const nodes = new EdgeNodes();
  const rebirths = new Rebirths();
  return (bytes, around) => {
    const origin = originOf(around.topic);
    const { kind, key, device } = origin;
    const noValues = () => new PayloadError("filtered", `A message of the kind ${kind} brings no values`);
    if (!KINDS.includes(kind)) throw noValues();
    const payload = readPayload(bytes);
    const askForBirth = () => rebirths.ask(key, around, commandTopic(origin));
    if (kind === "NBIRTH") nodes.beBorn(key, payload);
    else if (kind === "NDEATH") nodes.die(key, payload);
    else if (nodes.count(key, payload.seq)) askForBirth();
    if (kind === "DBIRTH") nodes.bearDevice(key, device, payload);
    else if (kind === "DDEATH") nodes.dieDevice(key, device);
    if (kind.endsWith("DEATH")) throw noValues();
    return kind.endsWith("BIRTH")
      ? [birthReading(payload, origin, nodes)]
      : readingsOf(payload, origin, nodes, askForBirth);
  };
}

/** Tells whether a reading is of a birth: what it brings was known before. */
export function isBirth(reading: unknown): boolean {
  return typeof reading === "object" && reading !== null && "$birth" in reading && reading.$birth === true;
}

/** What a birth brings is what was last known. */
function birthReading(payload: SparkplugPayload, origin: Origin, nodes: EdgeNodes): Reading {
  const reading = emptyReading(origin, payload.time, { isBirth: true });
  for (const metric of payload.metrics) {
    const known = nodes.definitionOf(origin.key, origin.device, metric);
    if (known === undefined || isOwn(known.name)) continue;
    const value = plainValue(metric.content, known.type);
    if (value !== STRANGE) reading[known.name] = value;
  }
  return reading;
}

/**
 * The metrics of a message are one reading at its time. Those that were kept while the connection was down are readings of their own
 * times, and so are those of a name that occurs twice.
 */
function readingsOf(payload: SparkplugPayload, origin: Origin, nodes: EdgeNodes, askForBirth: () => void): Reading[] {
  const live = emptyReading(origin, payload.time);
  const others = new Map<number | undefined, Reading>();
  let strangers = 0;
  let found = 0;
  for (const metric of payload.metrics) {
    const known = nodes.definitionOf(origin.key, origin.device, metric);
    const value = known === undefined ? STRANGE : plainValue(metric.content, known.type);
    if (known === undefined || value === STRANGE) {
      strangers++;
      continue;
    }
    found++;
    if (isOwn(known.name)) continue;
    const isOther = metric.isHistorical || Object.hasOwn(live, known.name);
    const reading = isOther ? otherReading(others, metric, payload, origin) : live;
    reading[known.name] = value;
  }
  if (strangers > 0) askForBirth();
  if (strangers > 0 && found === 0) {
    throw new PayloadError(
      "unborn",
      `No birth of ${origin.group}/${origin.node} tells what its metrics are; it was asked for one`,
    );
  }
  const hasLive = Object.keys(live).length > OWN_MEMBERS || others.size === 0;
  return [...others.values(), ...(hasLive ? [live] : [])];
}

function otherReading(
  others: Map<number | undefined, Reading>,
  metric: Metric,
  payload: SparkplugPayload,
  origin: Origin,
): Reading {
  const time = metric.time ?? payload.time;
  const known = others.get(time);
  if (known !== undefined) return known;
  const reading = emptyReading(origin, time, { isHistorical: metric.isHistorical });
  others.set(time, reading);
  return reading;
}

function emptyReading(
  { group, node, device }: Origin,
  time: number | undefined,
  { isBirth = false, isHistorical = false } = {},
): Reading {
  return Object.assign(Object.create(null), {
    $time: time,
    $group: group,
    $node: node,
    $device: device,
    $birth: isBirth,
    $historical: isHistorical,
  });
}

const OWN_MEMBERS = 6;
/** No metric of a plant is called so. */
const isOwn = (name: string) => name.startsWith("$");

/** An integer of a type that nobody told. */
const STRANGE = Symbol("strange");
const SIGNED_BITS: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [2, 16],
  [3, 32],
  [4, 64],
]);
/** Integers below stand for themselves, whatever their type. */
const LEAST_SIGNED = 128;

function plainValue(content: Content, type: number | undefined): unknown {
  switch (content.kind) {
    case "none":
      return null;
    case "plain":
      return content.value;
    case "template":
      return membersOf(content.metrics);
    case "int":
    case "long": {
      const value = BigInt(content.value);
      if (value < LEAST_SIGNED) return Number(value);
      if (type === undefined || type === 0) return STRANGE;
      const bits = SIGNED_BITS.get(type);
      return Number(bits === undefined ? value : BigInt.asIntN(bits, value));
    }
  }
}

function membersOf(metrics: readonly Metric[]): Reading {
  const members: Reading = Object.create(null);
  for (const { name, content, type } of metrics) {
    const value = plainValue(content, type);
    if (name !== undefined && value !== STRANGE) members[name] = value;
  }
  return members;
}
