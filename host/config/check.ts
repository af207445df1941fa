// What a schema cannot say: how the values of a configuration fit together. Pure.

import { filtersOverlap } from "../stream/filters.ts";
import { isDeviceKey } from "../stream/topic.ts";
import { checkAlarms } from "./alarms.ts";
import { checkCollect } from "./collect-schema.ts";
import type { Path, Problem } from "./document.ts";
import { checkHomeAssistant } from "./homeassistant-schema.ts";
import { type PlannedInputs, planInputs } from "./inputs.ts";
import type { Config, StreamConfig } from "./schema.ts";
import { checkSequence } from "./sequence-schema.ts";
import { checkWeb } from "./web-schema.ts";

/** A stream whose templates are parsed. */
export interface CheckedStream extends PlannedInputs {
  readonly name: string;
  readonly config: StreamConfig;
}

/** Checks a configuration and answers its streams; adds to `problems` what is wrong. */
export function checkConfig(config: Config, problems: Problem[]): CheckedStream[] {
  checkBroker(config.broker, problems);
  checkWeb(config.web, problems);
  if (config.state.memory && config.state.directory !== undefined) {
    problems.push({ path: ["state"], message: "either memory: true or a directory, not both" });
  }
  if (!isDeviceKey(config.base_topic) || config.base_topic.startsWith("$")) {
    problems.push({ path: ["base_topic"], message: `"${config.base_topic}" is not a topic to publish on` });
  }
  checkHomeAssistant(config, problems);
  const streams = Object.entries(config.streams);
  if (streams.length === 0) problems.push({ path: ["streams"], message: "there is no stream" });
  return streams.flatMap(([name, stream]) => {
    const checked = checkStream(name, stream, config.state.memory === true, problems);
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

function checkStream(
  name: string,
  config: StreamConfig,
  isInMemory: boolean,
  problems: Problem[],
): CheckedStream | undefined {
  const path: Path = ["streams", name];
  if (name === "bridge") problems.push({ path, key: name, message: "bridge is the host's own name, take another" });
  checkSequence(config, path, problems);
  checkAlarms(config, path, problems);
  checkCollect(config, isInMemory, path, problems);
  if (config.reset !== undefined && config.overlap !== undefined) {
    problems.push({
      path: [...path, "overlap"],
      message: "either reset or overlap, not both: a window starts in one way",
    });
  }
  const planned = planInputs(name, config, problems);
  return planned && { name, config, ...planned };
}

/** A prediction that comes back as a reading would be answered by a prediction, for ever. */
function checkLoop(config: Config, { name, sources }: CheckedStream, problems: Problem[]): void {
  const base = config.base_topic;
  const outputs = [...Object.keys(config.streams).map((stream) => `${base}/${stream}/+/#`), `${base}/bridge/#`];
  for (const { topic, path } of sources) {
    const output = outputs.find((filter) => filtersOverlap(filter, topic.filter));
    if (output === undefined) continue;
    const message = `${topic.text} also matches what is published on ${output}, which would go round in circles; narrow it or change base_topic`;
    problems.push({ path: ["streams", name, ...path], message });
  }
}
