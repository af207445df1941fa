import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { startBroker } from "../../../tools/demo/broker.ts";
import { WatchBoard } from "../../../tools/watch/board.ts";
import { createTestStream } from "../../support/bridge.ts";
import { cli } from "../../support/cli.ts";
import { START } from "./views.ts";

/** A board of the test stream, and a hand to give it messages with. */
function setUp() {
  const state = { now: START };
  const board = new WatchBoard("rivulet", [createTestStream()], () => state.now);
  const take = (topic: string, value: unknown, isRetained = false) =>
    board.take(topic, new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)), isRetained);
  return { state, board, take };
}

describe("a board", () => {
  it("knows values and rate of a device from its readings, and what the host answers", () => {
    const { state, board, take } = setUp();
    for (let i = 0; i < 5; i++) {
      state.now = START + 500 * i;
      take("plant/7/data", { speed: 1480 + i, pressure: 3.5 });
      take("rivulet/pump/7", { prediction: [1481, 3], residual: [-0.5, 0], score: -1.25, n: i + 1 });
    }
    expect(board.devices()).toEqual([
      expect.objectContaining({
        stream: "pump",
        device: "7",
        rate: 2,
        values: [1484, 3.5],
        prediction: 1481,
        residual: -0.5,
        score: -1.25,
        isAnswered: true,
      }),
    ]);
  });

  it("puts devices first that need attention", () => {
    const { board, take } = setUp();
    for (const device of ["10", "9", "8", "7"]) take(`rivulet/pump/${device}`, { n: 1 });
    take("rivulet/pump/8/health", { health: "stale", since: START, why: "" }, true);
    take("rivulet/pump/10/alarm", { alarm: true, cause: [{ input: "bearing" }] }, true);
    expect(board.devices().map(({ device }) => device)).toEqual(["10", "8", "7", "9"]);
    take("rivulet/pump/10/alarm", { alarm: false, cause: [] });
    take("rivulet/pump/8/health", { health: "ok", since: START, why: null });
    expect(board.devices().map(({ device }) => device)).toEqual(["7", "8", "9", "10"]);
  });

  it.each([
    ["retained readings", "plant/7/data", { speed: 1, pressure: 2 }, true],
    ["readings that cannot be read", "plant/7/data", "{", false],
    ["what is no answer", "rivulet/pump/7", { doctor: true }, false],
    ["what the host says of itself", "rivulet/bridge/event", { n: 1 }, false],
    ["commands and what comes of them", "rivulet/pump/7/result", { n: 1 }, false],
    ["other topics", "elsewhere", { n: 1 }, false],
  ])("leaves out %s", (_, topic, value, isRetained) => {
    const { board, take } = setUp();
    take(topic, value, isRetained);
    expect(board.devices()).toEqual([]);
  });

  it("knows what a detector has learnt, and the samples of a warm-up to come", () => {
    const { board, take } = setUp();
    take("rivulet/pump/7", { n: 1, learning: 0.25, warmup: 4 });
    expect(board.devices()).toMatchObject([{ learning: 0.25, warmup: 4 }]);
    take("rivulet/pump/7", { n: 2 });
    expect(board.devices()).toMatchObject([{ learning: undefined, warmup: 0 }]);
  });

  it("keeps alarm and health apart, and knows the first cause", () => {
    const { board, take } = setUp();
    take("rivulet/pump/7/alarm", { alarm: true, cause: [{ input: "speed" }, { input: "pressure" }] });
    take("rivulet/pump/7/health", { health: "stuck", since: START - 5 });
    take("rivulet/pump/7", { n: 1 });
    expect(board.devices()).toMatchObject([{ alarm: "speed", health: "stuck", since: START - 5 }]);
    take("rivulet/pump/7/health", { health: "ok" });
    expect(board.devices()).toMatchObject([{ alarm: "speed", health: undefined, since: START - 5 }]);
    take("rivulet/pump/7/alarm", { alarm: true, cause: [{ input: 5 }] });
    expect(board.devices()).toMatchObject([{ alarm: "" }]);
  });

  it("knows whether there is a host", () => {
    const { board, take } = setUp();
    expect(board.host).toBeUndefined();
    take("rivulet/bridge/state", "online", true);
    expect(board.host).toBe("online");
    take("rivulet/bridge/state", "x".repeat(300), true);
    expect(board.host).toBe("x".repeat(200));
  });
});

describe("rivulet watch", () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  const plant = async () => {
    const broker = await startBroker();
    closers.push(() => broker.stop());
    const client = mqtt.connect(broker.url);
    closers.push(() => client.endAsync(true));
    const timer = setInterval(() => {
      client.publish("plant/7/data", '{"a":21.5,"b":40}');
      client.publish("rivulet/rooms/7", '{"prediction":[21.4],"residual":[0.1],"n":5}');
    }, 20);
    closers.push(async () => clearInterval(timer));
    return broker.url;
  };

  it("prints what a host publishes, and ends", async () => {
    const { code, stdout } = await cli(["watch", "--broker", await plant(), "--seconds", "0.5"]);
    expect(stdout).toMatch(/^rooms\/7 .* 21\.4 +0\.1 .* ok$/m);
    expect(code).toBe(0);
  });

  it("draws readings of a configuration on a terminal, and gives it back when the user stops it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rivulet-watch-"));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const stream = "rooms: { topic: 'plant/{device}/data', inputs: [a, b], collect: 7d }";
    await writeFile(join(folder, "c.yaml"), `broker: { url: "${await plant()}" }\nstreams: { ${stream} }\n`);
    const stop = new AbortController();
    let writes = 0;
    const onOutput = () => {
      if (++writes === 6) stop.abort();
    };
    const { code, stdout } = await cli(["watch", join(folder, "c.yaml")], {
      isTty: true,
      signal: stop.signal,
      onOutput,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/rooms\/7 +.*21\.5 40 /);
    expect(stdout.lastIndexOf("\u001b[?25h")).toBeGreaterThan(stdout.lastIndexOf("\u001b[?25l"));
  });

  it.each([
    [["watch", "c.yaml", "--broker", "mqtt://x"], "A configuration brings the broker and the base topic"],
    [["watch"], "Where is the broker?"],
  ])("refuses %j", async (argv, message) => {
    const { code, stderr } = await cli(argv);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  it("says that nobody answers", async () => {
    const { code, stderr } = await cli(["watch", "--broker", "mqtt://127.0.0.1:1"]);
    expect(stderr).toBe("error: Cannot connect to mqtt://127.0.0.1:1: connection refused; is the broker running?\n");
    expect(code).toBe(1);
  });
});
