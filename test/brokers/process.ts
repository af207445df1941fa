import { type ChildProcess, spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accepts, freePort } from "../support/mosquitto.ts";
import type { BrokerKind } from "./brokers.ts";

/** A broker at work in a folder of its own. */
export interface RunningBroker {
  readonly url: string;
  /** Ends it and starts it again, with the same folder. */
  restart(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  close(): Promise<void>;
}

/** Starts a broker and waits until it accepts connections. */
export async function startBroker(kind: BrokerKind, config: "defaults" | "safe"): Promise<RunningBroker> {
  const folder = await mkdtemp(join(tmpdir(), "rivulet-broker-"));
  await chmod(folder, 0o777); // Mosquitto gives up root
  const port = await freePort();
  const { command, args, files = {} } = (kind[config] ?? kind.defaults)(folder, port);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  let child: ChildProcess;
  const start = async () => {
    let text = "";
    child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], cwd: folder });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data) => {
        text = `${text}${data}`.slice(-2000);
      });
    }
    for (let tries = 0; !(await accepts(port)); tries++) {
      if (child.exitCode !== null || tries > 1000) throw new Error(`${kind.name} does not start: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await exited;
    clearTimeout(timer);
  };
  await start();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async restart(signal) {
      await end(signal);
      await start();
    },
    async close() {
      await end("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}
