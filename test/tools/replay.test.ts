import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReplayArgs, runReplay } from "../../tools/commands/replay.ts";
import { CliError, UsageError } from "../../tools/errors.ts";
import type { Clock } from "../../tools/replay/pace.ts";
import { observe } from "../support/bridge.ts";
import { Sink } from "../support/cli.ts";
import { freePort } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { findProgram } from "../support/programs.ts";

const openssl = findProgram("openssl");
const tls = needs({ OpenSSL: openssl !== undefined });

let folder: string;
let broker: Aedes;
let server: Server;
let url: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-replay-"));
  broker = await Aedes.createBroker();
  server = createServer(broker.handle);
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  url = `mqtt://127.0.0.1:${port}`;
});
afterEach(async () => {
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  server.close();
  await rm(folder, { recursive: true, force: true });
});

const CSV =
  "time,site,pump,speed,state\n2024-01-01T00:00:00Z,north,1,1480.5,on\n2024-01-01T00:00:01Z,south,2,1e3,off\n";

interface Surroundings {
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly env?: Record<string, string>;
  /** Standard error is a terminal. */
  readonly isTty?: boolean;
}

async function replay(csv: string, args: Partial<ReplayArgs> = {}, surroundings: Surroundings = {}) {
  const { signal, clock, env = {}, isTty } = surroundings;
  const file = join(folder, "readings.csv");
  await writeFile(file, csv);
  const stderr = Object.assign(new Sink(), { isTTY: isTty });
  const io = { stdout: new PassThrough(), stderr, isTty: false, env, ...(signal === undefined ? {} : { signal }) };
  const code = await runReplay({ file, broker: url, topic: "plant/{site}/{pump}/data", ...args }, io, clock);
  return { code, text: stderr.text };
}

/** A clock that stands still but for those who wait, and remembers how long they did. */
function createTestClock(onSleep: () => boolean = () => true): Clock & { readonly waits: number[] } {
  let time = 5000;
  const waits: number[] = [];
  return {
    waits,
    now: () => time,
    async sleep(ms) {
      waits.push(ms);
      time += ms;
      return onSleep();
    },
  };
}

describe("runReplay", () => {
  it("publishes every row as a JSON object, and fills in the topic", async () => {
    const observer = await observe(url, "plant/#");
    const { code, text } = await replay(CSV);
    expect(await observer.waitFor(2)).toEqual([
      {
        topic: "plant/north/1/data",
        text: '{"time":"2024-01-01T00:00:00Z","speed":1480.5,"state":"on"}',
        isRetained: false,
      },
      {
        topic: "plant/south/2/data",
        text: '{"time":"2024-01-01T00:00:01Z","speed":1000,"state":"off"}',
        isRetained: false,
      },
    ]);
    expect(code).toBe(0);
    expect(text).toMatch(/^2 rows published in \d+\.\d s \(\d+ rows\/s\)\n$/);
    await observer.close();
  });

  it.each([
    ["array", "[1480.5,1]"],
    ["f32le", Buffer.from(new Float32Array([1480.5, 1]).buffer).toString()],
  ] as const)("publishes chosen columns as %s", async (payload, expected) => {
    const observer = await observe(url, "plant/#");
    await replay(CSV, { payload, columns: "speed, pump", limit: 1, qos: 0 });
    expect((await observer.waitFor(1))[0]?.text).toBe(expected);
    await observer.close();
  });

  it("publishes one column as a plain number on a literal topic", async () => {
    const observer = await observe(url, "plant/#");
    await replay(CSV, { payload: "number", columns: "speed", topic: "plant/x" });
    expect((await observer.waitFor(2)).map(({ topic, text }) => `${topic} ${text}`)).toEqual([
      "plant/x 1480.5",
      "plant/x 1000",
    ]);
    await observer.close();
  });

  it("keeps the order of thousands of rows", async () => {
    const observer = await observe(url, "plant/#");
    const rows = Array.from({ length: 5000 }, (_, t) => `${t}\n`).join("");
    await replay(`t\n${rows}`, { topic: "plant/x", payload: "number" });
    const texts = (await observer.waitFor(5000)).map(({ text }) => text);
    expect(texts).toEqual(Array.from({ length: 5000 }, (_, t) => String(t)));
    await observer.close();
  });

  it.each([
    ["a,b\n1,2\n3\n", {}, ":3: the row has 1 columns, expected 2"],
    ["a,b\n1,x\n", { payload: "array" }, ':2: column "b" is "x", expected a number'],
    ["a,b\n1,\n", { payload: "f32le" }, ':2: column "b" is "", expected a number'],
    ["a,b\n1,x/+\n", { topic: "plant/{b}" }, ':2: "plant/x/+" is not a topic to publish on'],
    ["a,b\n1,soon\n", { speed: 1, time: "b" }, ':2: "soon" is not a time'],
    ["", {}, ":1: the file is empty, expected a header"],
  ] as const)("tells file and line of a bad row in %j", async (csv, args, message) => {
    const failure = replay(csv, { topic: "plant/x", ...args });
    await expect(failure).rejects.toThrow(CliError);
    await expect(failure).rejects.toThrow(`readings.csv${message}`);
  });

  it.each([
    [{ rate: 1, max: true }, "Only one of --rate, --speed and --max"],
    [{ speed: 1 }, "--speed needs --time COLUMN"],
    [{ rate: 0 }, "A pace of 0 is not greater than zero"],
    [{ topic: "plant/{site}/#" }, '"plant/{site}/#" has a wildcard, expected a topic to publish on'],
    [{ topic: "plant/{room}" }, 'There is no column "room"; the file has "time", "site"'],
    [{ columns: "speed,sped" }, 'There is no column "sped"'],
    [{ payload: "number" }, "A plain number is one column, found 3"],
    [{ broker: "localhost" }, '"localhost" is not the URL of a broker'],
  ] as const)("refuses %j as wrong usage", async (args, message) => {
    const failure = replay(CSV, args);
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(message);
  });

  it("tells that the broker or the file is not there", async () => {
    const nowhere = `mqtt://127.0.0.1:${await freePort()}`;
    await expect(replay(CSV, { broker: nowhere })).rejects.toThrow(
      new CliError(`Cannot connect to ${nowhere}: connection refused; is the broker running?`),
    );
    await expect(replay(CSV, { file: "nope.csv" })).rejects.toThrow("Cannot read nope.csv: there is no such file");
  });

  it("ends early and in order when it is told to", async () => {
    const controller = new AbortController();
    const observer = await observe(url, "plant/#");
    const running = replay(CSV, { rate: 0.001 }, { signal: controller.signal });
    await observer.waitFor(1);
    controller.abort();
    expect(await running).toMatchObject({ code: 0, text: expect.stringContaining("1 rows published") });
    await observer.close();
  });
});

