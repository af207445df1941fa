import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLastingStore, createTestLog, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ["Date", "setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A bridge that has received a message and could not commit it before its connection was cut. */
async function cutInFlight(protocol: 4 | 5) {
  const broker = new FakeBroker();
  const store = new GatedStore();
  const log = createTestLog();
  const bridge = await startTestBridge("mqtt://fake", {
    store,
    log,
    connect: broker.connect,
    broker: { url: "mqtt://fake", isClean: false, protocol, receiveMaximum: 100 },
  });
  broker.last.accept();
  await bridge.ready;
  store.hold("commit");
  broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
  await turns();
  broker.last.lose();
  store.release("commit");
  await turns();
  await vi.advanceTimersByTimeAsync(50);
  const resume = async () => {
    broker.last.accept(true);
    await turns();
  };
  await resume();
  return { broker, bridge, log, resume };
}

const SILENT =
  "warn broker: the broker has sent nothing for 20 s, although 1 messages are on their way to us; connecting again";

describe("a broker that keeps messages in flight to itself", () => {
  it("is connected to again with another Receive Maximum, which stays", async () => {
    const { broker, bridge, log, resume } = await cutInFlight(5);
    expect(broker.last.options.receiveMaximum).toBe(100);
    await vi.advanceTimersByTimeAsync(19_999);
    expect(broker.connections).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1 + 50);
    expect(log.lines).toContain(`${SILENT}, with a Receive Maximum of 50`);
    expect(broker.connections).toHaveLength(3);
    expect(broker.last.options.receiveMaximum).toBe(50);
    await resume();
    broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
    await turns();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(broker.connections).toHaveLength(3);
    expect(bridge.counters().streams.pump).toMatchObject({ steps: 1, duplicate: 1 });
    await bridge.stop();
  });

  it("is connected to again with MQTT 3.1.1, too, but not for ever", async () => {
    const { broker, bridge, log, resume } = await cutInFlight(4);
    for (let silence = 0; silence < 6; silence++) {
      await vi.advanceTimersByTimeAsync(20_050);
      if (!broker.last.isOpen) await resume();
    }
    expect(log.lines.filter((line) => line === SILENT)).toHaveLength(4);
    expect(broker.connections).toHaveLength(6);
    await bridge.stop();
  });
});

describe("a broker that has nothing in flight to us", () => {
  it("may be silent", async () => {
    const broker = new FakeBroker();
    const bridge = await startTestBridge("mqtt://fake", { store: createLastingStore(), connect: broker.connect });
    broker.last.accept();
    await bridge.ready;
    broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
    await turns();
    expect(broker.last.acks).toEqual([1]);
    broker.last.lose();
    await vi.advanceTimersByTimeAsync(50);
    broker.last.accept(true);
    await turns();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(broker.connections).toHaveLength(2);
    await bridge.stop();
  });
});
