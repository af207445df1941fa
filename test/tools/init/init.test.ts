// `rivulet init` as a user sees it.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliOptions, cli } from "../../support/cli.ts";
import { deviceMessages } from "../../support/way.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-init-"));
const USER = { username: "ann", password: "it's secret" };
let aedes: Aedes;
let url = "";
let timer: NodeJS.Timeout;
/** Whom the broker lets in: everyone, or one user. */
let isOpen = true;

beforeAll(async () => {
  aedes = await Aedes.createBroker({
    authenticate: (_, username, password, done) =>
      done(null, isOpen || (username === USER.username && String(password) === USER.password)),
  });
  const server = createServer(aedes.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
  const client = await mqtt.connectAsync(url);
  const publish = () => {
    for (const { topic, payload } of ["zigbee2mqtt", "esphome", "tasmota-energy"].flatMap((one) => deviceMessages(one)))
      client.publish(topic, Buffer.from(payload));
  };
  timer = setInterval(publish, 50);
  stopAll = async () => {
    clearInterval(timer);
    await client.endAsync();
    await new Promise<void>((resolve) => aedes.close(resolve));
    await new Promise((resolve) => server.close(resolve));
  };
});
let stopAll = async () => {};
afterAll(async () => {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string) => path.join(folder, name);
const init = (output: string, more: readonly string[] = [], options: CliOptions = {}) =>
  cli(["init", "--seconds", "0.3", "--output", file(output), ...more], options);

describe("rivulet init", () => {
  it("writes a configuration of what is there, that can be used as it is", async () => {
    const { code, stdout, stderr } = await init("a.yaml", ["--broker", url, "--yes"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/1\. temperature-humidity: Zigbee2MQTT, zigbee2mqtt\/; 1 device: cellar/);
    expect(stdout).toMatch(/ temperature +14.1 … 14.3\n/);
    expect(stdout).toMatch(/\n {2}temperature-humidity: \d+ samples of 1 device\n/);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(`rivulet run ${file("a.yaml")}`);
    const text = readFileSync(file("a.yaml"), "utf8");
    expect(text).toContain(`url: ${url}\n`);
    expect(text).toContain("collect: 7d");
    const more = text.replace("# homeassistant: true", "homeassistant: true").replace("# web: {", "web: {");
    writeFileSync(file("more.yaml"), more);
    expect((await cli(["check", file("more.yaml")])).code).toBe(0);
    expect(existsSync(file(".env"))).toBe(false);
    expect(
      (
        await cli([
          "check",
          file("a.yaml"),
          "--topic",
          "zigbee2mqtt/cellar",
          "--payload",
          '{"temperature":1,"humidity":2}',
        ])
      ).stdout,
    ).toContain("stream temperature-humidity, device cellar");
  });

  it("asks what it cannot know, and keeps the login in a file of its own", async () => {
    isOpen = false;
    try {
      const stdin = `${url}\nann\nwrong\nann\n${USER.password}\n2\n`;
      const { code, stdout } = await init("b.yaml", [], { stdin });
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Broker \[mqtt:\/\/localhost\]: /);
      expect(stdout.match(/the broker refuses the user name or password/g)?.length).toBe(2);
      expect(stdout).not.toContain(USER.password);
      const text = readFileSync(file("b.yaml"), "utf8");
      expect(text).toContain("username: ${env:RIVULET_USERNAME}");
      expect(text.match(/^ {2}[\w-]+:$/gm)?.length).toBe(1);
      expect(statSync(file(".env")).mode & 0o777).toBe(0o600);
      expect((await cli(["check", file("b.yaml")])).code).toBe(0);
      const refused = await init("c.yaml", ["--broker", url, "--yes"]);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("--username names the user") });
      const known = await init("c.yaml", ["--broker", url, "--yes", "--username", "ann"], {
        env: { RIVULET_PASSWORD: USER.password },
      });
      expect(known.code).toBe(0);
    } finally {
      isOpen = true;
    }
  });

  it("ends early when it is asked to, and writes what it has heard", async () => {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), 400);
    const started = Date.now();
    const { code } = await init("early.yaml", ["--broker", url, "--yes", "--seconds", "60"], {
      signal: control.signal,
    });
    clearTimeout(timer);
    expect(code).toBe(0);
    expect(Date.now() - started).toBeLessThan(20_000);
  });

  it("replaces no configuration unless it is told to", async () => {
    writeFileSync(file("old.yaml"), "mine");
    expect(await init("old.yaml", ["--broker", url, "--yes"])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("--force replaces it"),
    });
    expect((await init("old.yaml", ["--broker", url], { stdin: "\n" })).code).toBe(1);
    expect(readFileSync(file("old.yaml"), "utf8")).toBe("mine");
    expect((await init("old.yaml", ["--broker", url], { stdin: "y\nall\n" })).code).toBe(0);
    expect((await init("old.yaml", ["--broker", url, "--yes", "--force"])).code).toBe(0);
  });

  it("writes nothing where nothing is heard, and tells why", async () => {
    const quiet = await Aedes.createBroker();
    const server = createServer(quiet.handle);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const other = `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`;
    const silent = await init("d.yaml", ["--broker", other, "--yes"]);
    await new Promise<void>((resolve) => quiet.close(resolve));
    await new Promise((resolve) => server.close(resolve));
    expect(silent).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("Nothing was said on the broker within 0.3 s"),
    });
    const gone = await init("d.yaml", ["--broker", other, "--yes"]);
    expect(gone).toMatchObject({ code: 1, stderr: expect.stringContaining("connection refused") });
    expect(existsSync(file("d.yaml"))).toBe(false);
  });

  it.each([
    [["--broker", "http://x", "--yes"], 2, "is not the URL of a broker"],
    [["--seconds", "-1"], 2, "Expected a positive number"],
    [["--output", "/no/such/folder/x.yaml"], 1, "There is no folder /no/such/folder"],
  ])("refuses %j", async (flags, code, text) => {
    expect(await init("e.yaml", flags)).toMatchObject({ code, stderr: expect.stringContaining(text) });
  });

  it("refuses numbers that are not in the list", async () => {
    expect(await init("f.yaml", ["--broker", url], { stdin: "1,9\n" })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"1,9" are no numbers from 1 to'),
    });
  });
});
