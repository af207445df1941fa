// The add-on of Home Assistant with a supervisor of the test, Mosquitto, and the built program.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort, hasMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

const TOKEN = "token of the supervisor";

let folder: string;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-addon-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

/** A supervisor that knows a broker, or none. */
async function startSupervisor(data: object | undefined): Promise<string> {
  const server: Server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${TOKEN}` && request.url === "/services/mqtt";
    response.statusCode = data !== undefined && isKnown ? 200 : 400;
    response.end(JSON.stringify(data === undefined ? { result: "error", message: "Service not enabled" } : { data }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

/** Starts the add-on. */
function start(env: Record<string, string>) {
  const child: ChildProcess = spawn(process.execPath, ["containers/homeassistant/rivulet/run.mjs"], {
    env: {
      PATH: process.env.PATH,
      SUPERVISOR_TOKEN: TOKEN,
      CONFIG: join(folder, "rivulet.yaml"),
      STATE_DIRECTORY: join(folder, "state"),
      RIVULET: "dist/cli.js",
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const log = { text: "" };
  child.stderr?.on("data", (part) => {
    log.text += part;
  });
  const ended = once(child, "exit").then(([code]) => code as number | null);
  closers.push(() => child.kill("SIGKILL"));
  return { child, log, ended };
}

describe("run.mjs", () => {
  it("takes the broker of Home Assistant, and shows it the page", needs({ Mosquitto: hasMosquitto }), async () => {
    const broker = await startMosquitto({ users: { addons: "from the supervisor" } });
    closers.push(() => broker.close());
    const [ingress, page] = [String(await freePort()), String(await freePort())];
    const login = {
      host: "127.0.0.1",
      port: broker.port,
      ssl: false,
      username: "addons",
      password: "from the supervisor",
    };
    const SUPERVISOR = await startSupervisor(login);
    await writeOwnPort(page);
    const { child, log, ended } = start({
      SUPERVISOR,
      INGRESS_PEER: "127.0.0.1",
      INGRESS_PORT: ingress,
      PAGE_PORT: page,
    });
    await expect.poll(() => log.text, { timeout: 20_000 }).toContain("the page is at");
    await expect.poll(() => log.text, { timeout: 20_000 }).toContain(`connected to ${broker.url}`);
    const answer = await fetch(`http://127.0.0.1:${ingress}/`, {
      headers: { origin: "http://homeassistant.local:8123" },
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("<html");
    expect((await fetch(`http://127.0.0.1:${ingress}/healthz`)).status).toBe(200);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(log.text).not.toContain("from the supervisor");
  });

  it("lets nobody see the page but the supervisor", needs({ Mosquitto: hasMosquitto }), async () => {
    const [ingress, page] = [String(await freePort()), String(await freePort())];
    const SUPERVISOR = await startSupervisor({ host: "127.0.0.1", port: 1, ssl: false, username: "a", password: "b" });
    await writeOwnPort(page);
    const { child, log, ended } = start({ SUPERVISOR, INGRESS_PORT: ingress, PAGE_PORT: page });
    await expect.poll(() => log.text, { timeout: 20_000 }).toContain("the page is at");
    await expect(fetch(`http://127.0.0.1:${ingress}/`)).rejects.toThrow("fetch failed");
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("writes a configuration at the first start, and keeps the token of the supervisor to itself", async () => {
    const SUPERVISOR = await startSupervisor({
      host: "core-mosquitto",
      port: 8883,
      ssl: true,
      username: "a",
      password: "b",
    });
    const program = join(folder, "program.mjs");
    const print = "console.error(process.argv.slice(2).join(' '), process.env.MQTT_URL, process.env.SUPERVISOR_TOKEN)";
    await writeFile(program, `${print}; process.exit(3);`);
    const { log, ended } = start({ SUPERVISOR, RIVULET: program, INGRESS_PORT: "0" });
    expect(await ended).toBe(3);
    expect(log.text).toBe(`run ${join(folder, "rivulet.yaml")} mqtts://core-mosquitto:8883 undefined\n`);
    const written = await readFile(join(folder, "rivulet.yaml"), "utf8");
    expect(written).toBe(await readFile("containers/homeassistant/rivulet/rivulet.yaml", "utf8"));
  });

  it("tells that there is no broker", async () => {
    const { log, ended } = start({ SUPERVISOR: await startSupervisor(undefined) });
    expect(await ended).toBe(1);
    expect(log.text).toBe("error: Home Assistant knows no MQTT broker: Service not enabled\n");
  });

  it("tells that there is no supervisor", async () => {
    const { log, ended } = start({ SUPERVISOR: "http://127.0.0.1:1" });
    expect(await ended).toBe(1);
    expect(log.text).toMatch(/^error: the supervisor does not answer: /);
  });
});

/** The configuration of the add-on, with another port. */
async function writeOwnPort(port: string): Promise<void> {
  const text = await readFile("containers/homeassistant/rivulet/rivulet.yaml", "utf8");
  await writeFile(join(folder, "rivulet.yaml"), text.replace("127.0.0.1:8098", `127.0.0.1:${port}`));
}