describe("the pace of runReplay", () => {
  const ROWS = "time,v\n100,1\n101,2\n103,3\n";
  const published = async (args: Partial<ReplayArgs>, surroundings: Surroundings = {}) => {
    const observer = await observe(url, "x");
    const { text } = await replay(ROWS, { topic: "x", columns: "v", payload: "number", ...args }, surroundings);
    const count = Number(/^(\d+) rows published/.exec(text)?.[1]);
    const texts = (await observer.waitFor(count)).map((seen) => seen.text);
    await observer.close();
    return { text, texts };
  };

  it("waits before each row until it is due after the first, and tells the rate", async () => {
    const clock = createTestClock();
    const { text, texts } = await published({ rate: 4 }, { clock });
    expect(texts).toEqual(["1", "2", "3"]);
    expect(clock.waits).toEqual([250, 250]);
    expect(text).toBe("3 rows published in 0.5 s (6 rows/s)\n");
  });

  it("keeps the times of recording, so many times as fast", async () => {
    const clock = createTestClock();
    await published({ speed: 2, time: "time" }, { clock });
    expect(clock.waits).toEqual([500, 1000]);
  });

  it("does not wait for a row that is late, nor without a pace", async () => {
    let late = 0;
    const clock = createTestClock();
    const slow = { ...clock, now: () => clock.now() + 100 * late++ };
    await published({ rate: 20 }, { clock: slow });
    expect(clock.waits).toEqual([]);
    const never = createTestClock();
    for (const args of [{}, { max: true }]) {
      expect((await published(args, { clock: never })).text).toBe("3 rows published in 0.0 s (3000 rows/s)\n");
    }
    expect(never.waits).toEqual([]);
  });

  it("ends before a row for which the signal came first", async () => {
    const { texts } = await published({ rate: 4 }, { clock: createTestClock(() => false) });
    expect(texts).toEqual(["1"]);
  });

  it("publishes nothing once the signal is aborted", async () => {
    expect((await published({}, { signal: AbortSignal.abort() })).text).toMatch(/^0 rows published/);
  });

  it.each([
    [0, []],
    [1, ["1"]],
    [2, ["1", "2"]],
    [3, ["1", "2", "3"]],
    [4, ["1", "2", "3"]],
  ])("publishes at most --limit %i rows", async (limit, expected) => {
    const { text, texts } = await published({ limit });
    expect(texts).toEqual(expected);
    expect(text).toMatch(new RegExp(`^${expected.length} rows published`));
  });

  it("refuses a column of times that is not there, and a pace that is none", async () => {
    await expect(published({ speed: 1, time: "when" })).rejects.toThrow('There is no column "when" for the time');
    await expect(published({ rate: -1 })).rejects.toThrow("A pace of -1 is not greater than zero");
    await expect(published({ speed: Number.NaN, time: "time" })).rejects.toThrow("A pace of NaN");
    await expect(published({ rate: 1, speed: 1, time: "time" })).rejects.toThrow("Only one of --rate, --speed");
    await expect(published({ speed: 1, time: "time", max: true })).rejects.toThrow(UsageError);
    await published({ rate: 1e6, max: false });
  });
});

