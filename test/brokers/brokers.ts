// The brokers that are tried: how each is installed, pinned to a version, and started with its defaults and with the lines that
// make it safe. What is installed lies below build/brokers/.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { findProgram } from "../support/programs.ts";

/** How to start a broker. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** Files of its folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A broker. */
export interface BrokerKind {
  readonly name: string;
  /** What is missing here, or undefined when it can be tried. */
  readonly lacks: string | undefined;
  readonly protocols: readonly (4 | 5)[];
  /** Installs it. @returns its version */
  install(): string;
  readonly defaults: (folder: string, port: number) => Launch;
  /** The same with the lines that docs/brokers.md recommends; undefined where none are known. */
  readonly safe?: (folder: string, port: number) => Launch;
  /** Longest time between two messages of one backlog, ms. */
  readonly patienceMs: number;
  /** Readings that it may deliver again under another packet id when it ends while the host is there; default none. */
  readonly mayDouble?: number;
  /** Readings of a trial with the safe lines, where it takes them slowly; default 1500, more than the smallest queues hold. */
  readonly safeReadings?: number;
}

const INSTALLED = path.resolve("build/brokers");
const MOCHI = path.join(INSTALLED, "mochi");
const NATS = path.join(INSTALLED, "nats-server");
const AMQTT = path.join(INSTALLED, "amqtt");
const NATS_VERSION = "v2.15.3";
const AMQTT_VERSION = "0.12.1";

/** Runs a program to its end. @throws {Error} with what it wrote, when it fails */
function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    ...options,
    env: { ...process.env, ...options.env },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr || stdout}`);
  return `${stdout}${stderr}`;
}

const lacksProgram = (name: string): string | undefined => (findProgram(name) === undefined ? name : undefined);

const mosquitto: BrokerKind = {
  name: "Mosquitto",
  lacks: lacksProgram("mosquitto"),
  protocols: [4, 5],
  install() {
    const { stdout } = spawnSync(findProgram("mosquitto") as string, ["-h"], { encoding: "utf8" });
    return /version ([\d.]+)/.exec(stdout)?.[1] ?? "";
  },
  patienceMs: 3000,
  defaults: (folder, port) => launchMosquitto(folder, [`listener ${port} 127.0.0.1`, "allow_anonymous true"]),
  safe: (folder, port) =>
    launchMosquitto(folder, [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence true",
      `persistence_location ${folder}/`,
      "autosave_interval 1",
      "autosave_on_changes true",
      "max_queued_messages 100000",
      "set_tcp_nodelay true",
    ]),
};

function launchMosquitto(folder: string, lines: readonly string[]): Launch {
  return {
    command: findProgram("mosquitto") as string,
    args: ["-c", path.join(folder, "mosquitto.conf")],
    files: { "mosquitto.conf": `${lines.join("\n")}\n` },
  };
}

const mochi: BrokerKind = {
  name: "Mochi",
  lacks: lacksProgram("go"),
  protocols: [4],
  install() {
    mkdirSync(INSTALLED, { recursive: true });
    const cwd = path.resolve("test/brokers/mochi");
    const env = { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly -buildvcs=false" };
    run("go", ["build", "-o", MOCHI, "."], { cwd, env });
    return /server\/v2 v([\d.]+)/.exec(run("go", ["list", "-m", "all"], { cwd, env }))?.[1] ?? "";
  },
  patienceMs: 3000,
  defaults: (_, port) => ({ command: MOCHI, args: [String(port)] }),
};

const nats: BrokerKind = {
  name: "NATS",
  lacks: lacksProgram("go"),
  protocols: [4],
  install() {
    if (!existsSync(NATS)) {
      const env = { GOBIN: INSTALLED, GOTOOLCHAIN: "local" };
      run("go", ["install", `github.com/nats-io/nats-server/v2@${NATS_VERSION}`], { env });
    }
    return /v([\d.]+)/.exec(run(NATS, ["--version"]))?.[1] ?? "";
  },
  patienceMs: 40_000, // ack_wait is 30 s
  defaults: (folder, port) => launchNats(folder, `mqtt { host: "127.0.0.1", port: ${port} }`),
  safeReadings: 300, // one message in flight
  mayDouble: 2, // acknowledgements that it has not kept
  safe: (folder, port) =>
    launchNats(folder, `mqtt { host: "127.0.0.1", port: ${port}, max_ack_pending: 1, ack_wait: "2s" }`),
};

function launchNats(folder: string, mqtt: string): Launch {
  const lines = ["port: -1", "host: 127.0.0.1", "server_name: test", `jetstream { store_dir: "${folder}" }`, mqtt];
  return { command: NATS, args: ["-c", path.join(folder, "nats.conf")], files: { "nats.conf": lines.join("\n") } };
}

const amqtt: BrokerKind = {
  name: "amqtt",
  lacks: lacksProgram("python3"),
  protocols: [4],
  install() {
    if (!existsSync(path.join(AMQTT, "bin/amqtt"))) {
      run("python3", ["-m", "venv", AMQTT]);
      run(path.join(AMQTT, "bin/pip"), [
        "install",
        "--quiet",
        `amqtt==${AMQTT_VERSION}`,
        "SQLAlchemy==2.1.9",
        "aiosqlite==0.22.1",
        "greenlet==3.5.6",
      ]);
    }
    return AMQTT_VERSION;
  },
  patienceMs: 5000,
  defaults: (folder, port) => ({
    command: path.join(AMQTT, "bin/amqtt"),
    args: ["-c", path.join(folder, "amqtt.yaml")],
    files: {
      "amqtt.yaml": [
        "listeners:",
        `  default: { type: tcp, bind: "127.0.0.1:${port}" }`,
        "plugins:",
        "  amqtt.plugins.authentication.AnonymousAuthPlugin: { allow_anonymous: true }",
      ].join("\n"),
    },
  }),
};

/** All brokers that are tried. */
export const BROKERS: readonly BrokerKind[] = [mosquitto, mochi, nats, amqtt];
