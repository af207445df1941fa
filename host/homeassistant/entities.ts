// What Home Assistant is told of devices and of the bridge: MQTT discovery, a message for each entity, which every version reads
// (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery).

import type { OutputSpec } from "../model/types.ts";
import { nodeId, shownName } from "./names.ts";
import { quantityOf } from "./units.ts";

/** Where things are published. */
export interface Place {
  /** First levels of the topics of answers. */
  readonly baseTopic: string;
  /** Of Rivulet; undefined when nobody said it. */
  readonly version: string | undefined;
}

/** What devices of a stream have to show. */
export interface StreamEntities {
  readonly name: string;
  /** `name@hash8`; undefined without a model. */
  readonly model: string | undefined;
  readonly outputs: readonly OutputSpec[];
  readonly hasDetector: boolean;
  /** Whether it is told when they fall silent, and when they repeat a value. */
  readonly tellsSilence: boolean;
  readonly tellsStuck: boolean;
  /** Seconds without an answer after which values are not known any more; undefined: they stay. */
  readonly expireAfter: number | undefined;
}

/** An entity of a node. */
export interface EntityMessage {
  /** Kind and name, such as `sensor/score`. */
  readonly part: string;
  /** JSON text. */
  readonly payload: string;
}

/** The entities that share a node id. */
export interface Node {
  readonly id: string;
  readonly messages: readonly EntityMessage[];
}

/** Predictions that are shown of a device; a model may have hundreds. */
const MOST_PREDICTIONS = 16;

/** The topic on which an entity is announced, and removed by an empty message. */
export function configTopic(prefix: string, node: string, part: string): string {
  const [kind, name] = part.split("/");
  return `${prefix}/${kind}/${node}/${name}/config`;
}

const origin = ({ version }: Place) => ({ name: "Rivulet", ...(version !== undefined && { sw_version: version }) });

/** The bridge says `online`, `offline`, or `degraded: ` and why. */
const IS_ONLINE = "{{ 'offline' if value == 'offline' else 'online' }}";

const bridgeId = ({ baseTopic }: Place): string => nodeId("rivulet", baseTopic, "bridge");

/** What is said of the bridge itself. */
export function bridgeNode(place: Place): Node {
  const { baseTopic, version } = place;
  const id = bridgeId(place);
  const shared = {
    origin: origin(place),
    device: {
      identifiers: [id],
      name: baseTopic === "rivulet" ? "Rivulet" : shownName(`Rivulet ${baseTopic}`),
      manufacturer: "Rivulet",
      model: "Bridge",
      ...(version !== undefined && { sw_version: version }),
    },
    entity_category: "diagnostic",
    qos: 1,
  };
  const state = `${baseTopic}/bridge/state`;
  const entities: Record<string, object> = {
    "binary_sensor/connection": {
      name: "Connection",
      device_class: "connectivity",
      state_topic: state,
      value_template: "{{ 'OFF' if value == 'offline' else 'ON' }}",
    },
    "sensor/state": { name: "State", state_topic: state, value_template: "{{ value[:255] }}" },
    "sensor/version": {
      name: "Version",
      state_topic: `${baseTopic}/bridge/info`,
      value_template: "{{ value_json.version }}",
    },
    "update/update": {
      name: "Update",
      device_class: "firmware",
      title: "Rivulet",
      state_topic: `${baseTopic}/bridge/info`,
      value_template: "{{ {'installed_version': value_json.version} | tojson }}",
      // The host asks nobody on the internet: who knows the newest version publishes it.
      latest_version_topic: `${baseTopic}/bridge/latest_version`,
    },
  };
  return toNode(id, entities, shared);
}

/** What is published on `<base>/bridge/info`, retained. */
export function bridgeInfo({ version }: Place, streams: readonly string[]): string {
  return JSON.stringify({ version: version ?? "unknown", streams });
}

