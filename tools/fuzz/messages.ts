// What the host reads of a broker, of devices and of its user.

import mqttPacket, { type Packet } from "mqtt-packet";
import { checkConfig } from "../../host/config/check.ts";
import { ConfigError, type Problem, parseConfigDocument } from "../../host/config/document.ts";
import { describeIssue } from "../../host/config/issues.ts";
import { configSchema } from "../../host/config/schema.ts";
import type { Connection } from "../../host/mqtt/connection.ts";
import { PacketGuard } from "../../host/mqtt/guard.ts";
import { resolveClientId, Subscriptions } from "../../host/mqtt/subscriptions.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { StateStoreError } from "../../host/store/store.ts";
import { createDecoder, PayloadError } from "../../host/stream/payload.ts";
import { createRouter } from "../../host/stream/router.ts";
import { parseDeviceTemplate, parseTopicTemplate } from "../../host/stream/topic.ts";
import { JSON_TOKENS, type Target, texts, YAML_TOKENS } from "./target.ts";

const LIMIT = 1000;

/** What a broker sends: packets by way of the guard and the parser of mqtt.js, and topics by way of the router. */
export function packets(): Target {
  const publish = (topic: string, size: number, qos: 0 | 1): Packet => {
    const payload = Buffer.alloc(size, 65);
    return { cmd: "publish", topic, payload, qos, messageId: 7, dup: false, retain: false };
  };
  const stream = (...sent: readonly Packet[]) => Buffer.concat(sent.map((packet) => mqttPacket.generate(packet)));
  const seeds = [
    stream({ cmd: "connack", returnCode: 0, sessionPresent: false }, publish("plant/a/b/data", 90, 1)),
    stream(publish("plant/a/b/data", 5000, 1), publish("plant//b/data", 9, 0), { cmd: "pingresp" }),
    stream(publish("x/".repeat(300), 1200, 0), { cmd: "suback", messageId: 1, granted: [1, 0x80] }),
  ];
  const topic = parseTopicTemplate("plant/{site}/{device+}/data");
  const device = parseDeviceTemplate("{site}/{device}", topic.names);
  const decode = createDecoder({ payload: "number", inputs: [{ name: "a" }], modelInputs: ["a"], maxBytes: LIMIT });
  const route = createRouter([{ sources: [{ topic, device, decode }] }], { topics: 10, bytes: 4096 });
  const read = (bytes: Uint8Array) => {
    for (const protocol of [4, 5] as const) {
      const whole = guarded(bytes, protocol, bytes.length);
      const pieces = guarded(bytes, protocol, 1 + (bytes.length % 13));
      const isSame = Buffer.compare(whole.passed, pieces.passed) === 0 || whole.refusal !== undefined;
      if (!isSame || whole.refusal !== pieces.refusal) throw new Error("The guard goes by where packets are cut");
      for (const key of topicsIn(whole.passed, protocol).flatMap((name) => route(name).map((found) => found.device))) {
        if (key !== undefined && (key.length > 512 || /\p{Cc}/u.test(key))) throw new Error(`A device is ${key}`);
      }
    }
  };
  return { seeds, tokens: ["\x30\xff\xff\xff\x7f", "\x32\x80\x80\x01", "/", "+", "#"], read, refusals: [] };
}

/** What a guard lets pass of a connection that arrives in pieces. */
function guarded(bytes: Uint8Array, protocol: 4 | 5, piece: number) {
  const guard = new PacketGuard(LIMIT, protocol);
  const parts: Uint8Array[] = [];
  let refusal: string | undefined;
  try {
    for (let at = 0; at < bytes.length; at += piece) parts.push(guard.push(bytes.subarray(at, at + piece)));
  } catch (error) {
    if (!(error instanceof RangeError && error.message.startsWith("the broker"))) throw error;
    refusal = error.message;
  }
  return { passed: Buffer.concat(parts), refusal };
}

/** The topics of the messages that mqtt.js would deliver. */
function topicsIn(bytes: Buffer, protocolVersion: 4 | 5): string[] {
  const parser = mqttPacket.parser({ protocolVersion });
  const topics: string[] = [];
  parser.on("packet", (packet: Packet) => {
    if (packet.cmd !== "publish") return;
    // A topic of MQTT 3.1.1 may have 64 KB and none of it is let go.
    if (packet.payload.length > LIMIT) throw new Error(`A payload of ${packet.payload.length} bytes passed`);
    topics.push(packet.topic);
  });
  parser.on("error", () => {});
  parser.parse(bytes);
  return topics;
}

