// How systems of plants and of the field are recognised. What is answered is what the preset of that name reads.

import { PLANT_PRESETS } from "../../../host/config/presets/plant.ts";
import type { Preset } from "../../../host/config/presets/types.ts";
import { createDocumentDecoder } from "../../../host/stream/decode/index.ts";
import { decodeInflux } from "../../../host/stream/decode/influx.ts";
import { PayloadError } from "../../../host/stream/payload.ts";
import type { Parsed, Recognise, Sighting } from "../types.ts";
import { isObject, numbersOf } from "../values.ts";
import { basesOf, join, matchBase, namesByPlace } from "./names.ts";

const NO_CODEC =
  "its bytes are not decoded: give the devices a codec (payload formatter) in the network server, or write the stream with unpack (docs/config.md, Binary payloads)";

const uplinks = (
  preset: string,
  sign: RegExp,
  find: (json: Readonly<Record<string, unknown>>) => unknown,
): Recognise => {
  return ({ topic, json }) => {
    const [, base = "", device = ""] = sign.exec(topic) ?? [];
    if (device === "") return undefined;
    const object = isObject(json) ? find(json) : undefined;
    if (!isObject(object)) return { why: NO_CODEC };
    return {
      preset,
      base,
      device,
      values: numbersOf(object, 3),
      topics: [topic.replace(/^((?:.*\/)?(?:application|v3)\/)[^/]+/, "$1{application}")],
    };
  };
};

const chirpstack = uplinks(
  "chirpstack",
  /^((?:.*\/)?application)\/[^/]+\/device\/([^/]+)\/event\/up$/,
  ({ object }) => object,
);
const ttn = uplinks("ttn", /^((?:.*\/)?v3)\/[^/]+\/devices\/([^/]+)\/up$/, ({ uplink_message: uplink }) =>
  isObject(uplink) ? uplink.decoded_payload : undefined,
);

const VICTRON_NAMES = namesByPlace(PLANT_PRESETS.victron as Preset);

const victron: Recognise = ({ topic, json }) => {
  const [, base = "", device = "", place = ""] = /^((?:.*\/)?N)\/([^/]+\/[a-z]+\/\d+)\/(.+)$/.exec(topic) ?? [];
  if (device === "")
    return /^(?:.*\/)?N\/[^/]+\/(?:system|keepalive|heartbeat|full_publish_completed)\b/.test(topic)
      ? "own"
      : undefined;
  // Of the hundreds of paths, those that have a name.
  const name = VICTRON_NAMES.get(place);
  if (!isObject(json) || typeof json.value !== "number" || name === undefined) return "own";
  return { preset: "victron", base, device, values: new Map([[name, json.value]]), topics: [`${base}/${device}/#`] };
};

const opendtu: Recognise = (message, around) => {
  const found = matchBase(message, basesOf(around, "opendtu"));
  if (found === undefined) return undefined;
  const [device = "", channel, name, ...more] = found.rest;
  if (!/^\d{12}$/.test(device) || channel !== "0" || name === undefined || more.length > 0) return "own";
  if (message.number === undefined) return "own";
  return {
    preset: "opendtu",
    base: found.base,
    device,
    values: new Map([[name, message.number]]),
    topics: [`${found.base}/${device}/#`],
  };
};

/** The fields of a metric, in JSON or in the line protocol. */
const telegraf: Recognise = (message) => {
  const { json, levels } = message;
  const metric = isObject(json) && Array.isArray(json.metrics) ? json.metrics[0] : json;
  if (isObject(metric) && isObject(metric.fields) && metric.timestamp !== undefined) {
    const lines = metric === json ? {} : { each: "/metrics" };
    return ofTelegraf(levels, numbersOf(metric.fields, 1), lines);
  }
  const point = json === undefined && message.number === undefined ? lineOf(message) : undefined;
  return point === undefined ? undefined : ofTelegraf(levels, numbersOf(point, 1), { payload: "influx" });
};

function lineOf({ payload }: Parsed): unknown {
  if (!/^[A-Za-z][^\n]* [^\n]*=[^\n]* \d{19}\s*(\n|$)/.test(Buffer.from(payload).toString("utf8").slice(0, 4096)))
    return undefined;
  try {
    return decodeInflux(payload)[0]?.fields;
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return undefined;
  }
}

