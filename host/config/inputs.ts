// What a stream says of its inputs becomes plans of sources, and when samples are taken. Pure.

import { sparkplugProblem } from "../stream/decode/sparkplug/topic.ts";
import type { PlanFormat, SourcePlan } from "../stream/plan.ts";
import { compileElements, compileField, isPositional } from "../stream/pointer.ts";
import type { ReaderInput } from "../stream/reader.ts";
import type { Sampling } from "../stream/sampler.ts";
import { exceptTopics, parseDeviceTemplate, parseTopicTemplate, type TopicTemplate } from "../stream/topic.ts";
import type { ValueOptions } from "../stream/value.ts";
import { createZone } from "../stream/zone.ts";
import type { Path, Problem } from "./document.ts";
import { checkSampling, samplingOf, takesHeld } from "./sampling.ts";
import type { InputConfig, StreamConfig } from "./schema.ts";

/** A plan, and where the configuration tells its topic, from the stream on. */
export interface PlannedSource extends SourcePlan {
  readonly path: Path;
}

/** The inputs of a stream. */
export interface PlannedInputs {
  readonly sources: readonly PlannedSource[];
  /** Those of all sources, in the order of the configuration; undefined: the model's inputs, by name. */
  readonly inputs: readonly ReaderInput[] | undefined;
  /** Undefined: every message that may be a sample is one. */
  readonly sampling: Sampling | undefined;
  /** What an operator should know, each with its path. */
  readonly warnings: readonly Problem[];
}

/** Seconds for which values stand in that come in messages of their own, unless the configuration tells. */
const DEFAULT_MAX_AGE = 3600;
/** Formats whose documents have fields; the values of others stand for themselves, or have places. */
const HAS_NO_FIELDS: readonly PlanFormat[] = ["array", "number", "f32le", "samples"];
/** Fields that tell nothing of which quantity it is. */
const NAMELESS: readonly (string | undefined)[] = ["", "value", "/value", "val", "/val", "v", "/v"];

type InputObject = Exclude<InputConfig, string>;

/** An input of the configuration, and its place there. */
interface Placed {
  readonly config: InputObject;
  readonly index: number;
}

/** Inputs that come from the same topic in the same format. */
interface Group {
  readonly topic: string;
  readonly path: Path;
  readonly format: PlanFormat;
  /** Undefined: the model's inputs, by name. */
  readonly inputs: readonly Placed[] | undefined;
}

/** Plans the sources of a stream; adds to `problems` what is wrong, and answers undefined then. */
export function planInputs(name: string, config: StreamConfig, problems: Problem[]): PlannedInputs | undefined {
  const path: Path = ["streams", name];
  const count = problems.length;
  const placed = config.inputs?.map((input, index) => {
    return { config: typeof input === "string" ? { name: input } : input, index };
  });
  const groups = groupInputs(config, placed, path, problems);
  const leftOut = (config.except ?? []).flatMap(
    (text, index) => attempt(problems, [...path, "except", index], () => parseTopicTemplate(text)) ?? [],
  );
  const topics = groups.map((group) =>
    attempt(problems, [...path, ...group.path], () => exceptTopics(parseTopicTemplate(group.topic), leftOut)),
  );
  for (const { index, config: input } of placed ?? []) checkInput(input, config, [...path, "inputs", index], problems);
  checkMessage(config, groups, path, problems);
  checkSampling(config, path, problems);
  const elements = attempt(problems, [...path, "each"], () => compileElements(config.each ?? ""));
  const isHeld = groups.length > 1 || takesHeld(config);
  const sources = groups.flatMap((group, index): PlannedSource[] => {
    const topic = topics[index];
    if (topic === undefined || elements === undefined) return [];
    const text = deviceOf(name, config, topic, elements.names);
    const device = attempt(problems, [...path, "device"], () => parseDeviceTemplate(text, topic.names, elements.names));
    if (device === undefined) return [];
    const inputs = group.inputs?.map((input) => toInput(input.config, config, isHeld));
    return [
      {
        ...optionsOf(config, group.format),
        topic,
        device,
        format: group.format,
        inputs,
        isPartial: isHeld,
        ...maxAgeOf(undefined, config, isHeld),
        path: group.path,
      },
    ];
  });
  checkDevices(sources, config, path, problems);
  if (problems.length > count) return undefined;
  for (const [index, source] of sources.entries()) checkQuantities(source, groups[index] as Group, path, problems);
  if (problems.length > count) return undefined;
  return {
    sources,
    inputs: placed?.map((input) => toInput(input.config, config, isHeld)),
    sampling: samplingOf(config, groups.length),
    warnings: (placed ?? []).flatMap((input) => warningsOf(input, path)),
  };
}

