// The doctor beside a broker that answers as the test wants.

import type { IConnackPacket } from "mqtt-packet";
import { afterEach, describe, expect, it } from "vitest";
import type { StreamOptions } from "../../../host/mqtt/stream.ts";
import { parseTopicTemplate } from "../../../host/stream/topic.ts";
import { readFilters, type TopicPlan, tryPublishing, tryReading } from "../../../tools/doctor/access.ts";
import { type Trial, tryProtocol, tryRetained } from "../../../tools/doctor/broker.ts";
import { aclLines } from "../../../tools/doctor/mosquitto.ts";
import { type PacketBroker, startPacketBroker } from "../../support/packet-broker.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

interface Manners {
  /** Properties of its CONNACK. */
  readonly properties?: IConnackPacket["properties"];
  /** Its name on $SYS; without one it refuses the subscription. */
  readonly name?: string;
  /** Topics that it delivers; default: all. */
  readonly delivers?: (topic: string) => boolean;
  /** Reason code of PUBACK for a topic. */
  readonly pubackOf?: (topic: string) => number;
  /** Code of SUBACK for a filter. */
  readonly subackOf?: (filter: string) => number;
  /** Messages that come as soon as something is subscribed. */
  readonly waiting?: readonly { readonly topic: string; readonly retain: boolean }[];
}

/** A broker that sends what is published back to the client that published it. */
async function start(manners: Manners): Promise<PacketBroker> {
  const { properties, name, delivers = () => true, pubackOf = () => 0, subackOf = () => 1, waiting = [] } = manners;
  const broker = await startPacketBroker((packet, _, client) => {
    const { messageId = 0 } = packet;
    const send = (topic: string, payload: string | Buffer, retain: boolean) =>
      client.send({ cmd: "publish", topic, payload, qos: 0, dup: false, retain });
    if (packet.cmd === "disconnect") client.end();
    if (packet.cmd === "connect" && properties) {
      client.send({ cmd: "connack", returnCode: 0, reasonCode: 0, sessionPresent: false, properties });
      return true;
    }
    if (packet.cmd === "subscribe") {
      const topic = packet.subscriptions[0]?.topic ?? "";
      const isName = topic === "$SYS/broker/version";
      const code = isName && name === undefined ? 0x80 : subackOf(topic);
      client.send({ cmd: "suback", messageId, granted: packet.subscriptions.map(() => code) });
      if (isName && name !== undefined) send(topic, name, true);
      if (!isName) for (const one of waiting) send(one.topic, "{}", one.retain);
      return true;
    }
    if (packet.cmd !== "publish") return false;
    if (packet.qos === 1) client.send({ cmd: "puback", messageId, reasonCode: pubackOf(packet.topic) });
    if (delivers(packet.topic)) send(packet.topic, packet.payload, false);
    return true;
  });
  closers.push(() => broker.close());
  return broker;
}

const trialOf = (url: string): Trial => ({
  login: { url, keepalive: 60, protocol: 5, rejectUnauthorized: true },
  id: "doc",
  topic: "base/bridge/doctor/doc",
});

const stream = (name: string, filters: readonly string[], more: object = {}) =>
  ({
    name,
    qos: 1,
    sources: filters.map((filter) => ({ topic: parseTopicTemplate(filter) })),
    ...more,
  }) as unknown as StreamOptions;

const lines = (findings: readonly { level: string; text: string }[]) =>
  findings.map(({ level, text }) => `${level} ${text}`);

