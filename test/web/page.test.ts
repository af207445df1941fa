import { afterEach, describe, expect, it } from "vitest";
import { until } from "../support/bridge.ts";
import { startPageHost } from "../support/page-host.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startTestPage() {
  const host = await startPageHost();
  closers.push(() => host.stop());
  const url = (path: string) => new URL(path, host.address);
  const get = async (path: string) => (await fetch(url(path))).json();
  const post = async (path: string, body: unknown) => {
    const headers = { "content-type": "application/json" };
    const answer = await fetch(url(path), { method: "POST", headers, body: JSON.stringify(body) });
    return { status: answer.status, ...((await answer.json()) as object) };
  };
  return { ...host, url, get, post };
}

/** Reads server-sent events until one satisfies the claim. */
async function event(url: URL, claim: (data: never) => boolean): Promise<never> {
  const stop = new AbortController();
  const answer = await fetch(url, { signal: stop.signal });
  let text = "";
  try {
    for await (const part of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString();
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const one of parts) {
        const data = /^data: (.*)$/m.exec(one)?.[1];
        if (data !== undefined && claim(JSON.parse(data) as never)) return JSON.parse(data) as never;
      }
    }
  } finally {
    stop.abort();
  }
  throw new Error("The events ended");
}

describe("the data of the page", () => {
  it("tells of a device in alarm: span, cause, readings with their forecasts, and that it is known of", async () => {
    const { run, get, post } = await startTestPage();
    await run("a", 60, 3);
    const list = await get("api/devices");
    expect(list).toMatchObject({ total: 1, counts: { alarm: 1 }, host: { isConnected: true } });
    expect(list.rows[0]).toMatchObject({ stream: "pump", device: "a", attention: "alarm", every: 1000 });
    expect(list.rows[0].alarm.text).toMatch(/^speed 1\d\d/);
    const { device } = await get("api/device?stream=pump&device=a");
    expect(device).toMatchObject({ n: 63, model: "fake@aaaaaaaa", detector: expect.stringMatching(/^test@/) });
    expect(device.alarms).toEqual([expect.objectContaining({ text: list.rows[0].alarm.text })]);
    const { bins } = await get("api/history?stream=pump&device=a");
    expect(bins.time.length).toBe(63);
    expect(bins.mean[0][61]).toBeGreaterThan(100);
    expect(await post("api/command", { stream: "pump", device: "a", command: { acknowledge: true } })).toMatchObject({
      status: 200,
      ok: true,
    });
    expect((await get("api/device?stream=pump&device=a")).device.attention).toBe("acknowledged");
  });

  it("takes the commands that MQTT takes, and tells what is wrong with others", async () => {
    const { run, post, get } = await startTestPage();
    await run("a", 40, 2);
    const tell = (command: unknown, device = "a", stream = "pump") => post("api/command", { stream, device, command });
    expect(await tell({ mute: "10m" })).toMatchObject({ ok: true, set: { mute: "10m" } });
    await run("a", 1, 0);
    expect((await get("api/devices")).rows[0]).toMatchObject({ isMuted: true });
    expect(await tell({ relearn: true })).toMatchObject({ ok: false, error: expect.stringContaining("calibrate") });
    expect(await tell({ mute: "1h" }, "nobody")).toMatchObject({
      ok: false,
      error: "this device has sent no reading yet",
    });
    expect(await tell({ mute: "1h" }, "a", "nowhere")).toMatchObject({ status: 404, ok: false });
    expect(await post("api/command", { stream: "pump" })).toMatchObject({ status: 400 });
    expect(await post("api/command", { stream: "pump", device: "a", command: null })).toMatchObject({
      ok: false,
      error: "expected a JSON object",
    });
  });

  it("comes as events while something happens", async () => {
    const { run, url } = await startTestPage();
    await run("a", 5, 0);
    const rows = event(url("api/events/devices?count=1"), ({ total }) => total === 2);
    const bins = event(
      url("api/events/device?stream=pump&device=a&since=0"),
      ({ device }: { device: { n: number } }) => device.n === 8,
    );
    await run("b", 1, 0);
    await run("a", 3, 0);
    expect(await rows).toMatchObject({ total: 2, from: 0, rows: [{ device: "a" }] });
    expect(await bins).toMatchObject({ bins: { time: expect.any(Array) }, device: { device: "a" } });
  });

  it("tells of the host: its broker, what was rejected and the log", async () => {
    const { broker, get, log, send } = await startTestPage();
    log.info("stream", "line <b>one</b>", "stream");
    broker.last.deliver("plant/a/data", "{", 1);
    await until(() => broker.last.acks.length === 1);
    send("a", 1, 2);
    const host = await get("api/host");
    expect(host).toMatchObject({ broker: "mqtt://test", isConnected: true, counters: { streams: { pump: {} } } });
    expect(host.rejections).toMatchObject([{ stream: "pump", count: 1 }]);
    expect(host.log.map(({ text }: { text: string }) => text)).toContain("line <b>one</b>");
    expect(host.memory.rss).toBeGreaterThan(1e6);
  });

  it("tells of models: hash, layers, and the self-test, done now", async () => {
    const { get } = await startTestPage();
    const { models } = await get("api/models");
    expect(models).toMatchObject([
      {
        stream: "pump",
        topics: ["plant/{device}/data"],
        model: { name: "fake" },
        detector: { id: expect.stringMatching(/^test@/), rows: 600 },
      },
    ]);
  });

  it("shows names as they can be shown, and finds devices by what they are called", async () => {
    const { get, send, broker } = await startTestPage();
    const names = ["<img src=x onerror=alert(1)>", "a&b\"c'd", "\u202eevil", "ümlaut°", "%2e%2e"];
    for (const [k, name] of names.entries()) {
      send(name, 1, 2);
      await until(() => broker.last.acks.length === k + 1);
    }
    const { rows } = await get("api/devices");
    expect(rows.map(({ device }: { device: string }) => device).sort()).toEqual([...names].sort());
    expect(rows.find(({ device }: { device: string }) => device === names[2]).label).not.toContain("\u202e");
    for (const name of names) {
      const { device } = await get(`api/device?stream=pump&device=${encodeURIComponent(name)}`);
      expect(device.device).toBe(name);
    }
  });

  it("asks for little: pages of a list, and spans of the history", async () => {
    const { get, run } = await startTestPage();
    await run("a", 5, 0);
    expect((await get("api/devices?from=-5&count=100000")).rows.length).toBe(1);
    expect((await get("api/devices?from=1")).rows).toEqual([]);
    expect(await get("api/devices?text=zz")).toMatchObject({ total: 0, counts: { fine: 1 } });
    expect(await get("api/history?stream=pump&device=nobody")).toMatchObject({
      error: expect.stringMatching(/no such device/),
    });
    expect((await get("api/history?stream=pump&device=a&from=0&to=1")).bins.time).toEqual([]);
  });

  it("goes on when the host reads its configuration again", async () => {
    const { page, bridge, streams, run, get, post } = await startTestPage();
    await run("a", 3, 0);
    page.hide();
    expect(await get("api/devices")).toMatchObject({ total: 1, host: { isConnected: false } });
    const command = { stream: "pump", device: "a", command: { mute: "1h" } };
    expect(await post("api/command", command)).toMatchObject({ status: 503, ok: false });
    page.show({ bridge, streams, broker: "mqtt://other" });
    await run("a", 1, 0);
    expect((await get("api/device?stream=pump&device=a")).device.n).toBe(4);
    expect((await get("api/host")).broker).toBe("mqtt://other");
  });
});
