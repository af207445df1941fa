// Readings that a broker delivers in another order, put back by the bridge.

import { afterEach, describe, expect, it, vi } from "vitest";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { withSequence } from "../../host/stream/sequence.ts";
import { createLastingStore, createTestSource, createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, turns } from "../support/fake-broker.ts";

const bridges: Bridge[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const bridge of bridges.splice(0)) await bridge.stop();
});

async function start(store = createLastingStore(), maxDevices = 100) {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const source = createTestSource();
  const broker = new FakeBroker();
  const bridge = await startTestBridge("mqtt://plant", {
    streams: [
      createTestStream({
        sources: [{ ...source, decode: withSequence(source.decode, "seq") }],
        sequencing: { window: 16, late: "hold", wait: 1, field: "seq" },
        maxDevices,
      }),
    ],
    store,
    connect: broker.connect,
  });
  bridges.push(bridge);
  broker.last.accept();
  await bridge.ready;
  const speeds: number[] = [];
  bridge.onOutcome((outcome) => outcome.kind === "step" && speeds.push(outcome.sample[0] as number));
  const read = async (...sequence: number[]) => {
    for (const seq of sequence) {
      broker.last.deliver("plant/7/data", JSON.stringify({ seq, speed: 100 * seq, pressure: 0 }), seq);
      await turns();
    }
  };
  return { bridge, broker, connection: broker.last, speeds, read, counters: () => bridge.counters().streams.pump! };
}

describe("late: hold", () => {
  it("steps readings in their order, and acknowledges none before it is stepped", async () => {
    const { speeds, read, connection, counters } = await start();
    await read(1, 3, 4);
    expect(speeds).toEqual([100]);
    expect(connection.acks).toEqual([1]);
    await read(2);
    expect(speeds).toEqual([100, 200, 300, 400]);
    expect(connection.acks.toSorted()).toEqual([1, 2, 3, 4]);
    expect(counters()).toMatchObject({ steps: 4, late: 1, duplicate: 0 });
  });

  it("goes on without what does not come, and steps it when it comes after all", async () => {
    const { speeds, read, connection, counters } = await start();
    await read(1, 3);
    vi.advanceTimersByTime(1000);
    await turns();
    expect(speeds).toEqual([100, 300]);
    expect(connection.acks).toEqual([1, 3]);
    await read(2);
    expect(speeds).toEqual([100, 300, 200]);
    expect(counters()).toMatchObject({ steps: 3, late: 1 });
  });

  it("takes a reading once that comes again while it waits", async () => {
    const { speeds, read, broker, counters } = await start();
    await read(1, 3);
    broker.last.deliver("plant/7/data", JSON.stringify({ seq: 3, speed: 300, pressure: 0 }), 9);
    await turns();
    await read(2);
    expect(speeds).toEqual([100, 200, 300]);
    expect(counters().duplicate).toBe(1);
  });

  it("leaves nothing waiting at a stop", async () => {
    const { bridge, speeds, read, connection } = await start();
    await read(1, 3);
    vi.useRealTimers();
    await bridge.stop();
    expect(speeds).toEqual([100, 300]);
    expect(connection.acks).toEqual([1, 3]);
  });

  it("steps what waits of a device that leaves memory", async () => {
    const { speeds, read, broker } = await start(createLastingStore(), 1);
    await read(1, 3);
    broker.last.deliver("plant/8/data", JSON.stringify({ seq: 1, speed: 5, pressure: 0 }), 9);
    await turns();
    expect(speeds).toContain(300);
  });

  it("loses nothing by a kill: what waits comes again from the broker", async () => {
    const store = createLastingStore();
    const first = await start(store);
    await first.read(1, 3, 4);
    expect(first.connection.acks).toEqual([1]);
    first.connection.lose("killed");
    const second = await start(store);
    await second.read(3, 4, 2);
    expect(second.speeds).toEqual([200, 300, 400]);
    vi.useRealTimers();
  });
});
