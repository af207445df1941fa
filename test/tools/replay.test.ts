import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReplayArgs, runReplay } from "../../tools/commands/replay.ts";
import { CliError, UsageError } from "../../tools/errors.ts";
import { createPacer } from "../../tools/replay/pace.ts";
import { observe } from "../support/bridge.ts";
import { freePort } from "../support/mosquitto.ts";

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

async function replay(csv: string, args: Partial<ReplayArgs> = {}, signal?: AbortSignal) {
  const file = join(folder, "readings.csv");
  await writeFile(file, csv);
  let text = "";
  const stderr = new Writable({
    write(chunk, _encoding, done) {
      text += chunk;
      done();
    },
  });
  const io = { stdout: new PassThrough(), stderr, isTty: false, env: {}, ...(signal === undefined ? {} : { signal }) };
  const code = await runReplay({ file, broker: url, topic: "plant/{site}/{pump}/data", ...args }, io);
  return { code, text };
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
    const running = replay(CSV, { rate: 0.001 }, controller.signal);
    await observer.waitFor(1);
    controller.abort();
    expect(await running).toMatchObject({ code: 0, text: expect.stringContaining("1 rows published") });
    await observer.close();
  });
});

describe("createPacer", () => {
  it("spaces rows evenly, or as they were recorded", () => {
    expect(createPacer({ kind: "rate", rowsPerSecond: 50 })(3, "")).toBe(60);
    const dueAt = createPacer({ kind: "speed", factor: 10 });
    expect([dueAt(0, "2024-01-01 00:00:00"), dueAt(1, "2024-01-01 00:05:00")]).toEqual([0, 30_000]);
    const unix = createPacer({ kind: "speed", factor: 1 });
    expect([unix(0, "1732000000"), unix(1, "1732000001.5")]).toEqual([0, 1500]);
  });
});
