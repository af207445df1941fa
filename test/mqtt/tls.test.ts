// TLS with a real broker and a certificate authority of the test's own.

import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { BrokerOptions } from "../../host/mqtt/connection.ts";
import { startRun } from "../../host/run.ts";
import { runReplay } from "../../tools/commands/replay.ts";
import { createTestLog, startTestBridge, until } from "../support/bridge.ts";
import { Sink } from "../support/cli.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { findProgram } from "../support/programs.ts";

const openssl = findProgram("openssl");

/** Files of a certificate, and its key. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

let folder: string;

function run(...args: string[]): void {
  const { status, stderr } = spawnSync(openssl as string, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
}

/** Makes a certificate for a name, signed by an authority or, without one, an authority. */
async function certify(name: string, authority?: Certificate): Promise<Certificate> {
  const file = join(folder, name);
  const made = { cert: `${file}.pem`, key: `${file}.key` };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", made.key];
  const extensions =
    authority === undefined
      ? ["-addext", "basicConstraints=critical,CA:TRUE"]
      : ["-CA", authority.cert, "-CAkey", authority.key, "-addext", `subjectAltName=DNS:${name}`];
  run("req", "-x509", "-days", "2", ...key, "-subj", `/CN=${name}`, ...extensions, "-out", made.cert);
  await chmod(made.key, 0o644); // the broker gives up root before it reads it
  return made;
}

describe("startBridge over TLS", needs({ Mosquitto: hasMosquitto, OpenSSL: openssl !== undefined }), () => {
  let ca: Certificate;
  let stranger: Certificate;
  let server: Certificate;
  let client: Certificate;
  let broker: Mosquitto | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rivulet-tls-"));
    await chmod(folder, 0o755);
    ca = await certify("Plant authority");
    stranger = await certify("Other authority");
    server = await certify("localhost", ca);
    client = await certify("rivulet-client", ca);
  });
  afterAll(() => rm(folder, { recursive: true }));
  afterEach(() => broker?.close());

  const start = async (certificate: Certificate, config: readonly string[] = []) => {
    broker = await startMosquitto({ tls: { ca: ca.cert, ...certificate }, config });
    return broker.url.replace("127.0.0.1", "localhost");
  };
  const texts = async ({ cert, key }: Certificate) => ({
    cert: await readFile(cert, "utf8"),
    key: await readFile(key, "utf8"),
  });

  /** Connects, or tells why not. */
  const attempt = async (url: string, options: Partial<BrokerOptions>) => {
    const log = createTestLog();
    const bridge = await startTestBridge(url, { log, broker: { url, isClean: true, ...options } });
    await until(() => log.lines.length > 0);
    await bridge.stop();
    return log.lines[0]?.replace(url, "URL");
  };
  const connected = "info broker: connected to URL as rivulet-test";

  it("refuses a broker whose authority it does not know", async () => {
    const url = await start(server);
    const reason = "the broker's certificate has an unknown authority; name it in broker.ca";
    expect(await attempt(url, {})).toBe(`warn broker: cannot connect to URL: ${reason}; trying again`);
    const other = await readFile(stranger.cert, "utf8");
    expect(await attempt(url, { ca: other })).toBe(`warn broker: cannot connect to URL: ${reason}; trying again`);
  });

  it("refuses a broker whose certificate is signed by itself", async () => {
    const url = await start(stranger);
    expect(await attempt(url, {})).toBe(
      "warn broker: cannot connect to URL: the broker's certificate is self-signed; name its authority in broker.ca; trying again",
    );
  });

  it("connects when it is given the authority", async () => {
    const url = await start(server);
    expect(await attempt(url, { ca: await readFile(ca.cert, "utf8") })).toBe(connected);
  });

  it("connects to any broker when it is told not to check", async () => {
    expect(await attempt(await start(server), { rejectUnauthorized: false })).toBe(connected);
  });

  it("refuses a certificate for another host name", async () => {
    const url = await start(await certify("broker.example", ca));
    expect(await attempt(url, { ca: await readFile(ca.cert, "utf8") })).toBe(
      "warn broker: cannot connect to URL: the broker's certificate is for another host name; trying again",
    );
  });

  it("shows its client certificate to a broker that asks for one", async () => {
    const url = await start(server, ["require_certificate true"]);
    const authority = await readFile(ca.cert, "utf8");
    expect(await attempt(url, { ca: authority, ...(await texts(client)) })).toBe(connected);
  });

  it.each([
    ["has none", undefined, "the broker asks for a client certificate; name it in broker.cert and broker.key"],
    ["has one of another authority", "stranger", "the broker refuses the client certificate: tlsv1 alert unknown ca"],
  ] as const)("says that the broker wants a client certificate when it %s", async (_, kind, reason) => {
    const url = await start(server, ["require_certificate true"]);
    const shown = kind === undefined ? {} : await texts(stranger);
    const log = createTestLog();
    const authority = await readFile(ca.cert, "utf8");
    const bridge = await startTestBridge(url, { log, broker: { url, isClean: true, ca: authority, ...shown } });
    // The broker may cut the connection before what it says is read; the next attempt reads it.
    await until(() => log.lines.some((line) => line.includes(reason)));
    await bridge.stop();
    expect(log.lines.filter((line) => line.includes("connected to"))).toEqual([]);
  });

  it("connects with the files that a configuration names", async () => {
    const url = await start(server, ["require_certificate true"]);
    const names = [ca.cert, client.cert, client.key].map((path) => basename(path));
    const [authority, cert, key] = names.map((name) => JSON.stringify(name));
    const file = join(folder, "config.yaml");
    const lines = [
      `broker: { url: "${url}", ca: ${authority}, cert: ${cert}, key: ${key} }`,
      "state: { memory: true }",
      "streams: { pump: { model: fake, topic: 'plant/{device}' } }",
    ];
    await writeFile(file, lines.join("\n"));
    const log = createTestLog();
    const bridge = await startRun({ file, env: {}, log, openRuntime: async () => createFakeRuntime() });
    await bridge.ready;
    // A replay finds the same broker by the same configuration.
    const csv = join(folder, "readings.csv");
    await writeFile(csv, "speed,pressure\n1,2\n3,4\n");
    const io = { stdout: new Sink(), stderr: new Sink(), isTty: false, env: {} };
    expect(await runReplay({ file: csv, config: file, topic: "plant/7" }, io)).toBe(0);
    await until(() => bridge.counters().streams.pump?.steps === 2);
    await bridge.stop();
    expect(log.lines.filter((line) => / broker: /.test(line))).toEqual([
      expect.stringContaining(`info broker: connected to ${url} as rivulet-`),
    ]);
  });
});
