import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "./programs.ts";

const program = findProgram("mosquitto");

/** True when the Mosquitto broker is installed; tests that need it are skipped visibly when it is not. */
export const hasMosquitto: boolean = program !== undefined;

/** Answers a TCP port on the loopback interface that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("The system gave no port");
  return address.port;
}

export interface MosquittoOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** User names and passwords; without them anyone may connect. */
  readonly users?: Readonly<Record<string, string>>;
  /** Keeps MQTT sessions and queues over a restart of the broker. */
  readonly persistence?: boolean;
  /** PEM files of a TLS listener. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Lines added to mosquitto.conf. */
  readonly config?: readonly string[];
}

/** A Mosquitto broker on 127.0.0.1, in a temporary folder of its own. */
export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  /** Kills the broker at once, as a crash would. */
  kill(): Promise<void>;
  /** Stops the broker gracefully; it can be started again. */
  stop(): Promise<void>;
  /** Starts the broker again on the same port, with the same configuration and folder. */
  start(): Promise<void>;
  /** Stops the broker and removes its folder. */
  close(): Promise<void>;
}

/** Starts a Mosquitto broker and waits until it accepts connections. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  if (program === undefined) throw new Error("Mosquitto is not installed");
  const folder = await mkdtemp(join(tmpdir(), "rivulet-mosquitto-"));
  await chmod(folder, 0o777); // the broker gives up root, and writes its database here
  const port = options.port ?? (await freePort());
  const configFile = join(folder, "mosquitto.conf");
  await writeFile(configFile, await configLines(options, folder, port));

  let child: ChildProcess | undefined;
  const start = async () => {
    const started = spawn(program, ["-c", configFile], { stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    started.stderr?.on("data", (data) => {
      text += data;
    });
    child = started;
    for (let tries = 0; ; tries++) {
      if (started.exitCode !== null) throw new Error(`Mosquitto ended with ${started.exitCode}: ${text}`);
      if (await accepts(port)) return;
      if (tries > 500) throw new Error(`Mosquitto does not listen on port ${port}: ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = new Promise((resolve) => running.once("exit", resolve));
    running.kill(signal);
    await exited;
  };
  await start();
  return {
    port,
    url: `${options.tls ? "mqtts" : "mqtt"}://127.0.0.1:${port}`,
    start,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    async close() {
      await end("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function configLines(options: MosquittoOptions, folder: string, port: number): Promise<string> {
  const lines = [
    `listener ${port} 127.0.0.1`,
    "set_tcp_nodelay true",
    "max_queued_messages 100000",
    "log_type error",
    "log_type warning",
    "log_dest stderr",
  ];
  if (options.tls) {
    lines.push(`cafile ${options.tls.ca}`, `certfile ${options.tls.cert}`, `keyfile ${options.tls.key}`);
  }
  if (options.persistence) lines.push("persistence true", `persistence_location ${folder}/`);
  if (options.users) {
    lines.push("allow_anonymous false", `password_file ${await passwordFile(options.users, folder)}`);
  } else {
    lines.push("allow_anonymous true");
  }
  return [...lines, ...(options.config ?? []), ""].join("\n");
}

async function passwordFile(users: Readonly<Record<string, string>>, folder: string): Promise<string> {
  const path = join(folder, "passwords");
  await writeFile(
    path,
    Object.entries(users)
      .map(([name, password]) => `${name}:${password}\n`)
      .join(""),
  );
  const tool = findProgram("mosquitto_passwd");
  if (tool === undefined) throw new Error("mosquitto_passwd is not installed");
  const hashed = spawnSync(tool, ["-U", path]);
  if (hashed.status !== 0) throw new Error(`mosquitto_passwd failed: ${hashed.stderr}`);
  await chmod(path, 0o644);
  return path;
}

/** Tells whether somebody listens on a port of the loopback interface. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
