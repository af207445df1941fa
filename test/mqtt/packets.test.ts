// A connection, packet by packet.

import { Socket } from "node:net";
import mqtt from "mqtt";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type BrokerOptions, type Connection, type Message, openConnection } from "../../host/mqtt/connection.ts";
import { TAKEN_OVER } from "../../host/mqtt/failures.ts";
import { until } from "../support/bridge.ts";
import { freePort } from "../support/mosquitto.ts";
import { type Answer, type PacketBroker, startPacketBroker } from "../support/packet-broker.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).reverse()) await close();
});

async function startBroker(answer?: Answer, host?: string): Promise<PacketBroker> {
  const broker = await startPacketBroker(answer, host);
  closers.push(() => broker.close());
  return broker;
}

/** Opens a connection that takes every message, and keeps what its handlers are told. */
function open(options: Partial<BrokerOptions> & { readonly url: string }) {
  const events: string[] = [];
  const messages: Message[] = [];
  const nexts: (() => void)[] = [];
  const handling = { isTaking: true };
  const connection: Connection = openConnection(
    { clientId: "me", isClean: false, ...options },
    {
      onOpen: (_, hasSession) => events.push(`open ${hasSession}`),
      onMessage: (_, message, next) => {
        messages.push(message);
        if (handling.isTaking) next();
        else nexts.push(next);
      },
      onDrain: () => events.push("drain"),
      onClose: (_, reason) => events.push(`close: ${reason}`),
    },
  );
  closers.push(() => connection.destroy());
  return { connection, events, messages, nexts, handling, opened: () => until(() => events.length > 0) };
}

