import { describe, expect, it } from "vitest";
import type { BrokerOptions, ConnectionHandlers, openConnection } from "../../../host/mqtt/connection.ts";
import { CliError } from "../../../tools/errors.ts";
import { MAX_IN_FLIGHT, openPublisher } from "../../../tools/replay/publisher.ts";

type Connection = ReturnType<typeof openConnection>;

/** A connection whose other end is the test. */
class FakeConnection {
  isBusy = false;
  readonly isOpen = true;
  readonly sent: string[] = [];
  readonly published: { topic: string; retain: boolean; resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly closed: number[] = [];
  options: BrokerOptions | undefined;
  handlers: ConnectionHandlers | undefined;

  readonly open: typeof openConnection = (options, handlers) => {
    this.options = options;
    this.handlers = handlers;
    return this as unknown as Connection;
  };
  send(topic: string): void {
    this.sent.push(topic);
  }
  publish(topic: string, _payload: string, { retain }: { retain: boolean }): Promise<void> {
    return new Promise((resolve, reject) => void this.published.push({ topic, retain, resolve, reject }));
  }
  async close(timeoutMs: number): Promise<void> {
    this.closed.push(timeoutMs);
  }
  opened(): void {
    this.handlers?.onOpen(this as unknown as Connection, false);
  }
  lost(reason?: string): void {
    this.handlers?.onClose(this as unknown as Connection, reason);
  }
  drained(): void {
    this.isBusy = false;
    this.handlers?.onDrain(this as unknown as Connection);
  }
}

const BROKER = { url: "mqtt://broker" };
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function connected(qos: 0 | 1) {
  const fake = new FakeConnection();
  const opening = openPublisher(BROKER, qos, fake.open);
  fake.opened();
  return { fake, publisher: await opening };
}

/** Whether a promise has settled by the next turn of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  await turn();
  return settled;
}

describe("openPublisher", () => {
  it("resolves when the broker has accepted, with a client id of its own and no MQTT session", async () => {
    const fakes = [new FakeConnection(), new FakeConnection()];
    for (const fake of fakes) {
      const opening = openPublisher(BROKER, 1, fake.open);
      expect(await isSettled(opening)).toBe(false);
      fake.opened();
      await opening;
      expect(fake.options).toMatchObject({ url: "mqtt://broker", isClean: true, maxPacketBytes: 65_536 });
      expect(fake.options?.clientId).toMatch(/^rivulet-replay-[0-9a-f]{12}$/);
    }
    expect(fakes[0]?.options?.clientId).not.toBe(fakes[1]?.options?.clientId);
  });

  it("tells why it could not connect", async () => {
    const fake = new FakeConnection();
    const opening = openPublisher(BROKER, 1, fake.open);
    fake.lost("not authorized");
    await expect(opening).rejects.toThrow(new CliError("Cannot connect to mqtt://broker: not authorized"));
    const silent = new FakeConnection();
    const silentOpening = openPublisher(BROKER, 1, silent.open);
    silent.lost();
    await expect(silentOpening).rejects.toThrow("Cannot connect to mqtt://broker: the connection was closed");
  });

  it("lets the next message of the broker come, though it subscribes to none", async () => {
    const { fake } = await connected(1);
    let isNext = false;
    const message = { topic: "x", payload: new Uint8Array(), isRetained: false, id: 0 };
    fake.handlers?.onMessage(fake as unknown as Connection, message, () => {
      isNext = true;
    });
    expect(isNext).toBe(true);
  });
});

describe("publish", () => {
  it("sends at QoS 0 without waiting for an answer", async () => {
    const { fake, publisher } = await connected(0);
    await publisher.publish("a", "1");
    expect(fake.sent).toEqual(["a"]);
    expect(fake.published).toEqual([]);
    await publisher.close();
    expect(fake.closed).toEqual([5000]);
  });

  it("publishes at QoS 1, not retained, a bounded number at once", async () => {
    const { fake, publisher } = await connected(1);
    for (let i = 0; i < MAX_IN_FLIGHT; i++) await publisher.publish(`t${i}`, "1");
    expect(fake.published).toHaveLength(200);
    expect(fake.published.every(({ retain }) => !retain)).toBe(true);
    expect(fake.sent).toEqual([]);
    const next = publisher.publish("next", "1");
    expect(await isSettled(next)).toBe(false);
    expect(fake.published).toHaveLength(200);
    fake.published[7]?.resolve();
    await next;
    expect(fake.published.at(-1)?.topic).toBe("next");
    expect(await isSettled(publisher.publish("one more", "1"))).toBe(false);
  });

  it.each([0, 1] as const)("waits at QoS %i while the socket takes no more", async (qos) => {
    const { fake, publisher } = await connected(qos);
    fake.isBusy = true;
    const next = publisher.publish("a", "1");
    expect(await isSettled(next)).toBe(false);
    expect([...fake.sent, ...fake.published]).toEqual([]);
    fake.drained();
    await next;
    expect([...fake.sent, ...fake.published]).toHaveLength(1);
  });

  it("fails after a message that the broker refused, and tells of the first", async () => {
    const { fake, publisher } = await connected(1);
    await publisher.publish("a/b", "1");
    await publisher.publish("c", "1");
    fake.published[0]?.reject(new Error("quota exceeded"));
    fake.published[1]?.reject(new Error("not authorized"));
    await turn();
    const failure = new CliError("The broker did not take a message on a/b: quota exceeded");
    await expect(publisher.publish("d", "1")).rejects.toThrow(failure);
    expect(fake.published).toHaveLength(2);
    await expect(publisher.close()).rejects.toThrow(failure);
    expect(fake.closed).toEqual([5000]);
  });

  it("fails when the connection is lost, also while it waits", async () => {
    const { fake, publisher } = await connected(1);
    fake.isBusy = true;
    const waiting = publisher.publish("a", "1");
    fake.lost("keepalive timeout");
    await expect(waiting).rejects.toThrow(new CliError("Lost the connection to mqtt://broker: keepalive timeout"));
    await expect(publisher.publish("a", "1")).rejects.toThrow("Lost the connection");
    expect(fake.published).toEqual([]);
  });
});

describe("close", () => {
  it("waits until the broker has every message", async () => {
    const { fake, publisher } = await connected(1);
    await publisher.publish("a", "1");
    await publisher.publish("b", "1");
    const closing = publisher.close();
    fake.published[0]?.resolve();
    expect(await isSettled(closing)).toBe(false);
    expect(fake.closed).toEqual([]);
    fake.published[1]?.resolve();
    await closing;
    expect(fake.closed).toEqual([5000]);
  });

  it("waits until the socket took everything", async () => {
    const { fake, publisher } = await connected(0);
    await publisher.publish("a", "1");
    fake.isBusy = true;
    const closing = publisher.close();
    expect(await isSettled(closing)).toBe(false);
    fake.drained();
    await closing;
  });

  it("fails when a message is refused meanwhile", async () => {
    const { fake, publisher } = await connected(1);
    await publisher.publish("a", "1");
    const closing = publisher.close();
    fake.published[0]?.reject(new Error("no"));
    await expect(closing).rejects.toThrow("The broker did not take a message on a: no");
  });
});
