import { afterEach, describe, expect, it } from "vitest";
import { type Connection, type Message, openConnection } from "../../host/mqtt/connection.ts";
import { describeConnectionError } from "../../host/mqtt/failures.ts";
import { observe, until } from "../support/bridge.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";

let broker: Mosquitto | undefined;
afterEach(async () => {
  await broker?.close();
  broker = undefined;
});

/** Opens a connection that answers every message with `onMessage`. */
async function open(url: string, onMessage: (connection: Connection, message: Message) => void) {
  let isOpen = false;
  const connection = openConnection(
    { url, clientId: "rivulet-test", isClean: false },
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

describe.skipIf(!hasMosquitto)("openConnection", () => {
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
});

describe("describeConnectionError", () => {
  it("says what an operator can do", () => {
    const error = Object.assign(new Error(""), { code: "ECONNREFUSED" });
    expect(describeConnectionError(error)).toBe("connection refused; is the broker running?");
    expect(describeConnectionError(Object.assign(new Error("x"), { code: 5 }))).toBe(
      "the broker refuses the user name or password",
    );
    expect(describeConnectionError(new Error("Something else"))).toBe("Something else");
  });

  it.each([
    ["ERR_SSL_WRONG_VERSION_NUMBER", "wrong version number", "the broker does not speak TLS on this port"],
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "unknown ca", "the broker refuses the client certificate: unknown ca"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "expired", "the broker refuses the client certificate: expired"],
    ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake failure", "TLS fails: handshake failure"],
  ])("tells the reason of %s without the addresses around it", (code, reason, text) => {
    const error = Object.assign(new Error(`80DCE3CE647F0000:error:0A00045C:SSL routines:x:${reason}:x.c:1`), {
      code,
      reason,
    });
    expect(describeConnectionError(error)).toBe(text);
  });
});
