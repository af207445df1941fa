import { describe, expect, it } from "vitest";
import { Committer } from "../../host/mqtt/committer.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { StateStore } from "../../host/store/store.ts";

/** A store whose commits are seen and may be made to fail. */
function createSpyStore(events: string[]): StateStore & { isBroken: boolean; during: (() => void) | undefined } {
  const store = createMemoryStore();
  return {
    ...store,
    isBroken: false,
    /** Runs while the next commit is under way. */
    during: undefined as (() => void) | undefined,
    async commit(changes) {
      if (this.isBroken) throw new Error("No space left");
      const during = this.during;
      this.during = undefined;
      during?.();
      await store.commit(changes);
      events.push(`commit ${changes.map(([key]) => key)}`);
    },
  };
}

function setUp() {
  const events: string[] = [];
  const store = createSpyStore(events);
  const committer = new Committer({
    store,
    retryMs: 5,
    onError: () => events.push("error"),
    onCommitted: () => {},
  });
  const ticket = (name: string) => {
    const made = { open: 1, acknowledge: () => events.push(`ack ${name}`) };
    committer.admit(made);
    return made;
  };
  const device = (key: string) => ({ key, snapshot: () => Uint8Array.of(1) });
  return { events, store, committer, ticket, device };
}

describe("Committer", () => {
  it("commits the states of one turn together, and acknowledges after that", async () => {
    const { events, committer, ticket, device } = setUp();
    for (const name of ["1", "2", "3"]) {
      const made = ticket(name);
      committer.touch(device(`d${name}`));
      committer.settle(made);
    }
    expect(events).toEqual([]);
    expect(await committer.idle(1000)).toBe(true);
    expect(events).toEqual(["commit d1,d2,d3", "ack 1", "ack 2", "ack 3"]);
  });

  it("acknowledges in the order of arrival, whatever is settled first", async () => {
    const { events, committer, ticket } = setUp();
    const [first, second] = [ticket("1"), ticket("2")];
    committer.settle(second);
    expect(await committer.idle(20)).toBe(false);
    expect(events).toEqual([]);
    committer.settle(first);
    expect(await committer.idle(1000)).toBe(true);
    expect(events).toEqual(["ack 1", "ack 2"]);
  });

  it("acknowledges what arrives during a commit only after the next one", async () => {
    const { events, store, committer, ticket, device } = setUp();
    const step = (name: string) => {
      const made = ticket(name);
      committer.touch(device(`d${name}`));
      committer.settle(made);
    };
    store.during = () => step("2");
    step("1");
    expect(await committer.idle(1000)).toBe(true);
    expect(events).toEqual(["commit d1", "ack 1", "commit d2", "ack 2"]);
  });

  it("does not acknowledge while the store fails, and goes on when it works again", async () => {
    const { events, store, committer, ticket, device } = setUp();
    store.isBroken = true;
    const made = ticket("1");
    committer.touch(device("d"));
    committer.settle(made);
    expect(await committer.idle(20)).toBe(false);
    expect(new Set(events)).toEqual(new Set(["error"]));
    store.isBroken = false;
    expect(await committer.idle(1000)).toBe(true);
    expect(events.slice(-2)).toEqual(["commit d", "ack 1"]);
  });

  it("answers a state that is not committed yet", async () => {
    const { committer, device, store } = setUp();
    const leaving = device("d");
    committer.touch(leaving);
    committer.release(leaving);
    expect(committer.uncommitted("d")).toEqual(Uint8Array.of(1));
    await committer.idle(1000);
    expect(committer.uncommitted("d")).toBeUndefined();
    expect(await store.get("d")).toEqual(Uint8Array.of(1));
  });
});