describe("tryProtocol", () => {
  it("says what the broker is, what it speaks, what is used and what it takes", async () => {
    const { url } = await start({
      name: "acme version 7.1",
      properties: { receiveMaximum: 12, maximumPacketSize: 70_000 },
    });
    expect(lines(await tryProtocol(trialOf(url)))).toEqual([
      `ok ${url} is acme 7.1; it speaks MQTT 3.1.1 and MQTT 5`,
      "ok the configuration uses MQTT 5",
      "ok it takes 12 messages in flight to it, packets of 70000 bytes",
    ]);
  });

  it("says nothing of limits that the broker does not tell, and that it has no name", async () => {
    const { url } = await start({});
    expect(lines(await tryProtocol(trialOf(url)))).toEqual([
      `ok ${url} is a broker that does not tell its name; it speaks MQTT 3.1.1 and MQTT 5`,
      "ok the configuration uses MQTT 5",
    ]);
  });

  it("cuts a name of more than 80 characters", async () => {
    const { url } = await start({ name: "x".repeat(200) });
    expect((await tryProtocol(trialOf(url)))[0]?.text).toContain(`is ${"x".repeat(80)}; it`);
  });

  it("advises MQTT 5 where the configuration uses 3.1.1 and the broker has both", async () => {
    const { url } = await start({});
    const trial = trialOf(url);
    const findings = await tryProtocol({ ...trial, login: { ...trial.login, protocol: 4 } });
    expect(findings[1]).toMatchObject({ level: "note", remedy: "protocol: 5" });
  });

  it.each<[string, IConnackPacket["properties"], string]>([
    ["grants no QoS 1", { maximumQoS: 0 }, "the broker has QoS 0 only: readings are lost whenever the host is away"],
    ["retains nothing", { retainAvailable: false }, "the broker retains no message: alarms and health are not kept"],
    ["has no wildcards", { wildcardSubscriptionAvailable: false }, "the broker takes no wildcards in filters"],
  ])("finds a broker at fault that %s", async (_, properties, text) => {
    const { url } = await start({ properties, pubackOf: () => 0 });
    expect(lines(await tryProtocol(trialOf(url)))).toContain(`fault ${text}`);
  });

  it.each<[string, Manners, string]>([
    ["refuses its topics", { subackOf: () => 0x80 }, "the broker refuses the subscription"],
    [
      "delivers nothing",
      { delivers: () => false },
      "the broker takes it and delivers nothing, as an ACL of Mosquitto does",
    ],
    ["refuses what is published", { pubackOf: () => 0x87, delivers: () => false }, "not authorized"],
  ])("finds a broker that %s, and what to do", async (_, manners, reason) => {
    const { url } = await start(manners);
    const fault = (await tryProtocol(trialOf(url))).find(({ level }) => level === "fault");
    expect(fault?.text).toMatch(/^base\/bridge\/doctor\/doc cannot be written and read: /);
    expect(fault?.text).toContain(reason);
    expect(fault?.remedy).toBe("rivulet doctor CONFIG --acl prints the lines that an ACL needs");
  });

  it("leaves no connection open", async () => {
    const broker = await start({});
    await tryProtocol(trialOf(broker.url));
    expect(broker.of("disconnect").length).toBe(2);
  });
});

describe("tryRetained", () => {
  it("says why the broker takes no retained message", async () => {
    const { url } = await start({ pubackOf: () => 0x87 });
    const findings = await tryRetained(trialOf(url));
    expect(lines(findings)).toEqual([expect.stringMatching(/^fault retained messages: .*not authorized/i)]);
  });

  it("takes its own message away again", async () => {
    const broker = await start({});
    await tryRetained(trialOf(broker.url));
    const published = broker.of("publish").map(({ payload, retain }) => [String(payload), retain]);
    expect(published).toEqual([
      ["kept", true],
      ["", true],
    ]);
  });
});

const PLAN: TopicPlan = {
  baseTopic: "base",
  streams: [stream("pump", ["plant/{device}/data", "plant/{device}/more"])],
};

/** The stream with a source of commands, as one has that obeys them. */
const withCommand = (one: StreamOptions): StreamOptions => ({
  ...one,
  sources: [...one.sources, { ...one.sources[0], topic: parseTopicTemplate("own/{a}/set"), isCommand: true } as never],
});