function ofTelegraf(
  levels: readonly string[],
  values: ReadonlyMap<string, number>,
  format: Record<string, string>,
): Sighting {
  const topic = levels.join("/");
  const [base = "", ...rest] = levels;
  const preset = "telegraf";
  if (rest.length === 2) return { preset, base, device: rest.join("/"), values, lines: format, topics: [topic] };
  // Its topics are as its user wrote them.
  return { preset, base, device: topic, values, lines: { ...format, topic }, topics: [topic] };
}

const thingsboard: Recognise = ({ topic, json }) => {
  const [, base = "", kind] = /^(?:(.+)\/)?v1\/(devices\/me|gateway)\/telemetry$/.exec(topic) ?? [];
  if (kind === "devices/me") {
    const element = Array.isArray(json) ? json[0] : json;
    if (!isObject(element) || !isObject(element.values)) return undefined;
    return { preset: "thingsboard", base, device: "device", values: numbersOf(element.values, 1), topics: [topic] };
  }
  if (kind !== "gateway" || !isObject(json)) return undefined;
  const [device, elements] = Object.entries(json)[0] ?? [];
  const element = Array.isArray(elements) ? elements[0] : undefined;
  if (device === undefined || !isObject(element) || !isObject(element.values)) return "own";
  return { preset: "thingsboard-gateway", base, device, values: numbersOf(element.values, 1), topics: [] };
};

const SENML = { senml: createDocumentDecoder("senml"), senml_cbor: createDocumentDecoder("senml_cbor") };

/** Which form of SenML a message may have: an array of records, in CBOR each a map with a label of SenML in front. */
function senmlFormOf({ json, payload }: Parsed): keyof typeof SENML | undefined {
  const isPack =
    Array.isArray(json) &&
    json.length > 0 &&
    json.every((record) => isObject(record) && ("n" in record || "bn" in record));
  if (isPack) return "senml";
  const [array = 0, map = 0, label = 0] = payload;
  const isArray = (array > 0x80 && array < 0x98) || array === 0x9f;
  const isMap = (map > 0xa0 && map < 0xb8) || map === 0xbf;
  return isArray && isMap && (label < 8 || (label >= 0x20 && label < 0x26)) ? "senml_cbor" : undefined;
}

const senml: Recognise = (message) => {
  const { topic, payload, time } = message;
  const form = senmlFormOf(message);
  if (form === undefined) return undefined;
  try {
    const around = { topic, captures: new Map<string, string>(), now: () => time, ask() {} };
    const [reading] = SENML[form](payload, around) as Readonly<Record<string, unknown>>[];
    const values = numbersOf({ ...reading, time: undefined, bn: undefined }, 1);
    const device = typeof reading?.bn === "string" && reading.bn !== "" ? reading.bn : undefined;
    const format = form === "senml" ? {} : { payload: form };
    if (device !== undefined)
      return { preset: "senml", base: "", device, values, lines: { ...format, topic }, topics: [topic] };
    // Without a base name, the topic tells the device.
    const lines = { payload: form, each: "", time: { field: "time", format: "unix" } };
    return { preset: undefined, base: "", device: topic, values, lines, topics: [topic] };
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
    return undefined;
  }
};

/** Edge nodes tell the names of their metrics in births, so it remembers them. */
function createSparkplug(): Recognise {
  const decode = createDocumentDecoder("sparkplug");
  return ({ topic, payload, time }) => {
    const start = topic.split("/").indexOf("spBv1.0");
    if (start < 0) return undefined;
    const base = topic
      .split("/")
      .slice(0, start + 1)
      .join("/");
    try {
      const around = { topic, captures: new Map<string, string>(), now: () => time, ask() {} };
      const [reading] = decode(payload, around) as Readonly<Record<string, unknown>>[];
      const { $group, $node, $device, ...metrics } = reading ?? {};
      const device = join(String($group), String($node), String($device));
      const own = Object.entries(metrics).filter(([name, value]) => !name.startsWith("$") && typeof value === "number");
      return { preset: "sparkplug", base, device, values: new Map(own as [string, number][]), topics: [] };
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      return "own";
    }
  };
}

/** In the order in which they are asked; made anew for each listening. */
export const createPlantSystems = (): readonly Recognise[] => [
  createSparkplug(),
  chirpstack,
  ttn,
  victron,
  opendtu,
  thingsboard,
  telegraf,
  senml,
];