describe("SUBSCRIBE", () => {
  it("is given up when the broker does not answer within 10 s", async () => {
    const broker = await startBroker(({ cmd }) => cmd === "subscribe" || cmd === "unsubscribe");
    const { connection, opened } = open({ url: broker.url });
    await opened();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const subscribed = expect(connection.subscribe([{ filter: "a", qos: 1 }])).rejects.toThrow(
        "the broker does not answer the subscription",
      );
      const unsubscribed = expect(connection.unsubscribe(["a"])).rejects.toThrow(
        "the broker does not answer the end of a subscription",
      );
      await vi.advanceTimersByTimeAsync(10_000);
      await Promise.all([subscribed, unsubscribed]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("DISCONNECT of the broker", () => {
  it("tells no reason code where MQTT 3.1.1 has none", async () => {
    const broker = await startBroker();
    const { events, opened } = open({ url: broker.url });
    await opened();
    broker.send({ cmd: "disconnect" });
    broker.sockets.at(-1)?.end();
    await until(() => events.some((event) => event.startsWith("close")));
    expect(events.at(-1)).not.toContain("undefined)");
    expect(events.at(-1)).not.toContain("reason code");
  });
});

describe("CONNECT", () => {
  it("says who we are, and that the broker keeps the MQTT session", async () => {
    const broker = await startBroker();
    await open({ url: broker.url }).opened();
    expect(broker.received).toHaveLength(1);
    const [packet] = broker.of("connect");
    expect(packet).toMatchObject({ clientId: "me", clean: false, keepalive: 30, protocolVersion: 4 });
    expect([packet?.username, packet?.password, packet?.will]).toEqual([undefined, undefined, undefined]);
  });

  it("carries the login and a last will that is retained", async () => {
    const broker = await startBroker();
    const lastWill = { topic: "rivulet/bridge/state", payload: "offline" };
    await open({
      url: broker.url,
      isClean: true,
      keepalive: 7,
      username: "plant",
      password: "secret",
      lastWill,
    }).opened();
    const [packet] = broker.of("connect");
    expect(packet).toMatchObject({ clean: true, keepalive: 7, username: "plant" });
    expect(String(packet?.password)).toBe("secret");
    expect(packet?.will).toMatchObject({ topic: "rivulet/bridge/state", qos: 1, retain: true });
    expect(String(packet?.will?.payload)).toBe("offline");
  });

  it("has MQTT 5 keep the session for seven days, with as many messages in flight as a packet id can name", async () => {
    const broker = await startBroker();
    await open({ url: broker.url, protocol: 5, maxPacketBytes: 70_000 }).opened();
    expect(broker.of("connect")[0]).toMatchObject({
      protocolVersion: 5,
      clean: false,
      properties: { sessionExpiryInterval: 604_800, receiveMaximum: 65_535, maximumPacketSize: 70_000 },
    });
  });

  it("has MQTT 5 keep no session when it is clean, and sets no limit that it is not given", async () => {
    const broker = await startBroker();
    await open({ url: broker.url, protocol: 5, isClean: true }).opened();
    const [packet] = broker.of("connect");
    expect(packet?.clean).toBe(true);
    expect(packet?.properties).toEqual({ receiveMaximum: 65_535 });
  });

  it("goes to an IPv6 address", async (context) => {
    const broker = await startBroker(undefined, "::1").catch(() => undefined);
    if (broker === undefined) return context.skip("this machine has no IPv6");
    const { opened, events } = open({ url: broker.url });
    await opened();
    expect(events).toEqual(["open false"]);
  });

  it("turns Nagle's algorithm off", async () => {
    const broker = await startBroker();
    const spy = vi.spyOn(Socket.prototype, "setNoDelay");
    await open({ url: broker.url }).opened();
    expect(spy.mock.calls.at(-1)).toEqual([true]);
  });

  it("is all that mqtt.js does by itself: it neither connects nor subscribes nor queues again", async () => {
    const broker = await startBroker();
    const spy = vi.spyOn(mqtt, "connect");
    const { opened, connection } = open({ url: broker.url, rejectUnauthorized: false });
    await opened();
    connection.destroy();
    // The TLS of Node refuses these at once.
    const login = { ca: "CA", cert: "CERT", key: "KEY" };
    expect(() => open({ url: broker.url.replace("mqtt:", "mqtts:"), ...login })).toThrow();
    const [second, first] = spy.mock.calls.map(([options]) => options as unknown as Record<string, unknown>);
    expect(first).toMatchObject({
      protocol: "mqtts",
      host: "127.0.0.1",
      port: broker.port,
      rejectUnauthorized: true,
      manualConnect: true,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: 10_000,
      ca: "CA",
      cert: "CERT",
      key: "KEY",
    });
    expect(first?.log).toBeTypeOf("function"); // else it looks up the variable DEBUG
    expect(second).toMatchObject({ rejectUnauthorized: false });
    for (const key of ["ca", "cert", "key", "username", "password", "will", "properties"]) {
      expect(Object.keys(second ?? {})).not.toContain(key);
    }
  });

  it("goes to the port of the protocol when the URL names none", async () => {
    const spy = vi.spyOn(mqtt, "connect");
    const plain = open({ url: "mqtt://127.0.0.1" });
    const secure = open({ url: "mqtts://127.0.0.1" });
    await until(() => plain.events.length > 0 && secure.events.length > 0);
    const [first, second] = spy.mock.calls.map(([options]) => options as unknown as Record<string, unknown>);
    expect([first?.protocol, second?.protocol]).toEqual(["mqtt", "mqtts"]);
    expect([first?.port, second?.port]).toEqual([1883, 8883]); // mqtt.js fills them in
  });
});

describe("CONNACK", () => {
  it("tells whether the MQTT session was kept", async () => {
    const broker = await startBroker((packet, { send }) => {
      if (packet.cmd !== "connect") return false;
      send({ cmd: "connack", returnCode: 0, sessionPresent: true });
      return true;
    });
    const { opened, events, connection } = open({ url: broker.url });
    expect(connection.isOpen).toBe(false);
    await opened();
    expect(events).toEqual(["open true"]);
    expect(connection.isOpen).toBe(true);
  });

  it.each([
    [4, 5, "the broker refuses the user name or password"],
    [5, 137, "the broker is busy"],
  ] as const)("tells why the broker refuses (MQTT %i, code %i)", async (protocol, code, reason) => {
    const broker = await startBroker((packet, { send, sockets }) => {
      if (packet.cmd !== "connect") return false;
      send({ cmd: "connack", returnCode: code, reasonCode: code, sessionPresent: false });
      sockets.at(-1)?.end();
      return true;
    });
    const { opened, events, connection } = open({ url: broker.url, protocol });
    await opened();
    expect(events).toEqual([`close: ${reason}`]);
    expect(connection.isOpen).toBe(false);
  });
});

describe("the end of a connection", () => {
  it("is told once, with the reason of a socket that could not be opened", async () => {
    const { opened, events } = open({ url: `mqtt://127.0.0.1:${await freePort()}` });
    await opened();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(events).toEqual(["close: connection refused; is the broker running?"]);
  });

  it("has no reason when the broker just closes", async () => {
    const broker = await startBroker();
    const { opened, events, connection } = open({ url: broker.url });
    await opened();
    broker.sockets[0]?.destroy();
    await until(() => events.length > 1);
    expect(events).toEqual(["open false", "close: undefined"]);
    expect(connection.isOpen).toBe(false);
  });

  it.each([
    [142, TAKEN_OVER],
    [151, "the broker ended the connection (reason code 151)"],
  ])("has the reason of a DISCONNECT with code %i", async (reasonCode, reason) => {
    const broker = await startBroker();
    const { opened, events } = open({ url: broker.url, protocol: 5 });
    await opened();
    broker.send({ cmd: "disconnect", reasonCode });
    broker.sockets[0]?.end();
    await until(() => events.length > 1);
    expect(events.at(-1)).toBe(`close: ${reason}`);
  });
});

describe("SUBSCRIBE and UNSUBSCRIBE", () => {
  it("ask for no retained messages (MQTT 5)", async () => {
    const broker = await startBroker();
    const { opened, connection } = open({ url: broker.url, protocol: 5 });
    await opened();
    await connection.subscribe([
      { filter: "plant/+", qos: 1 },
      { filter: "other", qos: 0 },
    ]);
    expect(broker.of("subscribe")[0]?.subscriptions).toEqual([
      { topic: "plant/+", qos: 1, nl: false, rap: false, rh: 2 },
      { topic: "other", qos: 0, nl: false, rap: false, rh: 2 },
    ]);
  });

  it("end when the broker has answered", async () => {
    let isSilent = true;
    const broker = await startBroker((packet) => packet.cmd !== "connect" && isSilent);
    const { opened, connection } = open({ url: broker.url });
    await opened();
    let answered = 0;
    void connection.subscribe([{ filter: "a", qos: 1 }]).then(() => answered++);
    void connection.unsubscribe(["b", "c"]).then(() => answered++);
    await until(() => broker.of("unsubscribe").length > 0);
    expect(broker.of("unsubscribe")[0]?.unsubscriptions).toEqual(["b", "c"]);
    expect(answered).toBe(0);
    isSilent = false;
    broker.send({ cmd: "suback", messageId: broker.of("subscribe")[0]?.messageId ?? 0, granted: [1] });
    broker.send({ cmd: "unsuback", messageId: broker.of("unsubscribe")[0]?.messageId ?? 0, granted: [] });
    await until(() => answered === 2);
  });
});

describe("PUBLISH", () => {
  it("leaves at QoS 0 without being kept", async () => {
    const broker = await startBroker();
    const { opened, connection } = open({ url: broker.url });
    await opened();
    connection.send("a", "text");
    connection.send("b", Uint8Array.of(9, 1, 2, 9).subarray(1, 3));
    await until(() => broker.of("publish").length === 2);
    const [first, second] = broker.of("publish");
    expect(first).toMatchObject({ topic: "a", qos: 0, retain: false });
    expect(String(first?.payload)).toBe("text");
    expect(second?.payload).toEqual(Buffer.of(1, 2));
  });

  it("at QoS 1 ends when the broker has it", async () => {
    const broker = await startBroker((packet) => packet.cmd === "publish");
    const { opened, connection } = open({ url: broker.url });
    await opened();
    let isDone = false;
    void connection.publish("a", "1", { retain: true }).then(() => {
      isDone = true;
    });
    await until(() => broker.of("publish").length === 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(isDone).toBe(false);
    const [packet] = broker.of("publish");
    expect(packet).toMatchObject({ topic: "a", qos: 1, retain: true });
    broker.send({ cmd: "puback", messageId: packet?.messageId ?? 0 });
    await until(() => isDone);
    void connection.publish("a", "2", { retain: false });
    await until(() => broker.of("publish").length === 2);
    expect(broker.of("publish")[1]).toMatchObject({ retain: false });
  });

  it("fails when the broker refuses it (MQTT 5)", async () => {
    const broker = await startBroker((packet, { send }) => {
      if (packet.cmd !== "publish") return false;
      send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 135 });
      return true;
    });
    const { opened, connection } = open({ url: broker.url, protocol: 5 });
    await opened();
    await expect(connection.publish("a", "1", { retain: true })).rejects.toThrow(
      "the broker refuses what is published on a: not authorized",
    );
  });

  it("makes the socket busy when the broker reads nothing, until it reads on", async () => {
    const broker = await startBroker();
    const { opened, events, connection } = open({ url: broker.url });
    await opened();
    expect(connection.isBusy).toBe(false);
    broker.sockets[0]?.pause();
    const payload = new Uint8Array(1 << 20);
    for (let count = 0; count < 200 && !connection.isBusy; count++) connection.send("a", payload);
    expect(connection.isBusy).toBe(true);
    expect(events).toEqual(["open false"]);
    broker.sockets[0]?.resume();
    await until(() => events.length > 1);
    expect(events).toEqual(["open false", "drain"]);
    expect(connection.isBusy).toBe(false);
  });
});

describe("a delivered message", () => {
  const deliver = (broker: PacketBroker, text: string, qos: 0 | 1, messageId: number, retain = false) =>
    broker.send({ cmd: "publish", topic: "plant/7", payload: text, qos, messageId, dup: false, retain });

  it("comes with its topic, bytes, retained flag, and the packet id of QoS 1", async () => {
    const broker = await startBroker();
    const { opened, messages } = open({ url: broker.url });
    await opened();
    deliver(broker, "a", 1, 300);
    deliver(broker, "b", 0, 0, true);
    await until(() => messages.length === 2);
    expect(messages.map(({ payload, ...message }) => ({ ...message, text: Buffer.from(payload).toString() }))).toEqual([
      { topic: "plant/7", text: "a", isRetained: false, isDup: false, id: 300 },
      { topic: "plant/7", text: "b", isRetained: true, isDup: false, id: 0 },
    ]);
  });

  it("makes those behind it wait until it is passed on", async () => {
    const broker = await startBroker();
    const { opened, messages, nexts, handling } = open({ url: broker.url });
    await opened();
    handling.isTaking = false;
    for (const id of [1, 2, 3]) deliver(broker, "a", 1, id);
    await until(() => messages.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(messages).toHaveLength(1);
    nexts[0]?.();
    await until(() => messages.length === 2);
    handling.isTaking = true;
    nexts[1]?.();
    await until(() => messages.length === 3);
    expect(broker.of("puback")).toEqual([]);
  });

  it("is acknowledged when we say so, in our order, those of one turn together", async () => {
    const broker = await startBroker();
    const { opened, messages, connection } = open({ url: broker.url });
    await opened();
    for (const id of [1, 2, 256, 65535]) deliver(broker, "a", 1, id);
    await until(() => messages.length === 4);
    const write = vi.spyOn(Socket.prototype, "write");
    for (const id of [2, 65535, 1]) connection.acknowledge(id);
    expect(write).not.toHaveBeenCalled();
    await until(() => broker.of("puback").length === 3);
    connection.acknowledge(256);
    await until(() => broker.of("puback").length === 4);
    expect(broker.of("puback").map(({ messageId }) => messageId)).toEqual([2, 65535, 1, 256]);
    expect(write.mock.calls.map(([bytes]) => [...(bytes as Buffer)])).toEqual([
      [0x40, 2, 0, 2, 0x40, 2, 0xff, 0xff, 0x40, 2, 0, 1],
      [0x40, 2, 1, 0],
    ]);
  });

  it("is not acknowledged on a connection that is gone", async () => {
    const broker = await startBroker();
    const { opened, events, connection } = open({ url: broker.url });
    await opened();
    connection.acknowledge(1);
    connection.destroy();
    await until(() => events.length > 1);
    const write = vi.spyOn(Socket.prototype, "write");
    connection.acknowledge(2);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(write).not.toHaveBeenCalled();
  });
});

describe("close", () => {
  it("sends what is to be acknowledged, then says goodbye", async () => {
    const broker = await startBroker((packet, { sockets }) => {
      if (packet.cmd === "disconnect") sockets.at(-1)?.end();
      return false;
    });
    const { opened, events, connection } = open({ url: broker.url });
    await opened();
    connection.acknowledge(7);
    const start = performance.now();
    await connection.close(10_000);
    expect(performance.now() - start).toBeLessThan(5000);
    await until(() => events.length > 1);
    expect(broker.received.map(({ cmd }) => cmd)).toEqual(["connect", "puback", "disconnect"]);
    expect(events).toEqual(["open false", "close: undefined"]);
    await connection.close(10_000);
  });

  it("cuts a connection that the broker does not end in time", async () => {
    const broker = await startBroker((packet) => packet.cmd === "publish");
    const { opened, events, connection } = open({ url: broker.url });
    await opened();
    void connection.publish("a", "1", { retain: false }).catch(() => {}); // never answered: mqtt.js waits for it
    await connection.close(20);
    await until(() => events.length > 1);
    expect(connection.isOpen).toBe(false);
  });
});

describe("a message that is too large, in MQTT 3.1.1", () => {
  const publish = (topic: string, bytes: number, messageId: number) =>
    ({
      cmd: "publish",
      topic,
      payload: Buffer.alloc(bytes, 65),
      qos: 1,
      messageId,
      dup: false,
      retain: false,
    }) as const;

  it("is delivered without its payload and acknowledged, and the connection goes on", async () => {
    const broker = await startBroker();
    const { connection, events, messages, opened } = open({ url: broker.url, maxPacketBytes: 1000 });
    await opened();
    for (const [index, bytes] of [10, 3_000_000, 20, 1001, 30].entries()) {
      broker.send(publish(`t/${index}`, bytes, index + 1));
    }
    await until(() => messages.length === 5);
    expect(messages.map(({ topic, payload, oversized, id }) => [topic, payload.length, oversized?.bytes, id])).toEqual([
      ["t/0", 10, undefined, 1],
      ["t/1", 0, 3_000_000, 2],
      ["t/2", 20, undefined, 3],
      ["t/3", 0, 1001, 4],
      ["t/4", 30, undefined, 5],
    ]);
    for (const { id } of messages) connection.acknowledge(id);
    await until(() => broker.of("puback").length === 5);
    expect(broker.of("puback").map(({ messageId }) => messageId)).toEqual([1, 2, 3, 4, 5]);
    expect(events).toEqual(["open false"]);
  });

  it("keeps the connection alive while it arrives", async () => {
    const broker = await startBroker();
    const { events, messages, opened } = open({ url: broker.url, maxPacketBytes: 1000, keepalive: 1 });
    await opened();
    const socket = broker.sockets.at(-1)!;
    const ping = vi.spyOn(mqtt.MqttClient.prototype, "reschedulePing");
    // A PUBLISH of which 100 bytes come every 200 ms, for longer than the keepalive time allows.
    socket.write(Buffer.from([0x32, 0xd0, 0x0f, 0, 1, 0x74, 0, 9]));
    for (let part = 0; part < 12; part++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      socket.write(Buffer.alloc(100));
    }
    expect(events).toEqual(["open false"]);
    expect(ping.mock.calls.length).toBeGreaterThanOrEqual(6);
    expect(broker.of("pingreq").length).toBeGreaterThanOrEqual(1);
    expect(messages.map(({ oversized }) => oversized)).toEqual([{ bytes: 2000 - 5 }]);
  });

  it("ends the connection, with the reason, where it is no message", async () => {
    const broker = await startBroker();
    const { events, opened } = open({ url: broker.url, maxPacketBytes: 1000 });
    await opened();
    broker.sockets.at(-1)!.write(Buffer.from([0x90, 0xff, 0x7f]));
    await until(() => events.length > 1);
    expect(events[1]).toBe("close: the broker sends a packet of 16383 bytes, at most 1000 are taken");
  });
});