describe("readFilters", () => {
  it("are those of readings, of commands and of Home Assistant, each with its use", () => {
    const plan = {
      ...PLAN,
      streams: [withCommand(stream("pump", ["plant/{device}"], { qos: 0, takesCommands: true }))],
      homeAssistant: { prefix: "ha", birthTopic: "ha/status" },
    };
    expect(readFilters(plan)).toEqual([
      { filter: "plant/+", qos: 0, use: "readings of pump" },
      ...["+", "+/+", "+/+/+", "+/+/+/+"].map((key) => ({
        filter: `base/pump/${key}/set`,
        qos: 0,
        use: "commands of pump",
      })),
      { filter: "ha/status", qos: 0, use: "the start of Home Assistant" },
    ]);
  });
});

describe("aclLines", () => {
  it("has no line of its own for what stands below the base topic, which is read and written as a whole", () => {
    const plan = { ...PLAN, streams: [stream("pump", ["plant/{device}", "base/{device}/x"], { takesCommands: true })] };
    expect(aclLines(plan, "host").filter((line) => line.startsWith("topic"))).toEqual([
      "topic read plant/+",
      "topic readwrite base/#",
      "topic read $SYS/broker/version",
    ]);
  });
});

describe("tryReading", () => {
  it("counts what comes at each filter, and tells news from what was retained", async () => {
    const { url } = await start({
      waiting: [
        { topic: "plant/7/data", retain: false },
        { topic: "plant/7/data", retain: true },
        { topic: "plant/8/more", retain: true },
        { topic: "plant/9/more", retain: true },
        { topic: "other/9/more", retain: false },
      ],
    });
    const plan = {
      ...PLAN,
      streams: [stream("pump", ["plant/{device}/data"]), stream("fan", ["plant/{device}/more"])],
    };
    // Two filters are subscribed, and what waits comes at each.
    expect(lines(await tryReading(trialOf(url), plan, 300))).toEqual([
      "ok plant/+/data (readings of pump): 2 messages in 0.3 s",
      "note plant/+/more (readings of fan): nothing new in 0.3 s, 4 retained; these are old news and never stepped",
    ]);
  });

  it("finds refused filters, and those that are granted less than was asked for", async () => {
    const { url } = await start({ subackOf: (filter) => (filter.endsWith("data") ? 0x80 : 0) });
    const findings = await tryReading(trialOf(url), PLAN, 50);
    expect(lines(findings)).toEqual([
      "fault plant/+/data (readings of pump): the broker refuses the subscription",
      "fault plant/+/more (readings of pump): the broker grants QoS 0 only",
      "note plant/+/more (readings of pump): nothing came in 0.05 s",
    ]);
    expect(findings[0]?.remedy).toContain("--acl");
    expect(findings[2]?.remedy).toContain("--seconds 60");
  });
});

describe("tryPublishing", () => {
  it("tries answers, alarms and health of each stream, and an entity of Home Assistant", async () => {
    const broker = await start({});
    const plan = { ...PLAN, homeAssistant: { prefix: "ha", birthTopic: "ha/status" } };
    expect(lines(await tryPublishing(trialOf(broker.url), plan))).toEqual([
      "ok 4 topics can be published on, of answers, alarms and health",
    ]);
    expect(broker.of("publish").map(({ topic, payload, retain }) => [topic, String(payload), retain])).toEqual([
      ["base/pump/doc", '{"doctor":true}', false],
      ["base/pump/doc/alarm", '{"doctor":true}', false],
      ["base/pump/doc/health", '{"doctor":true}', false],
      ["ha/sensor/doc/doctor/config", "", false],
    ]);
  });

  it("tells what is refused from what is dropped in silence, each once", async () => {
    const { url } = await start({
      pubackOf: (topic) => (topic.endsWith("/alarm") ? 0x87 : 0),
      delivers: (topic) => topic === "base/pump/doc",
    });
    expect(lines(await tryPublishing(trialOf(url), PLAN))).toEqual([
      "fault base/pump/{device}/alarm: the broker refuses what is published",
      "fault base/pump/{device}/health: published and never delivered, as an ACL of Mosquitto refuses",
    ]);
  });
});
