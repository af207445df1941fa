// `startRun` without a broker: what it makes of a configuration.

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../host/config/document.ts";
import type { BrokerOptions } from "../host/mqtt/connection.ts";
import { type RunOptions, startRun } from "../host/run.ts";
import { createRuntime } from "../host/runtime/index.ts";
import { detectorBytes } from "./support/alarms.ts";
import { createTestLog } from "./support/bridge.ts";
import { FakeBroker, turns } from "./support/fake-broker.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";
import { randomF32Model } from "./support/models.ts";
import { PUMP, readings, watchedBytes } from "./support/watched-pump.ts";

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-start-"));
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await rm(folder, { recursive: true, force: true });
});

const BROKER = "broker: { url: 'mqtt://plant' }";
const STREAM = "streams: { pump: { model: m.safetensors, topic: 'plant/{device}/data' } }";

/** Starts what the lines of a configuration describe; the broker accepts. */
async function start(lines: readonly string[], options: Partial<RunOptions> = {}) {
  const file = join(folder, "config.yaml");
  await writeFile(file, lines.join("\n"));
  const broker = new FakeBroker();
  const log = createTestLog();
  const openRuntime = async () => createFakeRuntime();
  const bridge = await startRun({ file, env: {}, log, connect: broker.connect, openRuntime, ...options });
  closers.push(() => bridge.stop());
  broker.last.accept();
  await bridge.ready;
  return { bridge, log, connection: broker.last, broker };
}

/** What the broker is told of who we are, but for what is made up. */
const loginOf = ({ clientId: _, lastWill: __, ...options }: BrokerOptions) => options;

describe("startRun with a detector", () => {
  const lines = (detector: string, stream = "") => [
    BROKER,
    "state: { memory: true }",
    `streams: { pump: { detector: ${detector}, topic: 'plant/{device}/data', payload: array${stream} } }`,
  ];

  it("answers score and alarm without a model, by the inputs of the detector", async () => {
    await writeFile(join(folder, "d.safetensors"), detectorBytes(["speed", "pressure"]));
    const { connection, log } = await start(lines("d.safetensors", ", inputs: [pressure, speed]"));
    connection.deliver("plant/7/data", "[1, 2]", 1);
    await turns();
    expect(JSON.parse(connection.sent[0]!.text)).toMatchObject({ alarm: false, warmup: 19, n: 1 });
    expect(log.lines).toContainEqual(expect.stringMatching(/^info pump: detector test@[0-9a-f]{8}, topic plant/));
  });

  it("answers both beside a model", async () => {
    await writeFile(join(folder, "d.safetensors"), detectorBytes(["pressure"]));
    const { connection } = await start(lines("d.safetensors", ", model: m.safetensors"));
    connection.deliver("plant/7/data", "[1, 2]", 1);
    await turns();
    expect(JSON.parse(connection.sent[0]!.text)).toMatchObject({
      prediction: expect.any(Array),
      alarm: false,
      model: expect.stringMatching(/^fake@/),
      detector: expect.stringMatching(/^test@/),
    });
  });

  it("tells the alarms of the detector in the model file, which the configuration need not name", async () => {
    await writeFile(join(folder, "m.safetensors"), watchedBytes(PUMP));
    const stream = "streams: { pump: { model: m.safetensors, topic: 'plant/{device}/data', payload: array } }";
    const file = join(folder, "config.yaml");
    await writeFile(file, [BROKER, "state: { memory: true }", stream].join("\n"));
    const broker = new FakeBroker();
    const log = createTestLog();
    const bridge = await startRun({ file, env: {}, log, connect: broker.connect });
    closers.push(() => bridge.stop());
    broker.last.accept();
    await bridge.ready;
    const connection = broker.last;
    for (const sample of readings(9, 390, 300)) {
      connection.deliver("plant/7/data", JSON.stringify(sample), 1);
      await turns();
    }
    const [alarm = ""] = connection.calls.filter((call) => call.startsWith("publish rivulet/pump/7/alarm "));
    expect(alarm).toContain('{"alarm":true,');
    expect(alarm).toContain('"cause":[{"input":"bearing_temperature"');
    expect(log.lines).toContainEqual(expect.stringMatching(/^info pump: model pump@\w{8}, f32.*, detector pump@/));
  });

  it.each([
    ["no detector at all", [], "alarms come from a detector, there is none"],
    ["none that is of q15", [", numeric: q15"], "(that of an f32 model is left out with numeric: q15)"],
  ])("refuses alarms with %s", async (_, [numeric = ""], message) => {
    const failure = start([BROKER, STREAM.replace(" } }", `${numeric}, alarms: { per_week: 2 } } }`)]);
    await expect(failure).rejects.toThrow(message);
  });

  it.each([
    ["a file that is not there", async () => {}, "detector: cannot read d.safetensors: there is no such file"],
    [
      "a file that is no detector",
      () => writeFile(join(folder, "d.safetensors"), randomF32Model({ inputs: 1, layers: [4], outputs: 1 }).bytes),
      "detector: d.safetensors is not a detector that can be used: __metadata__.rivulet_detector: missing; this file holds no detector",
    ],
    [
      "a detector of other inputs than the model's",
      () => writeFile(join(folder, "d.safetensors"), detectorBytes(["voltage"])),
      'detector: the detector watches "voltage", which the stream does not have; it has "speed", "pressure"',
    ],
  ])("refuses %s, with the place", async (_, prepare, message) => {
    await prepare();
    const failure = start(lines("d.safetensors", ", model: m.safetensors"));
    await expect(failure).rejects.toThrow(ConfigError);
    await expect(failure).rejects.toThrow(`config.yaml:3:30 streams.pump.${message}`);
  });
});

