import { describe, expect, it } from "vitest";
import { Outbox } from "../../host/mqtt/outbox.ts";
import { FakeBroker, turns } from "../support/fake-broker.ts";

function setUp(limit = 4) {
  const broker = new FakeBroker();
  const handlers = { onOpen() {}, onMessage() {}, onDrain() {}, onClose() {} };
  const connection = broker.connect({ url: "mqtt://fake", clientId: "x", isClean: true }, handlers);
  broker.last.accept();
  const counters = { published: 0, dropped: 0 };
  const outbox = new Outbox(() => (connection.isOpen ? connection : undefined), counters, limit);
  const texts = () => broker.last.sent.map(({ topic, text }) => `${topic} ${text}`);
  return { outbox, counters, connection: broker.last, texts };
}

describe("Outbox", () => {
  it("publishes at once what the socket takes", () => {
    const { outbox, counters, texts } = setUp();
    outbox.push("a", "1");
    outbox.push("b", "2");
    expect(texts()).toEqual(["a 1", "b 2"]);
    expect([outbox.length, counters]).toEqual([0, { published: 2, dropped: 0 }]);
  });

  it("keeps messages in order while the socket is busy or the connection away", () => {
    const { outbox, connection, counters, texts } = setUp();
    connection.isBusy = true;
    outbox.push("a", "1");
    connection.isBusy = false;
    connection.isOpen = false;
    outbox.push("a", "2");
    expect([outbox.length, texts()]).toEqual([2, []]);
    connection.isOpen = true;
    outbox.push("a", "3");
    expect(texts()).toEqual(["a 1", "a 2", "a 3"]);
    expect([outbox.length, counters]).toEqual([0, { published: 3, dropped: 0 }]);
  });

  it("stops publishing when the socket becomes busy", () => {
    const { outbox, connection, texts } = setUp();
    connection.isBusy = true;
    for (const text of ["1", "2", "3"]) outbox.push("a", text);
    const send = connection.send.bind(connection);
    connection.send = (topic, payload) => {
      send(topic, payload);
      connection.isBusy = true;
    };
    connection.isBusy = false;
    outbox.drain();
    expect([texts(), outbox.length]).toEqual([["a 1"], 2]);
  });

  it("drops the oldest message when it is full", () => {
    const { outbox, connection, counters, texts } = setUp(3);
    connection.isOpen = false;
    for (let n = 1; n <= 3; n++) outbox.push("a", String(n));
    expect([outbox.length, counters.dropped]).toEqual([3, 0]);
    outbox.push("a", "4");
    outbox.push("a", "5");
    expect([outbox.length, counters.dropped]).toEqual([3, 2]);
    connection.isOpen = true;
    outbox.drain();
    expect(texts()).toEqual(["a 3", "a 4", "a 5"]);
    expect(counters).toEqual({ published: 3, dropped: 2 });
  });

  it("drops the oldest of 10,000 by default", () => {
    const { connection, counters } = setUp();
    const outbox = new Outbox(() => (connection.isOpen ? connection : undefined), counters);
    connection.isOpen = false;
    for (let n = 0; n < 10_000; n++) outbox.push("a", "x");
    expect([outbox.length, counters.dropped]).toEqual([10_000, 0]);
    outbox.push("a", "x");
    expect([outbox.length, counters.dropped]).toEqual([10_000, 1]);
  });

  it("is crowded when more than half of it is full", () => {
    const { outbox, connection } = setUp(4);
    connection.isBusy = true;
    const crowded = Array.from({ length: 4 }, () => {
      outbox.push("a", "x");
      return outbox.isCrowded;
    });
    expect(crowded).toEqual([false, false, true, true]);
  });

  it("loses nothing however long it fills and empties", () => {
    const { outbox, connection, counters, texts } = setUp(3);
    for (let n = 0; n < 100; n++) {
      connection.isBusy = n % 3 !== 2;
      outbox.push("a", String(n));
      expect(outbox.length).toBe(connection.isBusy ? (n % 3) + 1 : 0);
    }
    expect(texts()).toEqual(Array.from({ length: 99 }, (_, n) => `a ${n}`));
    expect([outbox.length, counters]).toEqual([1, { published: 99, dropped: 0 }]);
  });

  it("keeps no more than twice its limit while it overflows", () => {
    const { outbox, connection, texts } = setUp(3);
    connection.isOpen = false;
    for (let n = 0; n < 50; n++) outbox.push("a", String(n));
    connection.isOpen = true;
    outbox.drain();
    expect(texts()).toEqual(["a 47", "a 48", "a 49"]);
  });

  describe("empty", () => {
    const settled = async (promise: Promise<void>) => {
      let isSettled = false;
      void promise.then(() => {
        isSettled = true;
      });
      await turns(2);
      return isSettled;
    };

    it("resolves at once when nothing waits", async () => {
      expect(await settled(setUp().outbox.empty())).toBe(true);
    });

    it("resolves for all who ask when the last message is published", async () => {
      const { outbox, connection } = setUp();
      connection.isBusy = true;
      outbox.push("a", "1");
      const [first, second] = [outbox.empty(), outbox.empty()];
      outbox.drain();
      expect(await settled(first)).toBe(false);
      connection.isBusy = false;
      outbox.drain();
      expect([await settled(first), await settled(second)]).toEqual([true, true]);
    });

    it("resolves when there is no connection that would take what waits", async () => {
      const { outbox, connection } = setUp();
      connection.isBusy = true;
      outbox.push("a", "1");
      const empty = outbox.empty();
      expect(await settled(empty)).toBe(false);
      connection.isOpen = false;
      outbox.drain();
      expect(await settled(empty)).toBe(true);
      expect(outbox.length).toBe(1);
    });
  });
});
