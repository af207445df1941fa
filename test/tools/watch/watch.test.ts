import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, describe, expect, it } from "vitest";
import { startBroker } from "../../../tools/demo/broker.ts";
import { type DeviceView, WatchBoard } from "../../../tools/watch/board.ts";
import { numberText, rateText, renderWatch, type TableOptions } from "../../../tools/watch/table.ts";
import { createTestStream } from "../../support/bridge.ts";
import { cli } from "../../support/cli.ts";

const START = 1_732_000_000_000;

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

const device = (more: Partial<DeviceView> = {}): DeviceView => ({
  stream: "pump",
  device: "7",
  last: START,
  rate: 2,
  values: [1480, 3.25],
  prediction: 1481,
  residual: -0.5,
  score: -1.25,
  alarm: undefined,
  health: undefined,
  since: START,
  learning: undefined,
  warmup: 0,
  isAnswered: true,
  ...more,
});

const options = (more: Partial<TableOptions> = {}): TableOptions => ({
  columns: 80,
  rows: 24,
  hasColors: false,
  now: START + 1000,
  broker: "mqtt://plant",
  isConnected: true,
  host: "online",
  ...more,
});

const FLEET = Array.from({ length: 30 }, (_, i) =>
  device({ device: `hall-${i}`, ...(i === 0 ? { alarm: "bearing_temperature" } : {}) }),
);

describe("the table", () => {
  it("has a line for each device", () => {
    expect(renderWatch([device(), device({ device: "8", alarm: "" })], options())).toEqual([
      "mqtt://plant, host online, 2 devices, 1 alarm, 4.0/s",
      "device              rate         values    next residual score  state",
      "pump/7             2.0/s      1480 3.25    1481     -0.5  -1.3  ok",
      "pump/8             2.0/s      1480 3.25    1481     -0.5  -1.3  ALARM",
    ]);
  });

  it.each([
    [{ alarm: "bearing" }, "ALARM bearing"],
    [{ health: "stale" as const, since: START - 899_000 }, "stale 15 min"],
    [{ health: "stuck" as const, since: START - 7_199_000 }, "stuck 2 h"],
    [{ learning: 0.637 }, "learning 63 %"],
    [{ warmup: 12 }, "warm-up 12"],
    [{ last: 0 }, "nothing yet"],
    [{ last: START - 119_000 }, "2 min ago"],
    [{ isAnswered: false }, "no answer"],
  ])("says how a device is: %j", (more, state) => {
    expect(
      renderWatch([device(more)], options())
        .at(-1)
        ?.slice(-state.length - 2),
    ).toBe(`  ${state}`);
  });

  it.each([
    [80, 24],
    [60, 12],
    [40, 8],
  ])("fits a terminal of %i x %i, with the state of every line", (columns, rows) => {
    const lines = renderWatch(FLEET, options({ columns, rows }));
    expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThanOrEqual(columns);
    expect(lines.length).toBeLessThan(rows);
    expect(lines[2]).toContain("ALARM bearing_");
    expect(lines.slice(3, -1).every((line) => line.endsWith("  ok"))).toBe(true);
    const hidden = 30 - (lines.length - 3);
    expect(lines.at(-1)).toBe(`… ${hidden} more, all quiet`);
  });

  it("tells that devices below need attention", () => {
    const fleet = FLEET.map((one) => ({ ...one, alarm: "" }));
    expect(renderWatch(fleet, options({ rows: 10 })).at(-1)).toMatch(/^… \d+ more, \d+ of them need attention$/);
  });

  it("shows values where any device has some, and no column of them where none has", () => {
    const silent = device({ values: [] });
    const title = (devices: DeviceView[]) => renderWatch(devices, options())[1];
    expect(title([silent, device()])).toContain("values");
    expect(title([silent])).not.toContain("values");
    expect(title([])).not.toContain("values");
  });

  it("shows the first two values, and no time before a fault began", () => {
    const line = renderWatch([device({ values: [1, 2, 3] })], options())[2];
    expect(line).toMatch(/ 1 2 +1481 /);
    const early = device({ health: "stale", since: START + 5000 });
    expect(renderWatch([early], options())[2]).toMatch(/ {2}stale 0 ms$/);
  });

  it("leaves columns out from the least important on, and cuts names after those", () => {
    const titles = (columns: number, name = "7") =>
      renderWatch([device({ device: name })], options({ columns }))[1]
        ?.trim()
        .split(/ +/)
        .slice(1, -1);
    expect(titles(80)).toEqual(["rate", "values", "next", "residual", "score"]);
    // 16 for a name, 18 for the state: 46 for columns of 15, 8, 6, 8 and 9.
    expect(titles(79)).toEqual(["rate", "values", "next", "score"]);
    expect(titles(71)).toEqual(["rate", "values", "next", "score"]);
    expect(titles(70)).toEqual(["rate", "values", "score"]);
    expect(titles(62)).toEqual(["rate", "values"]);
    expect(titles(56)).toEqual(["values"]);
    expect(titles(48)).toEqual([]);
    // A long name takes the room of the prediction, not that of the score.
    const long = renderWatch([device({ device: "x".repeat(60) })], options({ columns: 80 }));
    expect(long[1]?.trim().split(/ +/).slice(1, -1)).toEqual(["rate", "values", "score"]);
    expect(long[2]).toMatch(/^pump\/x{27}… /);
  });

  it("counts what needs attention, and rates of all devices", () => {
    const [first] = renderWatch(
      [
        device({ alarm: "" }),
        device({ health: "stale" }),
        device({ health: "stuck" }),
        device({ health: "stuck", rate: undefined }),
      ],
      options({ columns: 120, isConnected: false, host: undefined }),
    );
    expect(first).toBe("mqtt://plant (no connection), no host, 4 devices, 1 alarm, 1 stale, 2 stuck, 6.0/s");
    expect(renderWatch([device({ rate: undefined })], options())[0]).toBe("mqtt://plant, host online, 1 device");
  });

  it("says how long a device is silent after a minute, and not before", () => {
    const state = (silence: number) => renderWatch([device({ last: START })], options({ now: START + silence }))[2];
    expect(state(60_000)).toMatch(/ {2}ok$/);
    expect(state(60_001)).toMatch(/ {2}1 min ago$/);
  });

  it("lets no name break a line", () => {
    const lines = renderWatch([device({ device: "a\nb\u001b[31m" })], options());
    expect(lines).toHaveLength(3);
    expect(lines.join("")).not.toContain("\u001b");
  });

  it.each([
    [1234.567, "1234.6"],
    [0.0001234, "1.2e-4"],
    [1e7, "1.0e+7"],
    [21.456, "21.46"],
    [Number.NaN, "–"],
    [undefined, "–"],
    [0, "0"],
    [99_999, "99999"],
    [1e5, "1.0e+5"],
    [0.001, "0.001"],
    [0.00099, "9.9e-4"],
    [-0.0005, "-5.0e-4"],
    [999.94, "999.9"],
    [1000.04, "1000"],
  ])("prints %d as %s", (value, text) => {
    expect(numberText(value)).toBe(text);
  });

  it.each([
    [12, "12/s"],
    [0.2, "12/min"],
    [0.001, "3.6/h"],
    [1, "1.0/s"],
    [1 / 60, "1.0/min"],
    [9.94, "9.9/s"],
    [10, "10/s"],
    [undefined, ""],
  ])("prints %d a second as %s", (rate, text) => {
    expect(rateText(rate)).toBe(text);
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