describe("startRun with collect", () => {
  const stream = "streams: { pump: { collect: 7d, topic: 'plant/{device}/data', inputs: [speed, pressure] } }";

  it("keeps the readings of a stream that has nothing else, and publishes no answers", async () => {
    const { bridge, connection, log } = await start([BROKER, stream]);
    connection.deliver("plant/7/data", '{"speed":1480,"pressure":3.25,"t":1}', 1);
    connection.deliver("plant/7/data", '{"speed":"x"}', 2);
    connection.deliver("plant/7/data", '{"speed":1500,"pressure":3}', 3);
    await bridge.stop();
    const rows = await readFile(join(folder, "state/collected/pump.csv"), "utf8");
    expect(rows.replace(/^20.*?Z/gm, "T")).toBe("time,device,speed,pressure\nT,7,1480,3.25\nT,7,1500,3\n");
    expect(connection.acks).toEqual([1, 2, 3]);
    expect(connection.sent).toEqual([]);
    expect(log.lines).toContain("info pump: readings are collected, topic plant/{device}/data");
  });

  it("goes on with the same file in the next run", async () => {
    for (const value of [1, 2]) {
      const { bridge, connection } = await start([BROKER, stream]);
      connection.deliver("plant/7/data", JSON.stringify({ speed: value, pressure: 0 }), value);
      await bridge.stop();
    }
    const rows = await readFile(join(folder, "state/collected/pump.csv"), "utf8");
    expect(
      rows
        .trim()
        .split("\n")
        .map((row) => row.split(",")[2]),
    ).toEqual(["speed", "1", "2"]);
  });
});

