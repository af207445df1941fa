import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseDetector } from "../../../host/detect/file.ts";
import { parseModel } from "../../../host/model/model.ts";
import { Exchange, type PlantOptions } from "../../../tools/demo/plant.ts";
import { createPump } from "../../../tools/demo/pump.ts";

const MODEL = parseModel(readFileSync("models/pump.safetensors"));
const DETECTOR = parseDetector(readFileSync("models/pump-detector.safetensors"));

/** An MQTT client whose broker is the test. */
class FakeClient extends EventEmitter {
  readonly published: { topic: string; reading: Record<string, number>; qos: number }[] = [];
  readonly filters: string[] = [];

  publish(topic: string, payload: string, { qos }: { qos: number }): void {
    this.published.push({ topic, reading: JSON.parse(payload), qos });
  }
  async subscribeAsync(filters: readonly string[]): Promise<void> {
    this.filters.push(...filters);
  }
  answer(topic: string, n: number, score: number): void {
    this.tell(topic, { prediction: [2000, 4, 12, 50], score, n });
  }
  tell(topic: string, message: object): void {
    this.emit("message", topic, Buffer.from(JSON.stringify(message)));
  }
}

const options = (more: Partial<PlantOptions> = {}): PlantOptions => ({
  model: MODEL,
  detector: DETECTOR,
  pumps: 3,
  seed: 5,
  failAt: 100,
  log: { info() {}, warn() {}, error() {} },
  ...more,
});

const open = async (more: Partial<PlantOptions> = {}) => {
  const client = new FakeClient();
  const exchange = new Exchange(options(more));
  await exchange.listen(client as never);
  return { client, exchange };
};

describe("Exchange", () => {
  let timer: NodeJS.Timeout | undefined;
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
  afterEach(() => {
    clearInterval(timer);
    vi.useRealTimers();
  });

  it("publishes a reading of every pump twenty times a second, one after the other", async () => {
    const { client, exchange } = await open();
    timer = exchange.publishTo(client as never);
    vi.advanceTimersByTime(1000);
    // Sixty, but for what is due within the last tick.
    expect(Math.abs(client.published.length - 60)).toBeLessThanOrEqual(1);
    expect(exchange.published).toBe(client.published.length);
    expect(client.published.slice(0, 4).map(({ topic }) => topic)).toEqual([
      "plant/pump-01/data",
      "plant/pump-02/data",
      "plant/pump-03/data",
      "plant/pump-01/data",
    ]);
    expect(client.published.every(({ qos }) => qos === 1)).toBe(true);
    const twin = createPump(6);
    const [speed, pressure, current, temperature] = twin.next();
    expect(client.published[1]?.reading).toEqual({ speed, pressure, current, bearing_temperature: temperature });
  });

  it("does not make up for the time that the machine slept", async () => {
    const { client, exchange } = await open();
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    timer = exchange.publishTo(client as never);
    clock.mockReturnValue(60_000);
    vi.advanceTimersByTime(4);
    // A quarter of a second of three pumps.
    expect(client.published).toHaveLength(15);
    clock.mockRestore();
  });

  it("matches answers to readings, once each, and keeps their latency", async () => {
    const { client, exchange } = await open();
    timer = exchange.publishTo(client as never);
    vi.advanceTimersByTime(52);
    expect(client.filters).toEqual(["rivulet/pumps/+", "rivulet/pumps/+/alarm"]);
    const sentAt = client.published.findIndex(({ topic }) => topic.includes("pump-02"));
    vi.advanceTimersByTime(8);
    client.answer("rivulet/pumps/pump-02", 1, 0);
    expect(exchange).toMatchObject({ answered: 1 });
    expect(exchange.latencies).toHaveLength(1);
    expect(exchange.latencies[0]).toBeGreaterThanOrEqual(8);
    expect(exchange.latencies[0]).toBeLessThanOrEqual(60);
    expect(exchange.watches[1]?.sample).toEqual(Object.values(client.published[sentAt]?.reading ?? {}));
    client.answer("rivulet/pumps/pump-02", 1, 0);
    client.answer("rivulet/pumps/pump-02", 99, 0);
    client.answer("rivulet/pumps/pump-77", 1, 0);
    expect(exchange).toMatchObject({ answered: 1 });
  });

  it("keeps the latest 4096 latencies", async () => {
    const { client, exchange } = await open({ pumps: 1, failAt: 0 });
    timer = exchange.publishTo(client as never);
    vi.advanceTimersByTime(205_500);
    const answer = (from: number, to: number) => {
      for (let n = from; n <= to; n++) client.answer("rivulet/pumps/pump-01", n, 0);
    };
    answer(1, 4096);
    expect(exchange).toMatchObject({ answered: 4096, latencies: { length: 4096 } });
    const [, second] = exchange.latencies;
    answer(4097, 4097);
    expect(exchange).toMatchObject({ answered: 4097, latencies: { length: 4096 } });
    expect(exchange.latencies[0]).toBe(second);
  });

  it("hands alarms to their pumps", async () => {
    const { client, exchange } = await open();
    client.tell("rivulet/pumps/pump-02/alarm", { alarm: true, cause: [{ input: "current" }], n: 7 });
    client.tell("rivulet/pumps/pump-77/alarm", { alarm: true, cause: [], n: 7 });
    expect(exchange.watches.map(({ cause }) => cause)).toEqual([undefined, "current", undefined]);
    expect(exchange.watches[1]).toMatchObject({ isAlarm: true, detectedAt: 7 });
  });

  it("names pumps in two digits and gives them the model's warm-up", async () => {
    const { exchange } = await open({ pumps: 12 });
    expect(exchange.watches.map(({ name }) => name).slice(7)).toEqual([
      "pump-08",
      "pump-09",
      "pump-10",
      "pump-11",
      "pump-12",
    ]);
    const watch = exchange.watches[0];
    const answer = (n: number) => watch?.observe({ prediction: [0, 0, 0, 0], score: 1, n }, [0, 0, 0, 0]);
    answer(MODEL.spec.warmup);
    expect(watch).toMatchObject({ isWarm: false, score: 0 });
    answer(MODEL.spec.warmup + 1);
    expect(watch?.score).toBe(1);
  });

  it("lets the bearing of a pump fail that runs from then on, the middle one first", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const { exchange } = await open({ pumps: 4, seed });
      const runs = (index: number) => {
        const pump = createPump(seed + index);
        const speeds = Array.from({ length: 220 }, () => pump.next()[0]);
        return speeds.slice(100).every((speed) => speed > 0);
      };
      expect(exchange.failing).toBe([2, 3, 0, 1].find(runs) ?? 2);
    }
  });

  it("lets that bearing fail at its step, and no other", async () => {
    const { client, exchange } = await open({ pumps: 3, failAt: 20 });
    timer = exchange.publishTo(client as never);
    vi.advanceTimersByTime(6000);
    exchange.watches.forEach(({ name }, index) => {
      const found = client.published.filter(({ topic }) => topic.includes(name)).map(({ reading }) => reading);
      const [healthy, failed] = [createPump(5 + index), createPump(5 + index)];
      failed.failBearing(20);
      const readings = (pump: typeof healthy) =>
        found.map(() => {
          const [speed, pressure, current, temperature] = pump.next();
          return { speed, pressure, current, bearing_temperature: temperature };
        });
      expect(found).toEqual(readings(index === exchange.failing ? failed : healthy));
    });
  });
});
