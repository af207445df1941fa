// The health of devices on the way to the broker, through restarts and lost connections.

import { afterEach, describe, expect, it, vi } from "vitest";
import type { HealthPlan } from "../../host/health/device-health.ts";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createLastingStore, createTestLog, createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, turns } from "../support/fake-broker.ts";

const MINUTE = 60_000;
const START = 1_732_000_000_000;
const PLAN: HealthPlan = {
  stale: { times: 3 },
  intervalMs: MINUTE,
  inputs: ["speed", "pressure"],
  stuckMs: [10 * MINUTE, undefined],
};

const bridges: Bridge[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const bridge of bridges.splice(0)) await bridge.stop();
});

class Watched {
  now = START;
  store: StateStore = createLastingStore();
  readonly log = createTestLog();
  readonly broker = new FakeBroker();
  bridge!: Bridge;
  #id = 0;

  async start(maxDevices = 100): Promise<void> {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    this.bridge = await startTestBridge("mqtt://plant", {
      streams: [createTestStream({ health: PLAN, maxDevices })],
      store: this.store,
      log: this.log,
      connect: this.broker.connect,
      now: () => this.now,
    });
    bridges.push(this.bridge);
    this.broker.last.accept();
    await this.bridge.ready;
  }

  async read(device: string, speed: number): Promise<void> {
    this.broker.last.deliver(`plant/${device}/data`, JSON.stringify({ speed, pressure: 0 }), ++this.#id);
    await turns();
  }

  /** Lets time pass, a second at a time as the host sees it. */
  async pass(ms: number): Promise<void> {
    for (let end = this.now + ms; this.now < end; ) {
      this.now += 1000;
      vi.advanceTimersByTime(1000);
    }
    await turns();
  }

  /** What was published of the health of devices, over all connections. */
  told(): string[] {
    const calls = this.broker.connections.flatMap((connection) => connection.calls);
    return calls.filter((call) => call.includes("/health ")).map((call) => call.replace("publish rivulet/pump/", ""));
  }
}

const start = async () => {
  const watched = new Watched();
  await watched.start();
  return watched;
};

describe("health", () => {
  it("is published retained when a device becomes silent, and when it is back", async () => {
    const watched = await start();
    const heard: string[] = [];
    watched.bridge.onHealth((stream, device, { health }) => heard.push(`${stream} ${device} ${health}`));
    await watched.read("7", 1);
    await watched.pass(3 * MINUTE);
    expect(watched.told()).toEqual([`7/health {"health":"ok","since":${START},"why":null} retained`]);
    await watched.pass(1000);
    await watched.read("7", 2);
    expect(watched.told().slice(1)).toEqual([
      `7/health {"health":"stale","since":${START},"why":"no reading for 3 min, one is due every 1 min"} retained`,
      `7/health {"health":"ok","since":${watched.now},"why":null} retained`,
    ]);
    expect(watched.bridge.counters().streams.pump).toMatchObject({ stale: 1, stuck: 0 });
    expect(watched.log.lines).toContain("warn pump: stale: device 7: no reading for 3 min, one is due every 1 min");
    expect(heard).toEqual(["pump 7 ok", "pump 7 stale", "pump 7 ok"]);
    expect(watched.bridge.health("pump").get("7")?.health).toBe("ok");
  });

  it("tells that a device repeats a value", async () => {
    const watched = await start();
    for (let minute = 0; minute < 12; minute++) {
      await watched.read("7", 1500);
      await watched.pass(MINUTE);
    }
    expect(watched.told().at(-1)).toContain('"health":"stuck"');
    expect(watched.bridge.counters().streams.pump).toMatchObject({ stuck: 1 });
  });

  it("is told of a device whose state has left memory", async () => {
    const watched = new Watched();
    await watched.start(1);
    await watched.read("7", 1);
    await watched.read("8", 1);
    await watched.pass(4 * MINUTE);
    expect(watched.told().filter((line) => line.includes("stale"))).toHaveLength(2);
  });

  it("survives a restart: what was told is not told again, and a device that died meanwhile is", async () => {
    const watched = await start();
    await watched.read("dead", 1);
    await watched.pass(4 * MINUTE);
    await watched.read("alive", 1);
    await watched.bridge.stop();
    watched.now += 60 * MINUTE;
    const before = watched.told().length;
    await watched.start();
    expect(watched.bridge.health("pump").get("dead")?.health).toBe("stale");
    await watched.pass(2 * MINUTE);
    expect(watched.told()).toHaveLength(before);
    await watched.pass(2 * MINUTE);
    expect(watched.told().slice(before)).toEqual([expect.stringContaining('alive/health {"health":"stale"')]);
  });

  it("counts no silence while there is no connection, or the clock is set", async () => {
    const watched = await start();
    await watched.read("7", 1);
    watched.broker.last.lose("cut");
    await watched.pass(30 * MINUTE);
    await new Promise((resolve) => setTimeout(resolve, 100));
    watched.broker.last.accept();
    await turns();
    await watched.pass(2 * MINUTE);
    watched.now += 365 * 24 * 60 * MINUTE;
    await watched.pass(2 * MINUTE);
    expect(watched.told()).toHaveLength(1);
    await watched.pass(2 * MINUTE);
    expect(watched.told()).toHaveLength(2);
  });

  it("forgets what is damaged", async () => {
    const watched = new Watched();
    await watched.store.commit([["health/pump/7", new TextEncoder().encode("{")]]);
    await watched.start();
    expect(watched.bridge.health("pump").size).toBe(0);
    await turns();
    expect(await watched.store.get("health/pump/7")).toBeUndefined();
  });
});
