import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { REASONS } from "../../host/mqtt/failures.ts";
import { Link, type RetryOptions } from "../../host/mqtt/link.ts";
import { createTestLog } from "../support/bridge.ts";
import { FakeBroker, turns } from "../support/fake-broker.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ["Date", "setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A link to a broker of the test's own. `luck`, 0 to 1, is the random part of each pause. */
function setUp(options: { retry?: Partial<RetryOptions>; luck?: number; onOpen?: () => Promise<void> } = {}) {
  const { retry, luck = 1, onOpen = async () => {} } = options;
  vi.spyOn(Math, "random").mockReturnValue(luck);
  const broker = new FakeBroker();
  const log = createTestLog();
  const events: string[] = [];
  const link = new Link({
    broker: { url: "URL", clientId: "me", isClean: true },
    log,
    now: Date.now,
    ...(retry === undefined ? {} : { retry }),
    onOpen: async (_, hasSession) => {
      events.push(`open ${hasSession}`);
      await onOpen();
    },
    onMessage: (_, { topic }, next) => {
      events.push(topic);
      next();
    },
    onChange: () => events.push(`change, ${link.connection === undefined ? "closed" : "open"}`),
    connect: broker.connect,
  });
  link.start();
  /** Fails the attempt that is under way; answers ms until the next. */
  const pauseAfter = async (fail: () => void) => {
    const { length } = broker.connections;
    fail();
    await turns(2);
    const start = Date.now();
    while (broker.connections.length === length) await vi.advanceTimersToNextTimerAsync();
    return Date.now() - start;
  };
  return { broker, log, events, link, pauseAfter };
}

