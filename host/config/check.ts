// What a schema cannot say: how the values of a configuration fit together. Pure.

import { filtersOverlap } from "../stream/filters.ts";
import type { InputBinding } from "../stream/payload.ts";
import { compileField } from "../stream/pointer.ts";
import {
  type DeviceTemplate,
  isDeviceKey,
  parseDeviceTemplate,
  parseTopicTemplate,
  type TopicTemplate,
} from "../stream/topic.ts";
import { checkAlarms } from "./alarms.ts";
import type { Path, Problem } from "./document.ts";
import type { Config, InputConfig, StreamConfig } from "./schema.ts";

/** A stream whose templates are parsed. */
export interface CheckedStream {
  readonly name: string;
  readonly config: StreamConfig;
  readonly topic: TopicTemplate;
  readonly device: DeviceTemplate;
  /** Undefined: the model's inputs, by name. */
  readonly inputs: readonly InputBinding[] | undefined;
}

/** Checks a configuration and answers its streams; adds to `problems` what is wrong. */
export function checkConfig(config: Config, problems: Problem[]): CheckedStream[] {
  checkBroker(config.broker, problems);
  if (config.state.memory && config.state.directory !== undefined) {
    problems.push({ path: ["state"], message: "either memory: true or a directory, not both" });
  }
  if (!isDeviceKey(config.base_topic) || config.base_topic.startsWith("$")) {
    problems.push({ path: ["base_topic"], message: `"${config.base_topic}" is not a topic to publish on` });
  }
  const streams = Object.entries(config.streams);
  if (streams.length === 0) problems.push({ path: ["streams"], message: "there is no stream" });
  return streams.flatMap(([name, stream]) => {
    const checked = checkStream(name, stream, problems);
    if (checked !== undefined) checkLoop(config, checked, problems);
    return checked ?? [];
  });
}

function checkBroker(broker: Config["broker"], problems: Problem[]): void {
  const fault = (key: string, message: string) => problems.push({ path: ["broker", key], message });
  const url = URL.canParse(broker.url) ? new URL(broker.url) : undefined;
  if (url === undefined || !/^mqtts?:$/.test(url.protocol) || url.hostname === "") {
    fault("url", "expected mqtt://host[:port] or mqtts://host[:port]");
    return;
  }
  if (url.username !== "" || url.password !== "") {
    fault("url", "name the user in broker.username and broker.password: a URL is logged");
  }
  for (const key of ["ca", "cert", "key", "passphrase"] as const) {
    if (broker[key] !== undefined && url.protocol !== "mqtts:") fault(key, "TLS needs a URL that starts with mqtts://");
  }
  if (broker.cert !== undefined && broker.key === undefined) fault("cert", "a client certificate needs its key");
  if (broker.key !== undefined && broker.cert === undefined) fault("key", "a key needs its client certificate (cert)");
}

function checkStream(name: string, config: StreamConfig, problems: Problem[]): CheckedStream | undefined {
  const path: Path = ["streams", name];
  const count = problems.length;
  if (name === "bridge") problems.push({ path, key: name, message: "bridge is the host's own name, take another" });
  const topic = attempt(problems, [...path, "topic"], () => parseTopicTemplate(config.topic));
  checkPayload(config, path, problems);
  checkAlarms(config, path, problems);
  if (config.reset !== undefined && config.overlap !== undefined) {
    problems.push({
      path: [...path, "overlap"],
      message: "either reset or overlap, not both: a window starts in one way",
    });
  }
  if (topic === undefined) return undefined;
  const all = topic.names.map((capture) => `{${capture}}`).join("/");
  const text = config.device ?? (all === "" ? name : all);
  const device = attempt(problems, [...path, "device"], () => parseDeviceTemplate(text, topic.names));
  if (device === undefined || problems.length > count) return undefined;
  const inputs = config.inputs?.map((input) => (typeof input === "string" ? { name: input } : toBinding(input)));
  return { name, config, topic, device, inputs };
}

function checkPayload(config: StreamConfig, path: Path, problems: Problem[]): void {
  const { payload, inputs = [], time } = config;
  if (time !== undefined) {
    if (payload !== "json") {
      problems.push({ path: [...path, "time"], message: `a payload of ${payload} has no field for the time` });
    }
    attempt(problems, [...path, "time", "field"], () => compileField(time.field));
  }
  for (const [index, input] of inputs.entries()) {
    if (typeof input === "string") continue;
    const at = [...path, "inputs", index];
    for (const key of ["field", "max_age"] as const) {
      if (input[key] === undefined || payload === "json") continue;
      problems.push({ path: [...at, key], message: `a payload of ${payload} has no fields` });
    }
    const { field } = input;
    if (field !== undefined) attempt(problems, [...at, "field"], () => compileField(field));
  }
}

/** A prediction that comes back as a reading would be answered by a prediction, for ever. */
function checkLoop(config: Config, { name, topic }: CheckedStream, problems: Problem[]): void {
  const base = config.base_topic;
  const outputs = [...Object.keys(config.streams).map((stream) => `${base}/${stream}/+/#`), `${base}/bridge/#`];
  const output = outputs.find((filter) => filtersOverlap(filter, topic.filter));
  if (output === undefined) return;
  const message = `${topic.text} also matches what is published on ${output}, which would go round in circles; narrow it or change base_topic`;
  problems.push({ path: ["streams", name, "topic"], message });
}

function toBinding({ name, field, max_age: maxAge }: Exclude<InputConfig, string>): InputBinding {
  return { name, ...(field === undefined ? {} : { field }), ...(maxAge === undefined ? {} : { maxAge }) };
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