describe("the broker of runReplay", () => {
  /** Lets only pump with the password "secret" in, and remembers what all said. */
  function askForPassword(): (string | undefined)[][] {
    const seen: (string | undefined)[][] = [];
    broker.authenticate = (_client, username, password, done) => {
      seen.push([username, password?.toString()]);
      if (username === "pump" && password?.toString() === "secret") done(null, true);
      else done(Object.assign(new Error("no"), { returnCode: 5 }) as never, false);
    };
    return seen;
  }

  it("gets the user name, and the password of RIVULET_PASSWORD", async () => {
    const seen = askForPassword();
    const { text } = await replay(CSV, { username: "pump" }, { env: { RIVULET_PASSWORD: "secret" } });
    expect(text).toMatch(/^2 rows published/);
    expect(seen).toEqual([["pump", "secret"]]);
  });

  it("gets neither unless there is a user name, and may refuse", async () => {
    const seen = askForPassword();
    await expect(replay(CSV, {}, { env: { RIVULET_PASSWORD: "secret" } })).rejects.toThrow(
      /^Cannot connect to mqtt:\/\/127.0.0.1:\d+: the broker refuses the user name or password$/,
    );
    await expect(replay(CSV, { username: "pump" })).rejects.toThrow(CliError);
    expect(seen).toEqual([
      [undefined, undefined],
      ["pump", undefined],
    ]);
  });

  it("may refuse a message, which is told with what came before it delivered", async () => {
    const taken: string[] = [];
    broker.authorizePublish = (_client, packet, done) => {
      if (packet.topic === "plant/south/2/data") return done(new Error("not for you"));
      taken.push(packet.topic);
      done(null);
    };
    await expect(replay(CSV)).rejects.toThrow(/^Lost the connection to mqtt:|^The broker did not take a message on/);
    expect(taken).toEqual(["plant/north/1/data"]);
  });

  it("gets the rows before a bad one", async () => {
    const observer = await observe(url, "x");
    await expect(replay("v\n1\n2\nbad\n4\n", { topic: "x", payload: "number" })).rejects.toThrow(
      'readings.csv:4: column "v" is "bad", expected a number',
    );
    expect((await observer.waitFor(2)).map(({ text }) => text)).toEqual(["1", "2"]);
    await observer.close();
  });

  it.each(["http://localhost", "mqttx://localhost", "xmqtt://localhost", "localhost:1883", "mqtt//x"])(
    "is not %s",
    async (address) => {
      await expect(replay(CSV, { broker: address })).rejects.toThrow(
        new UsageError(`"${address}" is not the URL of a broker, expected mqtt://host[:port] or mqtts://host[:port]`),
      );
    },
  );

  it.each([
    [{ username: "x".repeat(65_536) }, {}, "The user name is longer than 65535 bytes"],
    [{ username: "u" }, { RIVULET_PASSWORD: "x".repeat(65_536) }, "The password is longer than 65535 bytes"],
  ])("is not asked with what MQTT cannot carry (%#)", async (args, env, message) => {
    await expect(replay(CSV, args, { env })).rejects.toThrow(new UsageError(message));
  });

  it.each(["mqtt://user@localhost", "mqtts://:secret@localhost", "mqtt://user:secret@localhost"])(
    "is refused as %s, whose secret would be seen by all",
    async (address) => {
      await expect(replay(CSV, { broker: address })).rejects.toThrow(
        new UsageError("The URL holds a user name: use --username, and RIVULET_PASSWORD for the password"),
      );
    },
  );

  it("is not sought when the certificate of --ca cannot be read", async () => {
    const ca = join(folder, "none.pem");
    await expect(replay(CSV, { broker: "mqtts://localhost", ca })).rejects.toThrow(
      new CliError(`cannot read ${ca}: there is no such file`),
    );
  });

  it("is reached by TLS with the certificate of --ca only", tls, async () => {
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
    expect(spawnSync(openssl as string, [...request, ...names, "-keyout", key, "-out", cert]).status).toBe(0);
    const tls = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, broker.handle as never);
    const port = await freePort();
    await new Promise<void>((resolve) => tls.listen(port, "localhost", resolve));
    try {
      const address = `mqtts://localhost:${port}`;
      expect((await replay(CSV, { broker: address, ca: cert })).text).toMatch(/^2 rows published/);
      await expect(replay(CSV, { broker: address })).rejects.toThrow(/^Cannot connect to mqtts:.*certificate/);
    } finally {
      tls.close();
    }
  });
});

describe("the progress of runReplay", () => {
  it("is drawn on a terminal and taken away at the end", async () => {
    const { text } = await replay(CSV, { limit: 1 }, { isTty: true });
    expect(text).toContain("% of the file, ");
    expect(text).toMatch(/1 rows published in \d+\.\d s \(\d+ rows\/s\)\n$/);
    expect(text).toContain("\x1b[?25h");
    expect((await replay(CSV)).text).not.toContain("%");
  });

  it("is taken away before a failure is told", async () => {
    await expect(replay("v\nbad\n", { topic: "x", payload: "number" }, { isTty: true })).rejects.toThrow(CliError);
  });
});
