// A broker that is started again, and two bridges of one state directory.

import { afterEach, describe, expect, it } from "vitest";
import { createTestLog, startTestBridge, until } from "../support/bridge.ts";
import { hasMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** The pauses that people get. */
const retry = { firstMs: 500, maxMs: 30_000, repeatMs: 60_000 };

describe("a bridge with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  it("is back within a second after every restart, and blames nobody for it", async () => {
    const broker = await startMosquitto({ persistence: true });
    closers.push(() => broker.close());
    const log = createTestLog();
    const bridge = await startTestBridge(broker.url, { log, retry, now: Date.now });
    closers.push(() => bridge.stop());
    await bridge.ready;
    const connections = () => bridge.counters().connections;
    const waits: number[] = [];
    for (let restart = 0; restart < 3; restart++) {
      const before = connections();
      await broker.stop();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await broker.start();
      const started = performance.now();
      await until(() => connections() > before);
      waits.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 2100));
    }
    expect(Math.max(...waits)).toBeLessThan(1500);
    expect(log.lines.join("\n")).not.toContain("another client");
  });
});
