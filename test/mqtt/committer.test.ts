import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Committer } from "../../host/mqtt/committer.ts";
import { GatedStore, turns } from "../support/fake-broker.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const events: string[] = [];
  const store = new GatedStore();
  const { commit } = store;
  store.commit = async (changes) => {
    await commit.call(store, changes);
    events.push(`commit ${changes.map(([key, value]) => `${key}=${value ?? "none"}`)}`);
  };
  const committer = new Committer({
    store,
    onError: (error) => events.push(String(error)),
    onCommitted: (changes) => events.push(`${changes} committed`),
  });
  const ticket = (name: string, open = 1) => {
    const made = { open, acknowledge: () => events.push(`ack ${name}`) };
    committer.admit(made);
    return made;
  };
  const states = new Map<string, number>();
  /** Something whose state is a number, at first 1. */
  const device = (key: string) => ({ key, snapshot: () => Uint8Array.of(states.get(key) ?? 1) });
  return { events, store, committer, ticket, device, states };
}

describe("Committer", () => {
  it("commits the states of one turn together, and acknowledges after that", async () => {
    const { events, committer, ticket, device } = setUp();
    for (const name of ["1", "2", "3"]) {
      const made = ticket(name);
      committer.touch(device(`d${name}`));
      committer.settle(made);
    }
    expect(committer.pending).toBe(3);
    expect(events).toEqual([]);
    await turns();
    expect(events).toEqual(["commit d1=1,d2=1,d3=1", "ack 1", "ack 2", "ack 3", "3 committed"]);
    expect(committer.pending).toBe(0);
  });

  it("commits a device once, as it is at the end of the turn", async () => {
    const { events, committer, device, states } = setUp();
    const one = device("d");
    committer.touch(one);
    states.set("d", 2);
    committer.touch(one);
    states.set("d", 3);
    await turns();
    expect(events).toEqual(["commit d=3", "1 committed"]);
  });

  it("commits what is put, deletions too, without a message", async () => {
    const { events, committer } = setUp();
    committer.put("a", Uint8Array.of(7));
    committer.put("b", undefined);
    await turns();
    expect(events).toEqual(["commit a=7,b=none", "2 committed"]);
  });

  it("acknowledges a message that changes nothing without a commit", async () => {
    const { events, committer, ticket } = setUp();
    committer.settle(ticket("1"));
    await turns();
    expect(events).toEqual(["ack 1", "0 committed"]);
  });

  it("acknowledges a message when all of its parts are settled", async () => {
    const { events, committer, ticket } = setUp();
    const made = ticket("1", 2);
    committer.settle(made);
    await turns();
    expect(events).toEqual([]);
    committer.settle(made);
    await turns();
    expect(events).toEqual(["ack 1", "0 committed"]);
  });

  it("acknowledges in the order of arrival, whatever is settled first", async () => {
    const { events, committer, ticket } = setUp();
    const [first, second, third] = [ticket("1"), ticket("2"), ticket("3")];
    committer.settle(second);
    await turns();
    expect(events).toEqual([]);
    committer.settle(first);
    await turns();
    expect(events).toEqual(["ack 1", "ack 2", "0 committed"]);
    expect(committer.pending).toBe(1);
    committer.settle(third);
    await turns();
    expect(events.slice(3)).toEqual(["ack 3", "0 committed"]);
  });

  it("commits the state of a message that waits behind another, and acknowledges it later", async () => {
    const { events, committer, ticket, device } = setUp();
    const [first, second] = [ticket("1"), ticket("2")];
    committer.touch(device("d2"));
    committer.settle(second);
    await turns();
    expect(events).toEqual(["commit d2=1", "1 committed"]);
    committer.settle(first);
    await turns();
    expect(events.slice(2)).toEqual(["ack 1", "ack 2", "0 committed"]);
  });

  it("acknowledges what arrives during a commit only after the next one", async () => {
    const { events, store, committer, ticket, device } = setUp();
    const step = (name: string) => {
      const made = ticket(name);
      committer.touch(device(`d${name}`));
      committer.settle(made);
    };
    store.hold("commit");
    step("1");
    await turns();
    step("2");
    step("3");
    await turns();
    store.release("commit");
    await turns();
    expect(events).toEqual([
      "commit d1=1",
      "ack 1",
      "1 committed",
      "commit d2=1,d3=1",
      "ack 2",
      "ack 3",
      "2 committed",
    ]);
  });

  it("does not acknowledge while the store fails, tries again each second, and goes on when it works", async () => {
    const { events, store, committer, ticket, device } = setUp();
    store.failure = new Error("No space left");
    const made = ticket("1");
    committer.touch(device("d"));
    committer.settle(made);
    await turns();
    expect(events.splice(0)).toEqual(["Error: No space left"]);
    await vi.advanceTimersByTimeAsync(999);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(events.splice(0)).toEqual(["Error: No space left"]);
    store.failure = undefined;
    await vi.advanceTimersByTimeAsync(1000);
    await turns();
    expect(events).toEqual(["commit d=1", "ack 1", "1 committed"]);
  });

  it("waits between tries as long as it is told", async () => {
    const store = new GatedStore();
    store.failure = new Error("No space left");
    let errors = 0;
    const committer = new Committer({ store, retryMs: 7, onError: () => errors++, onCommitted: () => {} });
    committer.put("a", Uint8Array.of(1));
    await turns();
    await vi.advanceTimersByTimeAsync(14);
    expect(errors).toBe(3);
  });

  describe("release", () => {
    it("keeps the state of a touched device as it is now", async () => {
      const { events, committer, device, states } = setUp();
      const leaving = device("d");
      committer.touch(leaving);
      committer.release(leaving);
      states.set("d", 9);
      expect(committer.uncommitted("d")).toEqual(Uint8Array.of(1));
      await turns();
      expect(events).toEqual(["commit d=1", "1 committed"]);
    });

    it("has nothing to keep of a device whose state is committed", async () => {
      const { events, committer, device } = setUp();
      committer.release(device("d"));
      await turns();
      expect(committer.uncommitted("d")).toBeUndefined();
      expect(events).toEqual([]);
    });
  });

  describe("uncommitted", () => {
    it("answers a state of the commit under way, and a newer one before that", async () => {
      const { committer, store } = setUp();
      store.hold("commit");
      committer.put("d", Uint8Array.of(1));
      await turns();
      expect(committer.uncommitted("d")).toEqual(Uint8Array.of(1));
      committer.put("d", Uint8Array.of(2));
      expect(committer.uncommitted("d")).toEqual(Uint8Array.of(2));
      store.release("commit");
      await turns();
      expect(committer.uncommitted("d")).toBeUndefined();
      expect(await store.get("d")).toEqual(Uint8Array.of(2));
    });
  });

  describe("idle", () => {
    const settled = async (promise: Promise<boolean>) => {
      let answer: boolean | undefined;
      void promise.then((value) => {
        answer = value;
      });
      await turns();
      return answer;
    };

    it("answers at once when there is nothing to do", async () => {
      expect(await settled(setUp().committer.idle(1000))).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    });

    it("waits for the commit under way, and for those that follow from it", async () => {
      const { committer, store, events } = setUp();
      store.hold("commit");
      committer.put("a", Uint8Array.of(1));
      await turns();
      committer.put("b", Uint8Array.of(1));
      const [first, second] = [committer.idle(1000), committer.idle(1000)];
      expect(await settled(first)).toBeUndefined();
      store.release("commit");
      expect([await settled(first), await settled(second)]).toEqual([true, true]);
      expect(events.filter((event) => event.startsWith("commit"))).toEqual(["commit a=1", "commit b=1"]);
    });

    it("answers false when a message is not settled in time", async () => {
      const { committer, ticket } = setUp();
      ticket("1");
      const idle = committer.idle(1000);
      await vi.advanceTimersByTimeAsync(999);
      expect(await settled(idle)).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1);
      expect(await settled(idle)).toBe(false);
    });

    it("answers false when a commit is not done in time", async () => {
      const { committer, store } = setUp();
      store.hold("commit");
      committer.put("a", Uint8Array.of(1));
      const idle = committer.idle(1000);
      await turns();
      await vi.advanceTimersByTimeAsync(1000);
      expect(await settled(idle)).toBe(false);
    });

    it("answers true when the last message is settled in time", async () => {
      const { committer, ticket } = setUp();
      const made = ticket("1");
      const idle = committer.idle(1000);
      await turns();
      committer.settle(made);
      expect(await settled(idle)).toBe(true);
    });
  });

  describe("stop", () => {
    it("gives up a commit that fails, and acknowledges nothing any more", async () => {
      const { events, store, committer, ticket, device } = setUp();
      store.failure = new Error("No space left");
      const made = ticket("1");
      committer.touch(device("d"));
      committer.settle(made);
      await turns();
      committer.stop();
      store.failure = undefined;
      await vi.advanceTimersByTimeAsync(5000);
      await turns();
      expect(events).toEqual(["Error: No space left"]);
    });

    it("acknowledges nothing that comes later, although it changes nothing", async () => {
      const { events, committer, ticket } = setUp();
      committer.stop();
      committer.settle(ticket("1"));
      await turns();
      expect(events).toEqual([]);
    });

    it("commits nothing that comes later", async () => {
      const { events, committer, ticket, device } = setUp();
      committer.stop();
      const made = ticket("1");
      committer.touch(device("d"));
      committer.settle(made);
      await turns();
      expect(events).toEqual([]);
    });
  });
});

