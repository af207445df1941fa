import { afterEach, describe, expect, it } from "vitest";
import { planAlarms } from "../../host/alarm/plan.ts";
import type { Bridge } from "../../host/mqtt/bridge.ts";
import { createRuntimeWithoutModel } from "../../host/stream/without-model.ts";
import { createTestDetector } from "../support/alarms.ts";
import { createTestStream, startTestBridge } from "../support/bridge.ts";
import { FakeBroker, GatedStore, turns } from "../support/fake-broker.ts";

const INPUTS = ["speed", "pressure"];
const bridges: Bridge[] = [];
afterEach(async () => {
  for (const bridge of bridges.splice(0)) await bridge.stop();
});

async function start(store = new GatedStore()) {
  const broker = new FakeBroker();
  const alarms = planAlarms({ file: createTestDetector(INPUTS), inputs: INPUTS, isTimed: false });
  const streams = [createTestStream({ runtime: createRuntimeWithoutModel(INPUTS), alarms })];
  const bridge = await startTestBridge("mqtt://fake", { connect: broker.connect, store, streams });
  bridges.push(bridge);
  broker.last.accept();
  await bridge.ready;
  broker.last.deliver("plant/7/data", '{"speed":1,"pressure":2}', 1);
  await turns();
  const tell = (command: unknown, device = "7", stream = "pump") =>
    bridge.command(stream, device, new TextEncoder().encode(JSON.stringify(command)));
  return { bridge, store, tell, connection: broker.last };
}

describe("Bridge.command", () => {
  it("tells a device something, answers, and publishes the answer as to a command by MQTT", async () => {
    const { tell, connection, bridge } = await start();
    const answer = await tell({ mute: "10m", transaction: 7 });
    expect(JSON.parse(answer ?? "")).toMatchObject({ ok: true, set: { mute: "10m" }, transaction: 7 });
    await turns();
    expect(connection.calls).toContain(`publish rivulet/pump/7/result ${answer}`);
    expect(bridge.counters().streams.pump?.commands).toBe(1);
    connection.deliver("plant/7/data", '{"speed":1,"pressure":2}', 2);
    await turns();
    expect(JSON.parse(connection.sent.at(-1)?.text ?? "")).toMatchObject({ muted: true });
  });

  it("answers what is wrong with a command", async () => {
    const { tell } = await start();
    expect(JSON.parse((await tell({ mute: "soon" })) ?? "")).toMatchObject({ ok: false });
    expect(JSON.parse((await tell({ mute: 1 }, "8")) ?? "")).toMatchObject({
      ok: false,
      error: "this device has sent no reading yet",
    });
    expect(await tell({ mute: 1 }, "7", "none")).toBeUndefined();
  });

  it("answers when what it changed is committed", async () => {
    const { tell, store } = await start();
    store.hold("commit");
    let answer: string | undefined;
    void tell({ mute: "10m" }).then((found) => {
      answer = found;
    });
    await turns();
    expect(answer).toBeUndefined();
    store.release("commit");
    await turns();
    expect(answer).toMatch(/"ok":true/);
  });
});

describe("Bridge.status", () => {
  it("tells whether the broker is connected", async () => {
    const { bridge, connection } = await start();
    expect(bridge.status()).toEqual({ isConnected: true, pending: 0 });
    connection.lose();
    expect(bridge.status().isConnected).toBe(false);
  });
});