function groupInputs(
  config: StreamConfig,
  placed: readonly Placed[] | undefined,
  path: Path,
  problems: Problem[],
): Group[] {
  const groups = new Map<string, Group & { inputs: Placed[] | undefined }>();
  const bare = placed?.filter((input) => input.config.topic === undefined);
  if (bare === undefined || bare.length > 0) {
    if (config.topic === undefined) problems.push({ path, message: '"topic" is missing' });
    else groups.set("", { topic: config.topic, path: ["topic"], format: config.payload, inputs: bare });
  } else if (config.topic !== undefined) {
    problems.push({
      path: [...path, "topic"],
      message: "every input has a topic of its own, so nothing is read from this one",
    });
  }
  for (const input of placed ?? []) {
    const { topic, payload, field } = input.config;
    if (topic === undefined) {
      if (payload !== undefined) {
        problems.push({
          path: [...path, "inputs", input.index, "payload"],
          message: "the payload of an input needs its own topic",
        });
      }
      continue;
    }
    const format = payload ?? (field === undefined ? "any" : "json");
    const key = JSON.stringify([topic, format]);
    const group = groups.get(key);
    if (group === undefined)
      groups.set(key, { topic, path: ["inputs", input.index, "topic"], format, inputs: [input] });
    else group.inputs?.push(input);
  }
  return [...groups.values()];
}

function checkInput(input: InputObject, config: StreamConfig, path: Path, problems: Problem[]): void {
  const format = input.topic === undefined ? config.payload : (input.payload ?? "json");
  for (const key of ["field", "max_age"] as const) {
    const isOwn = key === "max_age" && (input.topic !== undefined || config.trigger !== undefined);
    if (input[key] === undefined || isOwn || !HAS_NO_FIELDS.includes(format)) continue;
    problems.push({ path: [...path, key], message: `a payload of ${format} has no fields` });
  }
  const { field, range } = input;
  if (field !== undefined) attempt(problems, [...path, "field"], () => compileField(field));
  if (range !== undefined && range[0] > range[1]) {
    problems.push({
      path: [...path, "range"],
      message: `found ${range[0]} to ${range[1]}, expected the lesser value first`,
    });
  }
}

function checkMessage(config: StreamConfig, groups: readonly Group[], path: Path, problems: Problem[]): void {
  const { payload, time, where = {}, trigger, inputs } = config;
  const hasFields = groups.some(({ format }) => !HAS_NO_FIELDS.includes(format));
  if (time !== undefined) {
    if (!hasFields && groups.length > 0)
      problems.push({ path: [...path, "time"], message: `a payload of ${payload} has no field for the time` });
    attempt(problems, [...path, "time", "field"], () => compileField(time.field));
    const { zone } = time;
    if (zone !== undefined) attempt(problems, [...path, "time", "zone"], () => createZone(zone));
  }
  checkFormat(config, path, problems);
  for (const { format, topic, path: at } of groups) {
    const message = format === "sparkplug" ? sparkplugProblem(topic, config.device) : undefined;
    if (message !== undefined) problems.push({ path: [...path, ...at], message });
  }
  for (const field of Object.keys(where)) attempt(problems, [...path, "where", field], () => compileField(field));
  if (typeof trigger !== "object" || !("on" in trigger)) return;
  const names = inputs?.map((input) => (typeof input === "string" ? input : input.name));
  if (names === undefined) {
    problems.push({ path: [...path, "trigger"], message: "a trigger on an input needs inputs, by name" });
  } else if (!names.includes(trigger.on)) {
    problems.push({
      path: [...path, "trigger", "on"],
      message: `there is no input "${trigger.on}"; there are ${names.join(", ")}`,
    });
  }
}

/** What is said of a format must be of the one that is used. */
function checkFormat(
  { payload, struct, samples, unpack, encoding }: StreamConfig,
  path: Path,
  problems: Problem[],
): void {
  const needsStruct = payload === "struct" || unpack?.as === "struct";
  if (needsStruct && struct === undefined)
    problems.push({ path, message: 'a payload of struct needs "struct", its fields' });
  if (!needsStruct && struct !== undefined) {
    problems.push({ path: [...path, "struct"], message: `a payload of ${payload} has no struct` });
  }
  if ((payload === "samples") !== (samples !== undefined)) {
    const message =
      samples === undefined ? 'a payload of samples needs "samples"' : `a payload of ${payload} has no samples`;
    problems.push({ path: samples === undefined ? path : [...path, "samples"], message });
  }
  const hasFields = !HAS_NO_FIELDS.includes(payload);
  if (unpack !== undefined && !hasFields)
    problems.push({ path: [...path, "unpack"], message: `a payload of ${payload} has no fields` });
  if (unpack !== undefined) attempt(problems, [...path, "unpack", "field"], () => compileField(unpack.field));
  if (encoding !== undefined && !hasFields)
    problems.push({ path: [...path, "encoding"], message: `a payload of ${payload} is read as it is` });
}

function deviceOf(name: string, config: StreamConfig, topic: TopicTemplate, elements: readonly string[]): string {
  if (typeof config.device === "string") return config.device;
  if (config.device !== undefined) return `{${asPointer(config.device.field)}}`;
  const all = [...topic.names, ...elements].map((capture) => `{${capture}}`).join("/");
  return all === "" ? name : all;
}