/** What the state store keeps of the connection. */
export function metadata(): Target {
  const connection = { subscribe: async () => [1], unsubscribe: async () => {} } as unknown as Connection;
  const wanted = [{ filter: "plant/+/data", qos: 1 as const }];
  const read = async (bytes: Uint8Array) => {
    const store = createMemoryStore();
    await store.commit([
      ["meta/client_id", bytes],
      ["meta/subscriptions", bytes],
    ]);
    try {
      const id = await resolveClientId(store);
      if (id === "" || Buffer.byteLength(id) > 65_535 || /\p{Cc}/u.test(id)) throw new Error(`The client id is ${id}`);
    } catch (error) {
      if (!(error instanceof StateStoreError)) throw error;
    }
    const subscriptions = new Subscriptions(store, "rivulet-1", wanted, { info() {}, warn() {}, error() {} });
    await subscriptions.prepare();
    await subscriptions.apply(connection, true).catch((error: Error) => {
      if (!/^meta\/subscriptions in the state is damaged/.test(error.message)) throw error;
    });
  };
  const seeds = texts("rivulet-1", '{"clientId":"rivulet-1","filters":["plant/+/data","old/#"]}');
  return { seeds, tokens: JSON_TOKENS, read, refusals: [] };
}

/** Payloads of devices, in every format. */
export function payload(): Target {
  const names = ["speed", "pressure"];
  const inputs = names.map((name) => ({ name }));
  const nested = [
    { name: "speed", field: "/a/0/speed" },
    { name: "pressure", maxAge: 60 },
  ];
  const decoders = (["json", "array", "f32le"] as const).map((format) =>
    createDecoder({ payload: format, inputs, modelInputs: names, maxBytes: 4096 }),
  );
  for (const format of ["unix", "unix_ms", "iso8601"] as const) {
    const time = { field: "ts", format };
    decoders.push(createDecoder({ payload: "json", inputs: nested, modelInputs: names, maxBytes: 4096, time }));
  }
  decoders.push(createDecoder({ payload: "number", inputs: [{ name: "a" }], modelInputs: ["a"], maxBytes: 4096 }));
  const read = (bytes: Uint8Array) => {
    for (const decode of decoders) {
      try {
        const { sample, time } = decode(bytes);
        const isSound = sample.every((value, i) => Number.isFinite(value) || decode.maxAges[i] !== undefined);
        if (!isSound) throw new Error(`A sample is ${sample}`);
        if (time !== undefined) new Date(time).toISOString();
      } catch (error) {
        if (!(error instanceof PayloadError)) throw error;
      }
    }
  };
  const seeds = texts(
    '{"speed":2900,"pressure":5.1}',
    '{"ts":1731999600,"a":[{"speed":2900}],"pressure":5.1}',
    '{"ts":"2024-11-19T08:00:00.25+01:00","a":[{"speed":2900}]}',
    "[1,2]",
    "-12.5e3",
    "nan",
    "\0\0\x80?\0\0\0@",
  );
  return { seeds, tokens: [...JSON_TOKENS, "speed", "0x10", "Infinity"], read, refusals: [] };
}

/** Configurations, up to the error that tells all that is wrong. */
export function config(): Target {
  const yaml = `broker: { url: mqtt://localhost, password: hunter2 }
state: { directory: ./state }
streams:
  pump: &pump
    model: m.safetensors
    topic: plant/{site}/{device}/data
    inputs: [speed, { name: pressure, field: /a/b, max_age: 60 }]
    time: { field: ts, format: unix }
`;
  const read = (bytes: Uint8Array) => {
    const document = parseConfigDocument(new TextDecoder().decode(bytes), "fuzz.yaml");
    const parsed = configSchema.safeParse(document.value, { reportInput: true });
    const problems: Problem[] = parsed.success ? [] : parsed.error.issues.flatMap((issue) => describeIssue(issue));
    if (parsed.success) checkConfig(parsed.data, problems);
    if (problems.length > 0) throw document.error(problems);
  };
  return { seeds: texts(yaml), tokens: YAML_TOKENS, read, refusals: [ConfigError] };
}
