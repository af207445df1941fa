// What systemd is told.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startReloadableRun } from "../host/reload.ts";
import { ServiceManager } from "../host/service-manager.ts";
import { createTestLog } from "./support/bridge.ts";
import { FakeBroker, turns } from "./support/fake-broker.ts";
import { createFakeRuntime } from "./support/fake-runtime.ts";
import { needs } from "./support/needs.ts";

const has = (program: string) => spawnSync(program, ["--version"]).status === 0;

let folder: string;
const closers: (() => unknown)[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-service-"));
});
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

function create(env: NodeJS.ProcessEnv) {
  const log = createTestLog();
  const progress: { stuckMs: number | undefined } = { stuckMs: undefined };
  const sent: string[] = [];
  const send = async (lines: readonly string[]) => void sent.push(lines.join(" "));
  const manager = new ServiceManager({ env, log, progress, send });
  closers.push(() => manager.stopping());
  return { manager, log, progress, sent };
}

const WATCHED = { NOTIFY_SOCKET: "/run/notify", WATCHDOG_USEC: "60000000" };

describe("ServiceManager", () => {
  it("says nothing where nobody asks", async () => {
    vi.useFakeTimers();
    const { manager, sent } = create({ WATCHDOG_USEC: "60000000" });
    await manager.ready("at work");
    await vi.advanceTimersByTimeAsync(600_000);
    expect(sent).toEqual([]);
  });

  it("feeds the watchdog twice in its period, while messages progress", async () => {
    vi.useFakeTimers();
    const { manager, sent, progress, log } = create(WATCHED);
    await manager.ready("at work");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toEqual(["READY=1 STATUS=at work", "WATCHDOG=1", "WATCHDOG=1"]);
    progress.stuckMs = 61_000;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sent).toHaveLength(3);
    expect(log.lines).toEqual([
      "error run: messages wait, and none was done with for 61 s: systemd will start the service anew",
    ]);
    progress.stuckMs = undefined;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toHaveLength(4);
    await manager.stopping();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(sent.slice(4)).toEqual(["STOPPING=1 STATUS=stopping"]);
  });

  it.each([{ WATCHDOG_PID: "1" }, { WATCHDOG_USEC: "0" }, { WATCHDOG_USEC: "x" }])(
    "feeds no watchdog of others: %j",
    async (env) => {
      vi.useFakeTimers();
      const { manager, sent } = create({ ...WATCHED, ...env });
      await manager.ready("at work");
      await vi.advanceTimersByTimeAsync(600_000);
      expect(sent).toEqual(["READY=1 STATUS=at work"]);
    },
  );

  it("tells once that the program is missing, and goes on", async () => {
    const log = createTestLog();
    const env = { NOTIFY_SOCKET: join(folder, "socket"), PATH: folder };
    const manager = new ServiceManager({ env, log, progress: { stuckMs: undefined } });
    await manager.ready("at work");
    await manager.stopping();
    expect(log.lines).toEqual([
      "warn run: systemd cannot be told how the service is: there is no program systemd-notify",
    ]);
  });
});

/** Prints the datagrams that come to a socket, one a line, and closes what came with them: systemd-notify waits for that. */
const RECEIVER = `
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("listening", flush=True)
while True:
    data, more, flags, _ = s.recvmsg(4096, socket.CMSG_SPACE(64))
    for level, kind, bytes in more:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            for fd in array.array("i", bytes[: len(bytes) // 4 * 4]): os.close(fd)
    print(data.decode().replace("\\n", " "), flush=True)
`;

async function listenTo(socket: string): Promise<{ readonly lines: readonly string[] }> {
  const receiver: ChildProcess = spawn("python3", ["-c", RECEIVER, socket], { stdio: ["ignore", "pipe", "inherit"] });
  closers.push(() => receiver.kill());
  const lines: string[] = [];
  await new Promise<void>((resolve) => {
    receiver.stdout?.on("data", (data: Buffer) => {
      lines.push(...data.toString().trim().split("\n"));
      resolve();
    });
  });
  return { lines };
}

describe("a run as a service", needs({ "systemd-notify": has("systemd-notify"), python3: has("python3") }), () => {
  it("tells systemd's socket that it is ready, reads again, and stops", async () => {
    const socket = join(folder, "notify");
    const { lines } = await listenTo(socket);
    const file = join(folder, "config.yaml");
    await writeFile(
      file,
      "broker: { url: 'mqtt://plant' }\nstreams: { pump: { model: m, topic: 'plant/{device}/data' } }\n",
    );
    const broker = new FakeBroker();
    const run = await startReloadableRun({
      file,
      env: { PATH: process.env.PATH, NOTIFY_SOCKET: socket, STATE_DIRECTORY: join(folder, "kept") },
      log: createTestLog(),
      connect: broker.connect,
      openRuntime: async () => createFakeRuntime(),
    });
    broker.last.accept();
    await run.bridge.ready;
    const reloading = run.reload();
    while (broker.connections.length < 2) await turns();
    broker.last.accept(true);
    expect(await reloading).toBe(true);
    await run.stop();
    await expect
      .poll(() => lines.filter((line) => line !== "" && !line.startsWith("BARRIER")))
      .toEqual([
        "listening",
        "READY=1 STATUS=at work for pump",
        "RELOADING=1 STATUS=reading the configuration again",
        "READY=1 STATUS=at work for pump",
        "STOPPING=1 STATUS=stopping",
      ]);
  });
});