function asPointer(field: string): string {
  return field.startsWith("/") ? field : `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** By default, a device is made of all captures; they must be the same wherever its inputs come from. */
function checkDevices(sources: readonly PlannedSource[], config: StreamConfig, path: Path, problems: Problem[]): void {
  const texts = [...new Set(sources.map(({ device }) => device.text))];
  if (config.device !== undefined || texts.length < 2) return;
  problems.push({
    path,
    message: `the topics of the inputs would make different devices, ${texts.join(" and ")}; capture the same names, or say by device: which of them name a device`,
  });
}

/** Voltage must not be stepped as power because both are called "value". */
function checkQuantities(source: PlannedSource, group: Group, path: Path, problems: Problem[]): void {
  const { topic, device, format, inputs = [] } = source;
  const fieldOf = ({ name, field }: ReaderInput) => (format === "number" ? "" : (field ?? name));
  const names = inputs.map(({ name }) => name);
  const at = [...path, ...group.path];
  const isSame = format !== "array" && format !== "f32le" && inputs.length > 1;
  if (isSame && inputs.every((input) => fieldOf(input) === fieldOf(inputs[0] as ReaderInput))) {
    problems.push({
      path: at,
      message: `${names.join(" and ")} would all be read from the same place of one message; ${remedy(source)}`,
    });
    return;
  }
  const last = topic.text.split("/").at(-1) ?? "";
  const isOpen = last === "#" || (/^\{\w+\+?\}$/.test(last) && !device.text.includes(last.replace("+", "")));
  if (!isOpen || inputs.length !== 1 || !NAMELESS.includes(fieldOf(inputs[0] as ReaderInput))) return;
  problems.push({
    path: at,
    message: `the topic matches several quantities of a device, and all of them would be stepped as ${names[0]}; ${remedy(source)}`,
  });
}

function remedy({ topic, inputs = [] }: PlannedSource): string {
  const [{ name, field } = { name: "power" }] = inputs;
  const own = topic.text.replace(/[^/]*$/, name);
  return `where each quantity has its own topic, each input names it: { name: ${name}, topic: "${own}"${field === undefined ? "" : `, field: ${field}`} }`;
}

function optionsOf(config: StreamConfig, format: PlanFormat) {
  const { each, where, trigger, time, distinct } = config;
  const hasTime = time !== undefined && !HAS_NO_FIELDS.includes(format) && format !== "any";
  return {
    maxBytes: config.max_payload,
    ...formatOptions(config, format),
    ...(each === undefined ? {} : { each }),
    ...(where === undefined ? {} : { where: mapValues(where, (value) => [value].flat().map(String)) }),
    ...(typeof trigger === "object" && "on" in trigger ? { triggeredBy: trigger.on } : {}),
    ...(hasTime ? { time: timeOf(time) } : {}),
    ...(distinct === undefined ? {} : { distinct: distinct.fields }),
  };
}

function formatOptions({ payload, struct, encoding, unpack, samples }: StreamConfig, format: PlanFormat) {
  if (format !== payload) return {};
  const options = {
    ...(struct === undefined ? {} : { struct: struct.map(withoutUndefined) }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(unpack === undefined ? {} : { unpack: { field: unpack.field, encoding: unpack.encoding, format: unpack.as } }),
    ...(samples === undefined ? {} : { samples: { type: samples.type, intervalMs: 1000 * samples.interval } }),
  };
  return Object.keys(options).length === 0 ? {} : { options };
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function timeOf({ field, format, zone, max_future: maxFuture }: NonNullable<StreamConfig["time"]>) {
  return { field, format, ...(zone === undefined ? {} : { zone }), ...(maxFuture === undefined ? {} : { maxFuture }) };
}

function toInput(input: InputObject, config: StreamConfig, isHeld: boolean): ReaderInput {
  const { name, field } = input;
  const value = valueOptionsOf(input);
  return {
    name,
    ...(field === undefined ? {} : { field }),
    ...maxAgeOf(input.max_age, config, isHeld),
    ...(value === undefined ? {} : { value }),
  };
}

function maxAgeOf(own: number | undefined, config: StreamConfig, isHeld: boolean): { readonly maxAge?: number } {
  const maxAge = own ?? config.max_age ?? (isHeld ? DEFAULT_MAX_AGE : undefined);
  return maxAge === undefined ? {} : { maxAge };
}

function valueOptionsOf({ map, decimal, prefix, unit, range, sentinels }: InputObject): ValueOptions | undefined {
  const options = {
    ...(map === undefined ? {} : { map }),
    ...(decimal === undefined ? {} : { hasDecimalComma: true }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(unit === undefined ? {} : { unit }),
    ...(range === undefined ? {} : { range }),
    ...(sentinels === undefined ? {} : { sentinels }),
  };
  return Object.keys(options).length === 0 ? undefined : options;
}

function warningsOf({ config: { field }, index }: Placed, path: Path): Problem[] {
  if (field === undefined || !isPositional(field)) return [];
  return [
    {
      path: [...path, "inputs", index, "field"],
      message: `"${field}" chooses an element by its position, which no sender promises to keep; /e[n=temperature]/v chooses it by a member`,
    },
  ];
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function attempt<T>(problems: Problem[], path: Path, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    problems.push({ path, message: error.message });
    return undefined;
  }
}