describe("startRun", () => {
  it("connects as the defaults say, with the MQTT session kept", async () => {
    const { connection } = await start([BROKER, STREAM]);
    expect(connection.options.clientId).toMatch(/^rivulet-[0-9a-f]{12}$/);
    expect(connection.options.lastWill).toEqual({ topic: "rivulet/bridge/state", payload: "offline" });
    expect(loginOf(connection.options)).toEqual({
      url: "mqtt://plant",
      keepalive: 30,
      protocol: 4,
      rejectUnauthorized: true,
      isClean: false,
      maxPacketBytes: 65_536 + 262_144,
      receiveMaximum: 65_535,
    });
  });

  it("hands on what the configuration says of the broker", async () => {
    const vector = (name: string) => readFile(join("test/vectors/tls", name), "utf8");
    await writeFile(join(folder, "ca.pem"), await vector("authority.pem"));
    await writeFile(join(folder, "cert.pem"), await vector("client.pem"));
    await writeFile(join(folder, "key.pem"), await vector("client-encrypted.key"));
    const { connection } = await start(
      [
        "broker:",
        "  url: mqtts://plant:8884",
        "  username: me",
        "  password: ${env:SECRET}",
        "  client_id: rivulet-7",
        "  keepalive: 9",
        "  protocol: 5",
        "  reject_unauthorized: false",
        "  ca: ca.pem",
        "  cert: cert.pem",
        "  key: key.pem",
        "  passphrase: ${env:PASSPHRASE}",
        "base_topic: base",
        STREAM,
      ],
      { env: { SECRET: "hidden", PASSPHRASE: "plant" } },
    );
    expect(connection.options).toEqual({
      url: "mqtts://plant:8884",
      clientId: "rivulet-7",
      username: "me",
      password: "hidden",
      keepalive: 9,
      protocol: 5,
      rejectUnauthorized: false,
      isClean: false,
      maxPacketBytes: 65_536 + 262_144,
      receiveMaximum: 65_535,
      ca: await vector("authority.pem"),
      cert: await vector("client.pem"),
      key: await vector("client.key"),
      lastWill: { topic: "base/bridge/state", payload: "offline" },
    });
  });

  it("keeps no MQTT session when the state is lost with the process, and says so", async () => {
    const { connection, log } = await start([BROKER, "state: { memory: true }", STREAM]);
    expect(connection.options.isClean).toBe(true);
    expect(log.lines).toContain("warn state: kept in memory: it is lost when the process ends");
    expect(await readdir(folder)).toEqual(["config.yaml"]);
  });

  it("keeps the state beside the configuration, or where it says", async () => {
    const first = await start([BROKER, STREAM]);
    await first.bridge.stop();
    expect(await readdir(folder)).toEqual(["config.yaml", "state"]);
    const { log } = await start([BROKER, "state: { directory: kept/here }", STREAM]);
    expect(await readdir(join(folder, "kept"))).toEqual(["here"]);
    expect(log.lines.filter((line) => line.includes("memory"))).toEqual([]);
  });

  it("keeps the MQTT session when memory is false", async () => {
    const { connection } = await start([BROKER, "state: { memory: false }", STREAM]);
    expect(connection.options.isClean).toBe(false);
  });

  it("takes packets as long as the longest payload of all streams", async () => {
    const { connection } = await start([
      BROKER,
      "streams:",
      "  a: { model: m, topic: 'a/{device}', max_payload: 10 }",
      "  b: { model: m, topic: 'b/{device}', max_payload: 300 }",
      "  c: { model: m, topic: 'c/{device}', max_payload: 20 }",
    ]);
    expect(connection.options.maxPacketBytes).toBe(65_836);
  });

  it("steps what the streams say", async () => {
    const { connection, bridge } = await start([
      BROKER,
      "state: { memory: true }",
      "streams:",
      "  pump:",
      "    model: m",
      "    topic: plant/{site}/{device}",
      "    device: '{device}'",
      "    inputs: [{ name: pressure, field: /p, max_age: 60 }, speed]",
      "    time: { field: t, format: unix }",
      "    max_payload: 40",
      "    max_devices: 1",
      "    qos: 0",
      "  fan: { model: m, topic: 'fan/{device}', payload: array }",
    ]);
    expect(connection.subscriptions).toEqual([
      { filter: "plant/+/+", qos: 0 },
      { filter: "fan/+", qos: 1 },
    ]);
    const deliver = async (topic: string, payload: string) => {
      connection.deliver(topic, payload);
      await turns();
    };
    await deliver("plant/north/7", '{"p":2,"speed":1,"t":5}');
    await deliver("plant/north/7", '{"speed":1,"t":65}');
    await deliver("plant/north/7", '{"speed":1,"t":66}');
    await deliver("plant/north/8", `{"p":2,"speed":1,"t":5,"x":"${"x".repeat(20)}"}`);
    await deliver("plant/north/8", '{"p":2,"speed":1,"t":5}');
    await deliver("fan/1", "[1,2]");
    expect(
      connection.sent.map(({ topic, text }) => [topic, JSON.parse(text).ts > 1e12 ? "now" : JSON.parse(text).ts]),
    ).toEqual([
      ["rivulet/pump/7", 5000],
      ["rivulet/pump/7", 65_000],
      ["rivulet/pump/8", 5000],
      ["rivulet/fan/1", "now"],
    ]);
    expect(bridge.counters().streams.pump).toMatchObject({
      steps: 3,
      devices: 1,
      evictions: 1,
      rejected: { missing_field: 1, too_large: 1 },
    });
  });

  it.each([
    ["reset: { every: 3 }", { reset: { every: 3 } }],
    ["overlap: { window: 3 }", { overlap: { window: 3 } }],
  ])("computes on windows, also after a restart: %s", async (line, windows) => {
    const { model } = randomF32Model({ inputs: 1, layers: [4], outputs: 1 });
    const openRuntime = async () => createRuntime(model);
    const values = [0.5, -1, 2, 0.25, 1.5, -0.75, 1, 3];
    const found: number[] = [];
    for (const part of [values.slice(0, 4), values.slice(4)]) {
      const lines = [
        BROKER,
        "streams:",
        "  pump: { model: m, topic: 'plant/{device}', payload: number,",
        `    ${line} }`,
      ];
      const { connection, bridge } = await start(lines, { openRuntime });
      for (const value of part) {
        connection.deliver("plant/7", String(value));
        await turns();
      }
      while (connection.sent.length < part.length) await turns();
      found.push(...connection.sent.map(({ text }) => JSON.parse(text).prediction[0]));
      await bridge.stop();
    }
    const expected = createRuntime(model).createSession(windows).run(values);
    expect(found.map(Math.fround)).toEqual([...expected]);
    expect([...createRuntime(model).createSession().run(values)]).not.toEqual([...expected]);
  });

  it("logs the model of each stream, and warnings of the configuration", async () => {
    const { log, bridge } = await start(["broker: { url: 'mqtt://plant', username: me, password: plain }", STREAM], {
      openRuntime: async () => ({ ...createFakeRuntime(), simd: true, sessionCount: 0 }),
    });
    expect(log.lines.slice(0, 2)).toEqual([
      expect.stringMatching(/^warn config: .*config.yaml: broker.password is in the file as plain text; /),
      "info pump: model fake@aaaaaaaa, f32 with SIMD, topic plant/{device}/data",
    ]);
    await bridge.stop();
    const scalar = await start([BROKER, STREAM.replace("pump", "fan")]);
    expect(scalar.log.lines[0]).toBe("info fan: model fake@aaaaaaaa, f32, topic plant/{device}/data");
  });

  it("opens each model file beside the configuration, in the numeric form that it asks for", async () => {
    const opened: unknown[] = [];
    await start(
      [
        BROKER,
        "streams: { pump: { model: deep/m, numeric: q15, topic: 'plant/{d}' }, fan: { model: /abs/m, topic: 'fan/{d}' } }",
      ],
      {
        openRuntime: async (path, numeric) => {
          opened.push([path, numeric]);
          return createFakeRuntime();
        },
      },
    );
    expect(opened).toEqual([
      [join(folder, "deep/m"), "q15"],
      ["/abs/m", undefined],
    ]);
  });

  it("runs a model file in the numeric form that it asks for", async () => {
    const { bytes, model } = randomF32Model({ inputs: 1, layers: [4] });
    await writeFile(join(folder, "m.safetensors"), bytes);
    const file = join(folder, "config.yaml");
    const infoOf = async (stream: string) => {
      await writeFile(file, [BROKER, "state: { memory: true }", stream].join("\n"));
      const log = createTestLog();
      await (await startRun({ file, env: {}, log, connect: new FakeBroker().connect })).stop();
      return log.lines[0]?.replace(" with SIMD", "");
    };
    expect(await infoOf(STREAM)).toBe(`info pump: model ${model.id}, f32, topic plant/{device}/data`);
    expect(await infoOf(STREAM.replace("topic", "numeric: q15, topic"))).toMatch(
      /^info pump: model random@\w{8}, q15, /,
    );
  });

  it("waits between attempts to connect as it is told", async () => {
    const { connection, broker } = await start([BROKER, STREAM], { retry: { firstMs: 1, maxMs: 1 } });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    connection.lose();
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    expect(broker.connections).toHaveLength(2);
  });
});