/** What is said of a device. */
export function deviceNode(place: Place, stream: StreamEntities, device: string): Node {
  const { baseTopic } = place;
  const id = nodeId("rivulet", baseTopic, stream.name, device);
  const topic = `${baseTopic}/${stream.name}/${device}`;
  const shared = {
    origin: origin(place),
    availability: [{ topic: `${baseTopic}/bridge/state`, value_template: IS_ONLINE }],
    device: {
      identifiers: [id],
      name: shownName(`${stream.name} ${device}`),
      manufacturer: "Rivulet",
      model: shownName(stream.model ?? "Detector"),
      via_device: bridgeId(place),
    },
    qos: 1,
  };
  return toNode(
    id,
    { ...alarmEntities(topic, stream), ...predictionEntities(topic, stream), ...healthEntities(topic, stream) },
    shared,
  );
}

function alarmEntities(topic: string, { hasDetector, expireAfter }: StreamEntities): Record<string, object> {
  if (!hasDetector) return {};
  return {
    "binary_sensor/alarm": {
      name: "Alarm",
      device_class: "problem",
      state_topic: `${topic}/alarm`,
      value_template: "{{ 'ON' if value_json.alarm else 'OFF' }}",
      json_attributes_topic: `${topic}/alarm`,
      json_attributes_template:
        "{{ {'cause': value_json.text | default(''), 'inputs': value_json.cause | map(attribute='input') | list," +
        " 'since': (value_json.since / 1000) | timestamp_utc, 'score': value_json.score," +
        " 'lasted': value_json.lasted | default(none)} | tojson }}",
    },
    "sensor/score": {
      name: "Anomaly score",
      icon: "mdi:chart-bell-curve",
      state_topic: topic,
      // Null is shown as unknown.
      value_template: "{{ value_json.score }}",
      state_class: "measurement",
      suggested_display_precision: 2,
      json_attributes_topic: topic,
      // Nothing that changes with every sample: each change is a row in Home Assistant's database.
      json_attributes_template:
        "{{ {'learning': (value_json.learning | default(1) * 100) | round(0), 'muted': value_json.muted | default(false)," +
        " 'acknowledged': value_json.acknowledged | default(false)} | tojson }}",
      ...(expireAfter !== undefined && { expire_after: expireAfter }),
    },
  };
}

function predictionEntities(topic: string, { outputs, expireAfter }: StreamEntities): Record<string, object> {
  return Object.fromEntries(
    outputs.slice(0, MOST_PREDICTIONS).map(({ name, unit }, index) => {
      const { unit: known, deviceClass } = quantityOf(name, unit);
      const entity = {
        name: `Predicted ${shownName(name.replaceAll("_", " "))}`,
        state_topic: topic,
        // By number: a name could hold anything.
        value_template: `{{ value_json.prediction[${index}] }}`,
        state_class: "measurement",
        suggested_display_precision: 2,
        ...(known !== undefined && { unit_of_measurement: known }),
        ...(deviceClass !== undefined && { device_class: deviceClass }),
        ...(expireAfter !== undefined && { expire_after: expireAfter }),
      };
      return [`sensor/prediction_${index}`, entity];
    }),
  );
}

function healthEntities(topic: string, { tellsSilence, tellsStuck }: StreamEntities): Record<string, object> {
  const shared = {
    state_topic: `${topic}/health`,
    json_attributes_topic: `${topic}/health`,
    json_attributes_template:
      "{{ {'why': value_json.why, 'since': (value_json.since / 1000) | timestamp_utc} | tojson }}",
    entity_category: "diagnostic",
  };
  const reporting = {
    name: "Reporting",
    device_class: "connectivity",
    value_template: "{{ 'OFF' if value_json.health == 'stale' else 'ON' }}",
    ...shared,
  };
  const stuck = {
    name: "Stuck",
    device_class: "problem",
    value_template: "{{ 'ON' if value_json.health == 'stuck' else 'OFF' }}",
    ...shared,
  };
  return {
    ...(tellsSilence && { "binary_sensor/reporting": reporting }),
    ...(tellsStuck && { "binary_sensor/stuck": stuck }),
  };
}

function toNode(id: string, entities: Readonly<Record<string, object>>, shared: object): Node {
  const messages = Object.entries(entities).map(([part, entity]) => {
    const unique = `${id}_${part.replace("/", "_")}`;
    return { part, payload: JSON.stringify({ ...entity, unique_id: unique, ...shared }) };
  });
  return { id, messages };
}
