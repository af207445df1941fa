// The files for containers, as far as they can be tried without a container: parsed, and what they name is run.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import mqtt from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { text } from "../../host/web/routes.ts";
import { WebServer } from "../../host/web/server.ts";
import { version } from "../../package.json";
import { createTestLog } from "../support/bridge.ts";
import { cli } from "../support/cli.ts";
import { freePort, hasMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

const execute = promisify(execFile);
const read = (file: string) => readFile(file, "utf8");

let folder: string;
const closers: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-containers-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

/** Instructions of a Dockerfile with what follows them; none of ours goes over several lines. */
async function instructionsOf(file: string): Promise<readonly (readonly [string, string])[]> {
  const lines = (await read(file)).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => /^([A-Z]+) (.+)$/.exec(line)?.slice(1) as [string, string]);
}

describe("Dockerfile", () => {
  it("ends with a program of a user without rights, on Debian", async () => {
    const all = await instructionsOf("Dockerfile");
    const last = all.slice(all.findLastIndex(([name]) => name === "FROM"));
    expect(all.filter(([name]) => name === "FROM").every(([, image]) => image.includes("-slim"))).toBe(true);
    expect(last.find(([name]) => name === "USER")?.[1]).toBe("node");
    const entry = JSON.parse(last.find(([name]) => name === "ENTRYPOINT")?.[1] ?? "") as string[];
    expect(entry).toEqual(["node", "/app/node_modules/rivulet/dist/cli.js"]);
    expect(last.map(([name]) => name)).toContain("VOLUME");
  });

  it("tells that the host is well by /healthz", async () => {
    const [, check = ""] = (await instructionsOf("Dockerfile")).find(([name]) => name === "HEALTHCHECK") ?? [];
    const [, ...args] = JSON.parse(check.slice(check.indexOf("["))) as string[];
    const port = await freePort();
    const status = { code: 200 };
    const run = () =>
      execute(
        process.execPath,
        args.map((arg) => arg.replace("8099", String(port))),
      );
    await expect(run()).rejects.toMatchObject({ code: 1 });
    const server = new WebServer({ listen: { host: "127.0.0.1", port }, token: "0".repeat(16), log: createTestLog() });
    server.mount({ method: "GET", path: "/healthz", isPublic: true, handle: () => text("", status.code) });
    await server.start();
    closers.push(() => server.stop());
    expect(await run()).toEqual({ stdout: "", stderr: "" });
    status.code = 503;
    await expect(run()).rejects.toMatchObject({ code: 1 });
  });
});

describe("compose.yaml", () => {
  it("names files that are there, or secrets, and gives no rights away", async () => {
    const { services, secrets, volumes } = parse(await read("compose.yaml"));
    const sources = Object.values<{ volumes: string[] }>(services).flatMap((one) => one.volumes);
    const named = sources.map((volume) => volume.split(":", 1)[0] as string);
    const missing = named.filter((source) => !(source in volumes) && !source.startsWith("./secrets/"));
    expect(missing.filter((source) => !existsSync(source))).toEqual([]);
    for (const name of services.rivulet.secrets) expect(secrets[name].file).toMatch(/^\.\/secrets\//);
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ["ALL"],
        security_opt: ["no-new-privileges:true"],
      });
    }
  });

  it("has a configuration that can be used, once its secrets are there", async () => {
    const secret = join(folder, "secret");
    await writeFile(secret, "0123456789abcdef\n");
    const file = join(folder, "rivulet.yaml");
    await writeFile(file, (await read("containers/rivulet.yaml")).replaceAll(/\/run\/secrets\/[\w-]+/g, secret));
    expect(await cli(["check", file])).toMatchObject({ code: 0 });
  });

  it("has a broker that lets in nobody without a password", needs({ Mosquitto: hasMosquitto }), async () => {
    const lines = (await read("containers/mosquitto/mosquitto.conf")).split("\n");
    // Port, passwords, persistence and its place are the test's own.
    const config = lines.filter(
      (line) => !/^(#|listener|allow_anonymous|password_file|persistence|autosave)/.test(line),
    );
    expect(lines).toContain("allow_anonymous false");
    const broker = await startMosquitto({ users: { rivulet: "secret" }, persistence: true, config });
    closers.push(() => broker.close());
    await expect(mqtt.connectAsync(broker.url, { reconnectPeriod: 0 })).rejects.toThrow("Not authorized");
    const client = await mqtt.connectAsync(broker.url, { username: "rivulet", password: "secret" });
    await client.endAsync();
  });
});

describe("the add-on of Home Assistant", () => {
  it("is of this version, and asks for a broker", async () => {
    const config = parse(await read("containers/homeassistant/rivulet/config.yaml"));
    expect(config).toMatchObject({ version, services: ["mqtt:need"], ingress: true, ingress_port: 8099 });
    expect(await read("containers/homeassistant/rivulet/Dockerfile")).toContain(`ARG BUILD_VERSION=${version}\n`);
  });
});