describe("Link", () => {
  it("hands on what its connection tells", async () => {
    const { broker, events, link, log } = setUp();
    expect(link.connection).toBeUndefined();
    broker.last.accept(true);
    expect(link.connection).toBe(broker.last);
    broker.last.deliver("a", "");
    broker.last.drain();
    await turns(2);
    broker.last.lose();
    expect(events).toEqual(["open true", "a", "change, open", "change, closed"]);
    expect(broker.last.options).toEqual({ url: "URL", clientId: "me", isClean: true });
    expect(log.lines[0]).toBe("info broker: connected to URL as me, MQTT session resumed");
  });

  it("tries again after half a second, one, two, up to thirty, by default", async () => {
    const { broker, pauseAfter } = setUp();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) pauses.push(await pauseAfter(() => broker.last.lose()));
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("leaves half of a pause to chance, so that clients do not all come at once", async () => {
    const { broker, pauseAfter } = setUp({ luck: 0 });
    expect(await pauseAfter(() => broker.last.lose())).toBe(250);
    expect(await pauseAfter(() => broker.last.lose())).toBe(500);
  });

  it("takes the pauses that it is given", async () => {
    const { broker, pauseAfter } = setUp({ retry: { firstMs: 10, maxMs: 25 } });
    expect(await pauseAfter(() => broker.last.lose())).toBe(10);
    expect(await pauseAfter(() => broker.last.lose())).toBe(20);
    expect(await pauseAfter(() => broker.last.lose())).toBe(25);
  });

  it("begins the pauses anew once a connection was up and served, however short", async () => {
    const { broker, pauseAfter } = setUp();
    for (const pause of [500, 1000, 2000]) expect(await pauseAfter(() => broker.last.lose())).toBe(pause);
    broker.last.accept();
    await turns(2);
    expect(await pauseAfter(() => broker.last.lose())).toBe(500);
    expect(await pauseAfter(() => broker.last.lose())).toBe(1000);
  });

  it("does so at every restart of a broker that restarts again and again", async () => {
    const { broker, log, pauseAfter } = setUp({ retry: { repeatMs: 0 } });
    for (let restart = 0; restart < 10; restart++) {
      broker.last.accept();
      await vi.advanceTimersByTimeAsync(3000);
      expect(await pauseAfter(() => broker.last.lose())).toBe(500);
      expect(await pauseAfter(() => broker.last.lose("connection refused; is the broker running?"))).toBe(1000);
    }
    expect(log.lines.join()).not.toContain("another client");
  });

  it("counts an attempt that took long as a failure like any other", async () => {
    const { broker, pauseAfter } = setUp({ onOpen: () => Promise.reject(new Error("Not authorized")) });
    for (const pause of [500, 1000, 2000]) {
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await pauseAfter(() => broker.last.accept())).toBe(pause);
    }
  });

  it("tells a failure at once, and then once a minute with the number of attempts", async () => {
    const { broker, log } = setUp({ retry: { firstMs: 10_000, maxMs: 10_000 } });
    for (let attempt = 0; attempt < 20; attempt++) {
      broker.last.lose("the broker is not available yet");
      await vi.advanceTimersByTimeAsync(10_000);
    }
    const unavailable = "warn broker: cannot connect to URL: the broker is not available yet";
    expect(log.lines).toEqual([
      `${unavailable}; trying again`,
      `${unavailable}; still trying (7 attempts)`,
      `${unavailable}; still trying (13 attempts)`,
      `${unavailable}; still trying (19 attempts)`,
    ]);
  });

  it("tells another failure at once, and the first one not again", async () => {
    const { broker, log, pauseAfter } = setUp();
    for (const reason of ["a", "a", "b", "b", "a"]) await pauseAfter(() => broker.last.lose(reason));
    expect(log.lines).toEqual([
      "warn broker: cannot connect to URL: a; trying again",
      "warn broker: cannot connect to URL: b; trying again",
    ]);
  });

  it("tells a failure at once when it was connected in between", async () => {
    const { broker, log, pauseAfter } = setUp();
    await pauseAfter(() => broker.last.lose("a"));
    broker.last.accept();
    await turns(2);
    await pauseAfter(() => broker.last.lose());
    await pauseAfter(() => broker.last.lose("a"));
    expect(log.lines).toEqual([
      "warn broker: cannot connect to URL: a; trying again",
      "info broker: connected to URL as me",
      "warn broker: lost the connection to URL: the connection was closed; trying again",
      "warn broker: cannot connect to URL: a; trying again",
    ]);
  });

  it("asks for another client with its id when a connection that was made at once is cut at once, again and again", async () => {
    const { broker, log, pauseAfter } = setUp({ retry: { repeatMs: 0 } });
    const pauses: number[] = [];
    const loseAfter = async (ms: number) => {
      broker.last.accept();
      await vi.advanceTimersByTimeAsync(ms);
      pauses.push(await pauseAfter(() => broker.last.lose()));
    };
    for (let attempt = 0; attempt < 6; attempt++) await loseAfter(1);
    await loseAfter(2001);
    await loseAfter(2000);
    expect(pauses).toEqual([500, 500, 500, 1000, 2000, 4000, 500, 500]);
    const closed = "the connection was closed";
    const taken = 'the broker closes the connection right after it opened; does another client use the client id "me"?';
    const reasons = log.lines
      .filter((line) => line.startsWith("warn"))
      .map((line) => line.replace(/^.*URL: |;[^;]*$/g, ""));
    expect(reasons).toEqual([closed, closed, taken, taken, taken, taken, closed, closed]);
  });

  it("tells at the first time that another client took over, where the broker says so, and makes way more and more", async () => {
    const { broker, log, pauseAfter } = setUp();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      broker.last.accept();
      await vi.advanceTimersByTimeAsync(30_000);
      pauses.push(await pauseAfter(() => broker.last.lose(REASONS.get(142))));
    }
    expect(pauses).toEqual([500, 500, 500, 1000, 2000]);
    expect(log.lines[1]).toBe(
      "warn broker: lost the connection to URL: another client took over the client id; does a copy of this state directory run elsewhere? Give each a client_id of its own; trying again",
    );
  });

  it("takes what the broker says for the reason of a short connection", async () => {
    const { broker, pauseAfter } = setUp();
    for (let attempt = 0; attempt < 6; attempt++) {
      broker.last.accept();
      await turns(2);
      expect(await pauseAfter(() => broker.last.lose("the broker shuts down"))).toBe(500);
    }
  });

  it("cuts a connection that cannot be set up, tells why, and tries again", async () => {
    let isRefused = true;
    const onOpen = async () => {
      if (isRefused) throw new Error("Not authorized");
    };
    const { broker, log, pauseAfter } = setUp({ onOpen });
    expect(await pauseAfter(() => broker.last.accept())).toBe(500);
    expect(broker.connections[0]?.calls).toEqual(["destroy"]);
    isRefused = false;
    await pauseAfter(() => broker.last.lose("a"));
    expect(log.lines).toEqual([
      "warn broker: lost the connection to URL: Not authorized; trying again",
      "warn broker: cannot connect to URL: a; trying again",
    ]);
  });

  it("tells why it cannot set a connection up, whatever was thrown", async () => {
    const { broker, log, pauseAfter } = setUp({ onOpen: () => Promise.reject("odd") });
    await pauseAfter(() => broker.last.accept());
    expect(log.lines).toEqual(["warn broker: lost the connection to URL: odd; trying again"]);
  });

  it("tells the reason of the broker when the connection ends while it is set up", async () => {
    let fail = () => {};
    const onOpen = () =>
      new Promise<void>((_, reject) => {
        fail = () => reject(new Error("client disconnecting"));
      });
    const { broker, log, pauseAfter } = setUp({ onOpen });
    await pauseAfter(() => {
      broker.last.accept();
      broker.last.isOpen = false; // as seen by what is under way
      fail();
      queueMicrotask(() => broker.connections[0]?.lose("the broker shuts down"));
    });
    expect(log.lines).toEqual(["warn broker: lost the connection to URL: the broker shuts down; trying again"]);
  });

  describe("stop", () => {
    it("says goodbye on an open connection, and makes no further attempts", async () => {
      const { broker, link, log } = setUp();
      broker.last.accept();
      await link.stop(123);
      expect(broker.last.calls).toEqual(["close 123"]);
      await vi.advanceTimersByTimeAsync(600_000);
      expect(broker.connections).toHaveLength(1);
      expect(log.lines).toEqual(["info broker: connected to URL as me"]);
    });

    it("gives up an attempt that is under way", async () => {
      const { broker, link, log } = setUp();
      await link.stop(123);
      expect(broker.last.calls).toEqual(["destroy"]);
      broker.last.lose("a");
      await vi.advanceTimersByTimeAsync(600_000);
      expect([broker.connections.length, log.lines]).toEqual([1, []]);
    });

    it("gives up the attempt that it waits for", async () => {
      const { broker, link } = setUp();
      broker.last.lose();
      expect(vi.getTimerCount()).toBe(1);
      await link.stop(123);
      expect(vi.getTimerCount()).toBe(0);
      await vi.advanceTimersByTimeAsync(600_000);
      expect(broker.connections).toHaveLength(1);
    });
  });
});
