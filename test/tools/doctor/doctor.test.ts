// The doctor beside real brokers: Mosquitto in several states, and aedes.

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBroker } from "../../../tools/demo/broker.ts";
import { cli } from "../../support/cli.ts";
import { freePort, hasMosquitto, startMosquitto } from "../../support/mosquitto.ts";
import { needs } from "../../support/needs.ts";

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-doctor-"));
  await chmod(folder, 0o755); // the broker gives up root, and reads its ACL here
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the doctor on a configuration; answers the exit code, and what it says without names that change. */
async function examine(url: string, more = "", flags: readonly string[] = ["--seconds", "0.5"]) {
  const file = join(folder, "config.yaml");
  const stream = "rooms: { topic: 'plant/{device}/data', inputs: [a, b], collect: 7d }";
  await writeFile(file, `broker: { url: "${url}"${more} }\nstreams: { ${stream} }\n`);
  const { code, stdout, stderr } = await cli(["doctor", file, ...flags]);
  return { code, stderr, text: stdout.replaceAll(folder, "F").replaceAll(url, "URL") };
}

describe("rivulet doctor with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  const start = async (config: readonly string[], users?: Record<string, string>) => {
    const broker = await startMosquitto({ config, ...(users && { users }) });
    closers.push(() => broker.close());
    return broker.url;
  };

  it.each([4, 5])("finds nothing wrong where nothing is (protocol %i)", async (protocol) => {
    const url = await start([]);
    const client = mqtt.connect(url);
    closers.push(() => client.endAsync());
    const timer = setInterval(() => client.publish("plant/7/data", "{}"), 50);
    closers.push(async () => clearInterval(timer));
    const { code, text } = await examine(url, `, protocol: ${protocol}`);
    expect(text).not.toContain("fault");
    expect(code).toBe(0);
    expect(text).toMatch(/^ok {5}URL is mosquitto \d+\.\d+\.\d+; it speaks MQTT 3\.1\.1 and MQTT 5$/m);
    expect(text).toMatch(/^ok {5}a message takes [\d.]+ ms there and back/m);
    expect(text).toContain("ok     retained messages are kept, and told from news");
    expect(text).toContain("ok     for a host that is away it keeps 1200 messages and more");
    expect(text).toContain("ok     3 topics can be published on, of answers, alarms and health");
    expect(text).toMatch(/^ok {5}plant\/\+\/data \(readings of rooms\): \d+ messages in 0\.5 s$/m);
    expect(text).toMatch(/^ok {5}F\/state \(not made yet\): .* free, a write to the disk takes [\d.]+ ms$/m);
  });

  it("finds the queue that is too short, and the step of 40 ms", async () => {
    const url = await start(["max_queued_messages 500", "set_tcp_nodelay false"]);
    const { code, text, stderr } = await examine(url);
    expect(text).toMatch(/^fault {2}for a host that is away it kept \d+ of 1200 messages; the others were lost/m);
    expect(text).toMatch(/^note {3}a message takes .* a step of 40 ms is Nagle's algorithm in the broker$/m);
    expect(text).toContain("→ set_tcp_nodelay true in mosquitto.conf");
    expect(stderr).toBe("error: 1 thing is wrong; what to do stands above\n");
    expect(code).toBe(1);
  });

  it.each([
    [4, "fault  rivulet/rooms/{device}/alarm: published and never delivered, as an ACL of Mosquitto refuses"],
    [5, "fault  rivulet/rooms/{device}/alarm: the broker refuses what is published"],
  ])("finds what an ACL refuses in silence (protocol %i)", async (protocol, line) => {
    const acl = join(folder, "acl");
    await writeFile(
      acl,
      "user host\ntopic read plant/#\ntopic readwrite rivulet/bridge/#\ntopic readwrite rivulet/rooms/+\n",
      { mode: 0o644 },
    );
    const url = await start([`acl_file ${acl}`], { host: "secret" });
    const { code, text } = await examine(url, `, username: host, password: secret, protocol: ${protocol}`);
    expect(text).toContain(line);
    expect(text).not.toContain("rivulet/rooms/{device}:");
    expect(code).toBe(1);
  });

  it("is content with the ACL and the configuration that it prints", async () => {
    const port = await freePort();
    const url = `mqtt://127.0.0.1:${port}`;
    const login = ", username: host, password: secret";
    const acl = join(folder, "acl");
    await writeFile(acl, (await examine(url, login, ["--acl"])).text, { mode: 0o644 });
    const lines = (await examine(url, login, ["--mosquitto"])).text.split("\n");
    const config = lines.filter(
      (line) => !/^(listener|password_file|allow_anonymous|acl_file|persistence|#|$)/.test(line),
    );
    const broker = await startMosquitto({
      port,
      config: [...config, `acl_file ${acl}`],
      users: { host: "secret" },
      persistence: true,
    });
    closers.push(() => broker.close());
    const { code, text } = await examine(url, login);
    expect(text).not.toContain("fault");
    expect(text).toContain("is mosquitto");
    expect(code).toBe(0);
  });

  it("leaves nothing behind on the broker", async () => {
    const url = await start([]);
    await examine(url);
    const client = mqtt.connect(url);
    closers.push(() => client.endAsync());
    const seen: string[] = [];
    client.on("message", (topic) => seen.push(topic));
    await client.subscribeAsync("rivulet/#");
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(seen).toEqual([]);
  });
});

describe("rivulet doctor", () => {
  it("knows a broker without a name and MQTT 5", async () => {
    const broker = await startBroker();
    closers.push(() => broker.stop());
    const { text } = await examine(broker.url);
    expect(text).toMatch(/^ok {5}URL is .*; it speaks MQTT 3\.1\.1$/m);
    expect(text).toContain("3 topics can be published on");
    expect(text).toContain("plant/+/data (readings of rooms): nothing came in 0.5 s");
  });

  it("prints an ACL for all that a host reads and writes", async () => {
    const file = join(folder, "config.yaml");
    const streams = "rooms: { preset: sparkplug, inputs: [a], collect: 7d }";
    await writeFile(
      file,
      `broker: { url: mqtt://plant, username: host }\nhomeassistant: true\nstreams: { ${streams} }\n`,
    );
    const { stdout } = await cli(["doctor", file, "--acl"]);
    expect(stdout.split("\n").filter((line) => line.startsWith("topic"))).toEqual([
      expect.stringMatching(/^topic read spBv1\.0\//),
      "topic read homeassistant/status",
      "topic readwrite rivulet/#",
      "topic write spBv1.0/+/NCMD/+",
      "topic readwrite homeassistant/#",
      "topic read $SYS/broker/version",
    ]);
  });

  it("tells that nobody answers", async () => {
    const { code, text } = await examine(`mqtt://127.0.0.1:${await freePort()}`);
    expect(text).toContain("fault  URL: connection refused; is the broker running?");
    expect(code).toBe(1);
  });

  it("tells what is wrong with the configuration", async () => {
    const { code, stderr } = await examine("http://plant");
    expect(stderr).toContain("config.yaml:1:16 broker.url: expected mqtt://host[:port] or mqtts://host[:port]");
    expect(code).toBe(1);
  });
});