describe("an interval between commits", () => {
  const setUpInterval = () => {
    const committed: number[] = [];
    const store = new GatedStore();
    const made = new Committer({
      store,
      onError: () => {},
      onCommitted: (changes) => committed.push(changes),
      intervalMs: 5000,
      mostPending: 3,
    });
    const touch = (key: string) => made.touch({ key, snapshot: () => Uint8Array.of(1) });
    return { committed, made, touch };
  };
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });

  it("makes a change wait after a commit, and those that come with it", async () => {
    const { committed, touch } = setUpInterval();
    touch("a");
    await turns();
    expect(committed).toEqual([1]);
    touch("a");
    await vi.advanceTimersByTimeAsync(4000);
    touch("b");
    await turns();
    expect(committed).toEqual([1]);
    await vi.advanceTimersByTimeAsync(1001);
    await turns();
    expect(committed).toEqual([1, 2]);
  });

  it("ends when as many messages wait as the broker may send", async () => {
    const { committed, made, touch } = setUpInterval();
    touch("a");
    await turns();
    for (let i = 0; i < 3; i++) {
      const ticket = { open: 1, acknowledge() {} };
      made.admit(ticket);
      touch("a");
      made.settle(ticket);
    }
    await turns();
    expect(committed).toEqual([1, 1]);
    expect(made.pending).toBe(0);
  });

  it("is not waited for at the end", async () => {
    const { committed, made, touch } = setUpInterval();
    touch("a");
    await turns();
    touch("a");
    await turns();
    expect(await made.idle(1000)).toBe(true);
    expect(committed).toEqual([1, 1]);
  });
});
