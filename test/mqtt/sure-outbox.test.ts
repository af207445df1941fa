// Answers at QoS 1, from the bridge to a broker of the test's own.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTestLog, createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const GOOD = '{"speed":1,"pressure":2}';
const isAnswer = (call: string) => call.startsWith("publish rivulet/pump/");
/** The numbers of the answers that a connection was asked to publish. */
const numbers = (calls: readonly string[]) => calls.filter(isAnswer).map((call) => Number(/"n":(\d+)/.exec(call)?.[1]));

async function start(store = new GatedStore(), retain = false) {
  const broker = new FakeBroker();
  const streams = [createTestStream({ publish: { qos: 1, retain } })];
  const log = createTestLog();
  const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, log, streams });
  broker.last.accept(true);
  await turns();
  const keys = async () => {
    const found: string[] = [];
    for await (const [key] of store.entries("answer/")) found.push(key);
    return found;
  };
  return { broker, store, bridge, log, connection: broker.last, keys };
}

describe("an answer at QoS 1", () => {
  it("is published after the commit that it is part of, and forgotten when the broker has it", async () => {
    const { connection, store, keys, bridge } = await start();
    store.hold("commit");
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(numbers(connection.calls)).toEqual([]);
    store.release("commit");
    await turns();
    expect(numbers(connection.calls)).toEqual([1]);
    expect(store.commits.find((commit) => commit.includes("answer/0000000000000"))).toContain("device/pump/7");
    expect(await keys()).toEqual([]);
    expect(bridge.counters().published).toBe(1);
  });

  it("is published again, in order, when the connection was cut before the broker had it", async () => {
    const { connection, broker, keys, bridge } = await start();
    connection.answer = (call) => (isAnswer(call) ? new Promise(() => {}) : Promise.resolve());
    for (const id of [1, 2, 3]) connection.deliver("plant/7/data", GOOD, id);
    await turns();
    expect(numbers(connection.calls)).toEqual([1, 2, 3]);
    connection.lose();
    await vi.advanceTimersByTimeAsync(60);
    broker.last.accept(true);
    await turns();
    expect(numbers(broker.last.calls)).toEqual([1, 2, 3]);
    expect(await keys()).toEqual([]);
    expect(bridge.counters().published).toBe(3);
  });

  it("is published by the next process when one was killed, before those that follow", async () => {
    const { connection, store } = await start();
    connection.answer = (call) => (isAnswer(call) ? new Promise(() => {}) : Promise.resolve());
    for (const id of [1, 2]) connection.deliver("plant/7/data", GOOD, id);
    await turns();
    const next = await start(store);
    next.connection.deliver("plant/7/data", GOOD, 3);
    await turns();
    expect(numbers(next.connection.calls)).toEqual([1, 2, 3]);
    expect(next.connection.calls.filter(isAnswer)[0]).toBe(connection.calls.find(isAnswer));
    expect(await next.keys()).toEqual([]);
  });

  it("takes the place of none that an earlier process could not publish", async () => {
    const { connection, store } = await start();
    const holdBack = (one: typeof connection) => {
      one.answer = (call) => (isAnswer(call) ? new Promise(() => {}) : Promise.resolve());
    };
    holdBack(connection);
    for (const id of [1, 2]) connection.deliver("plant/7/data", GOOD, id);
    await turns();
    const broker = new FakeBroker();
    const streams = [createTestStream({ publish: { qos: 1, retain: false } })];
    await startTestBridge("mqtt://fake", { connect: broker.connect, store, log: createTestLog(), streams });
    holdBack(broker.last);
    broker.last.accept(true);
    broker.last.deliver("plant/7/data", GOOD, 3);
    await turns();
    expect(numbers(broker.last.calls)).toEqual([1, 2, 3]);
    const keys: string[] = [];
    for await (const [key] of store.entries("answer/")) keys.push(key);
    expect(keys).toEqual(["answer/0000000000000", "answer/0000000000001", "answer/0000000000002"]);
  });

  it("is in flight with no more than twenty", async () => {
    const { connection } = await start();
    const answers: (() => void)[] = [];
    connection.answer = (call) =>
      isAnswer(call) ? new Promise((resolve) => answers.push(resolve)) : Promise.resolve();
    for (let id = 1; id <= 30; id++) connection.deliver("plant/7/data", GOOD, id);
    await turns();
    expect(numbers(connection.calls)).toHaveLength(20);
    answers[0]?.();
    await turns();
    expect(numbers(connection.calls)).toHaveLength(21);
  });

  it("that the broker refuses is told, and not tried for ever", async () => {
    const { connection, log, keys } = await start();
    connection.answer = async (call) => {
      if (isAnswer(call)) throw new Error("Not authorized");
    };
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(log.lines).toContain("warn answers: publish failed: rivulet/pump/7: Not authorized");
    expect(await keys()).toEqual([]);
  });

  it("is retained where the stream says so", async () => {
    const { connection } = await start(undefined, true);
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(connection.calls.find(isAnswer)).toMatch(/ retained$/);
  });

  it("is waited for at the end", async () => {
    const { connection, bridge } = await start();
    let answer = () => {};
    connection.answer = (call) =>
      isAnswer(call)
        ? new Promise((resolve) => {
            answer = resolve;
          })
        : Promise.resolve();
    connection.deliver("plant/7/data", GOOD, 1);
    await turns();
    let isStopped = false;
    const stopped = bridge.stop().then(() => {
      isStopped = true;
    });
    await turns();
    expect(isStopped).toBe(false);
    answer();
    await turns();
    await stopped;
  });
});

describe("an answer at QoS 0", () => {
  it("is retained where the stream says so", async () => {
    const broker = new FakeBroker();
    const streams = [createTestStream({ publish: { qos: 0, retain: true } })];
    await startTestBridge("mqtt://fake", { connect: broker.connect, streams });
    broker.last.accept();
    await turns();
    broker.last.deliver("plant/7/data", GOOD, 1);
    await turns();
    expect(broker.last.sent).toMatchObject([{ topic: "rivulet/pump/7", isRetained: true }]);
  });
});