describe("startRun of what cannot be run", () => {
  const problemsOf = async (lines: readonly string[], options: Partial<RunOptions> = {}) => {
    const failure = await start([BROKER, ...lines], options).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ConfigError);
    return (failure as Error).message.replaceAll(`${folder}/`, "").split("\n");
  };
  const failing = (error: unknown) => ({ openRuntime: () => Promise.reject(error) });

  it("tells all models that cannot be used, each at its place", async () => {
    const lines = ["streams:", "  a: { model: m, topic: 'a/{d}' }", "  b: { topic: 'b/{d}', model: nope }"];
    expect(await problemsOf(lines, failing(new Error("too deep")))).toEqual([
      "config.yaml:3:15 streams.a.model: m: too deep",
      "config.yaml:4:31 streams.b.model: nope: too deep",
    ]);
    expect(await problemsOf(lines.slice(0, 2), failing("odd"))).toEqual(["config.yaml:3:15 streams.a.model: m: odd"]);
  });

  it("tells a file that cannot be read, and one that is no model", async () => {
    await writeFile(join(folder, "nonsense"), "nonsense");
    const lines = ["streams:", "  a: { model: nope, topic: 'a/{d}' }", "  b: { model: nonsense, topic: 'b/{d}' }"];
    const config = [BROKER, ...lines].join("\n");
    await writeFile(join(folder, "config.yaml"), config);
    const options = {
      file: join(folder, "config.yaml"),
      env: {},
      log: createTestLog(),
      connect: new FakeBroker().connect,
    };
    await expect(startRun(options)).rejects.toThrow(
      /:3:15 streams\.a\.model: cannot read nope: there is no such file\n.*:4:15 streams\.b\.model: nonsense is not a model that can be used: /,
    );
  });

  it("tells an input that the model does not have, and one that is not bound", async () => {
    expect(
      await problemsOf([
        "streams:",
        "  a: { model: m, topic: 'a/{d}', inputs: [speed, presure] }",
        "  b: { model: m, topic: 'b/{d}', inputs: [speed] }",
      ]),
    ).toEqual([
      'config.yaml:3:50 streams.a.inputs[1]: the model has no input "presure"; it has "speed", "pressure"',
      'config.yaml:4:42 streams.b.inputs: the model\'s inputs "pressure" are not bound',
    ]);
  });

  it("tells that a plain number is one input", async () => {
    const lines = ["streams:", "  a: { model: m, topic: 'a/{d}', payload: number }"];
    expect(await problemsOf(lines)).toEqual([
      "config.yaml:3:43 streams.a.payload: a plain number is one input, the model has 2",
    ]);
    const { connection } = await start([BROKER, "state: { memory: true }", ...lines], {
      openRuntime: async () => createFakeRuntime({ inputs: ["x"] }),
    });
    connection.deliver("a/1", "7");
    await turns();
    expect(JSON.parse(connection.sent[0]?.text ?? "").prediction).toEqual([7]);
  });
});
