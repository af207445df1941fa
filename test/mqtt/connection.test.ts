import { afterEach, describe, expect, it } from "vitest";
import { type Connection, type Message, openConnection } from "../../host/mqtt/connection.ts";
import { observe, until } from "../support/bridge.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

let broker: Mosquitto | undefined;
afterEach(async () => {
  await broker?.close();
  broker = undefined;
});

/** Opens a connection that answers every message with `onMessage`. */
async function open(
  url: string,
  onMessage: (connection: Connection, message: Message) => void,
  maxPacketBytes = 1_000_000,
) {
  let isOpen = false;
  const connection = openConnection(
    { url, clientId: "rivulet-test", isClean: false, maxPacketBytes },
    {
      onOpen: () => {
        isOpen = true;
      },
      onMessage: (from, message, next) => {
        onMessage(from, message);
        next();
      },
      onDrain: () => {},
      onClose: () => {},
    },
  );
  await until(() => isOpen);
  return connection;
}

describe("openConnection", needs({ Mosquitto: hasMosquitto }), () => {
  // What mqtt.js does is not documented, so a new version of it has to pass this.
  it("goes on without acknowledging, and acknowledges later what it is told to", async () => {
    broker = await startMosquitto();
    const publisher = await observe(broker.url, "unused");
    const first: string[] = [];
    const later: (() => void)[] = [];
    let connection = await open(broker.url, (from, { payload, id }) => {
      first.push(Buffer.from(payload).toString());
      if (first.length % 2 === 0) later.push(() => from.acknowledge(id));
    });
    await connection.subscribe([{ filter: "plant/#", qos: 1 }]);
    const sent = ["a", "b", "c", "d", "e", "f"];
    for (const text of sent) await publisher.client.publishAsync("plant/7", text, { qos: 1 });
    await until(() => first.length === sent.length);
    expect(first).toEqual(sent);
    for (const acknowledge of later) acknowledge();
    await connection.close(1000);

    const second: string[] = [];
    connection = await open(broker.url, (from, { payload, id }) => {
      second.push(Buffer.from(payload).toString());
      from.acknowledge(id);
    });
    await until(() => second.length >= 3);
    await connection.close(1000);
    expect(second).toEqual(["a", "c", "e"]);
    await publisher.close();
  });

  it("drops a message that is too large from the MQTT session, and goes on", async () => {
    broker = await startMosquitto();
    const publisher = await observe(broker.url, "unused");
    const seen: string[] = [];
    const onMessage = (from: Connection, { payload, oversized, id }: Message) => {
      seen.push(oversized ? `too large: ${oversized.bytes}` : Buffer.from(payload).toString());
      from.acknowledge(id);
    };
    let connection = await open(broker.url, onMessage, 100_000);
    await connection.subscribe([{ filter: "plant/#", qos: 1 }]);
    for (const text of ["a", "x".repeat(8_000_000), "b"]) {
      await publisher.client.publishAsync("plant/7", text, { qos: 1 });
    }
    await until(() => seen.length === 3);
    expect(connection.isOpen).toBe(true);
    await connection.close(1000);
    connection = await open(broker.url, onMessage, 100_000);
    await publisher.client.publishAsync("plant/7", "c", { qos: 1 });
    await until(() => seen.length >= 4);
    await connection.close(1000);
    expect(seen).toEqual(["a", "too large: 8000000", "b", "c"]);
    await publisher.close();
  });
});
