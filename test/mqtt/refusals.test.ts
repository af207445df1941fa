// A broker that does not let us do all that we ask for.

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { Grants } from "../../host/mqtt/grants.ts";
import { createTestLog, createTestStream, observe, startTestBridge, until } from "../support/bridge.ts";
import { FakeBroker, turns } from "../support/fake-broker.ts";
import { hasMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { type Answer, startPacketBroker } from "../support/packet-broker.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
const closing = (bridge: Bridge) => {
  closers.push(() => bridge.stop());
  return bridge;
};

/** A client that says goodbye need not wait. */
const hangUp: Answer = (packet, broker) => {
  if (packet.cmd === "disconnect") broker.sockets.at(-1)?.end();
  return false;
};

const streams = () => [createTestStream(), createTestStream({ name: "fan", topic: "fan/{device}" })];

describe("Grants", () => {
  it("is online when all is granted as it was asked", () => {
    const log = createTestLog();
    const grants = new Grants(log);
    const asked = [
      { filter: "a", qos: 1 as const },
      { filter: "b", qos: 0 as const },
    ];
    expect(grants.take(asked, [1, 0])).toEqual(asked);
    expect([grants.state, log.lines]).toEqual(["online", []]);
  });

  it("tells what is refused and what is lowered once, and has it in the state until it is granted", () => {
    const log = createTestLog();
    const grants = new Grants(log);
    const asked = ["a", "b", "c"].map((filter) => ({ filter, qos: 1 as const }));
    for (let connection = 0; connection < 2; connection++) {
      grants.reset();
      expect(grants.take(asked, [0x87, 0, 1])).toEqual([asked[2]]);
      expect(grants.state).toBe("degraded: refused a; QoS 0 for b");
    }
    expect(log.lines).toEqual([
      "error broker: the broker refuses the subscription to a (not authorized): nothing of it arrives",
      "warn broker: the broker grants b at QoS 0 only, not 1: what is published while the host is away is lost",
    ]);
    grants.reset();
    grants.take(asked, [1, 1, 1]);
    expect(grants.state).toBe("online");
  });
});

describe("a bridge whose subscriptions are not all granted", () => {
  it("goes on with the others, says so in its state, and asks again on the next connection", async () => {
    const broker = new FakeBroker();
    const bridge = closing(await startTestBridge("mqtt://fake", { streams: streams(), connect: broker.connect }));
    broker.last.grants.set("fan/+", 0x80);
    broker.last.accept();
    await bridge.ready;
    expect(broker.last.calls).toContain("publish rivulet/bridge/state degraded: refused fan/+ retained");
    broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
    await until(() => bridge.counters().streams.pump?.steps === 1);
    broker.last.lose();
    await until(() => broker.connections.length === 2);
    broker.last.accept(true);
    await turns();
    await until(() => broker.last.calls.length > 1);
    expect(broker.last.calls).toEqual(["subscribe fan/+ at 1", "publish rivulet/bridge/state online retained"]);
  });

  it.each([4, 5] as const)("learns it from each code of the SUBACK (MQTT %i)", async (protocol) => {
    const answer: Answer = (packet, broker, client) => {
      if (packet.cmd !== "subscribe") return hangUp(packet, broker, client);
      broker.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [0, protocol === 5 ? 0x87 : 0x80] });
      return true;
    };
    const broker = await startPacketBroker(answer);
    closers.push(() => broker.close());
    const log = createTestLog();
    const bridge = closing(
      await startTestBridge(broker.url, {
        streams: streams(),
        log,
        broker: { url: broker.url, isClean: false, protocol },
      }),
    );
    await bridge.ready;
    const why = protocol === 5 ? " (not authorized)" : "";
    expect(log.lines.filter((line) => line.includes("the broker"))).toEqual([
      "warn broker: the broker grants plant/+/data at QoS 0 only, not 1: what is published while the host is away is lost",
      `error broker: the broker refuses the subscription to fan/+${why}: nothing of it arrives`,
    ]);
  });
});

describe("a bridge that may not publish", () => {
  it("names the topic, counts it, and goes on (MQTT 5)", async () => {
    const answer: Answer = (packet, broker, client) => {
      if (packet.cmd !== "publish" || packet.qos !== 1) return hangUp(packet, broker, client);
      broker.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0x87 });
      return true;
    };
    const broker = await startPacketBroker(answer);
    closers.push(() => broker.close());
    const log = createTestLog();
    const bridge = closing(
      await startTestBridge(broker.url, { log, broker: { url: broker.url, isClean: false, protocol: 5 } }),
    );
    await bridge.ready;
    expect(bridge.counters().refused).toBe(1);
    expect(log.lines).toContain(
      "warn broker: refused: the broker refuses what is published on rivulet/bridge/state: not authorized",
    );
    expect(broker.sockets).toHaveLength(1);
  });
});

describe("a bridge with Mosquitto and an access list", needs({ Mosquitto: hasMosquitto }), () => {
  it.each([4, 5] as const)("is not cut off by what it may not read or publish (MQTT %i)", async (protocol) => {
    const folder = await mkdtemp(join(tmpdir(), "rivulet-acl-"));
    closers.push(() => rm(folder, { recursive: true }));
    const acl = join(folder, "acl");
    await writeFile(
      acl,
      "topic read plant/#\ntopic readwrite rivulet/pump/#\ntopic read rivulet/#\ntopic write plant/#\n",
      {
        mode: 0o644,
      },
    );
    await chmod(folder, 0o755);
    const broker = await startMosquitto({ config: [`acl_file ${acl}`] });
    closers.push(() => broker.close());
    const log = createTestLog();
    const bridge = closing(
      await startTestBridge(broker.url, {
        streams: streams(),
        log,
        broker: { url: broker.url, isClean: false, protocol, clientId: "rivulet-test" },
      }),
    );
    await bridge.ready;
    const observer = await observe(broker.url, "rivulet/pump/#");
    closers.push(() => observer.close());
    observer.client.publish("plant/7/data", '{"speed":1,"pressure":2}', { qos: 1 });
    await observer.waitFor(1);
    expect(bridge.counters()).toMatchObject({ connections: 1, refused: protocol === 5 ? 1 : 0 });
  });
});
