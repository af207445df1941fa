// Home Assistant's core as a process, installed below build/homeassistant/.

import { type ChildProcessWithoutNullStreams, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import { promisify } from "node:util";
import { findProgram } from "../support/programs.ts";

/** The last version that runs on Python 3.11, which Debian 12 has. */
const VERSION = "2024.3.3";
/** What its MQTT integration needs beside, and packages whose newest versions it cannot use. */
const PACKAGES = [
  `homeassistant==${VERSION}`,
  "paho-mqtt==1.6.1",
  "josepy<2",
  "janus",
  "numpy<2",
  "psutil-home-assistant",
  "fnv-hash-fast",
  "pillow",
];
const INSTALL_MS = 5 * 60_000;

const execute = promisify(execFile);

/** Installs Home Assistant, once. Answers its interpreter, or in words why it cannot be had. */
export async function installCore(
  system = findProgram("python3.11") ?? findProgram("python3"),
  folder = path.resolve("build/homeassistant"),
): Promise<{ readonly python: string } | { readonly problem: string }> {
  const done = path.join(folder, `installed-${VERSION}`);
  const python = path.join(folder, "python/bin/python");
  if (existsSync(done)) return { python };
  if (system === undefined) return { problem: "Python 3.11" };
  const run = (...args: string[]) => execute(python, args, { cwd: folder, timeout: INSTALL_MS });
  mkdirSync(folder, { recursive: true });
  try {
    const { stdout } = await execute(system, ["-c", "import sys; print(sys.version_info[:2] == (3, 11))"]);
    if (stdout.trim() !== "True") return { problem: "Python 3.11" };
    await execute(system, ["-m", "venv", "--clear", path.join(folder, "python")]);
    // Without its constraints pip looks for many minutes for versions that fit.
    await run("-m", "pip", "download", "-q", "--no-deps", "-d", "wheel", `homeassistant==${VERSION}`);
    await run("-m", "zipfile", "-e", `wheel/homeassistant-${VERSION}-py3-none-any.whl`, "unpacked");
    const constraints = "unpacked/homeassistant/package_constraints.txt";
    await run("-m", "pip", "install", "-q", "--disable-pip-version-check", ...PACKAGES, "-c", constraints);
  } catch (error) {
    return { problem: `Home Assistant ${VERSION} (${lastLine((error as Error).message)})` };
  }
  writeFileSync(done, "");
  return { python };
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.slice(0, 200) ?? "";

/** An entity as Home Assistant knows it. */
export interface Entity {
  readonly id: string;
  readonly unique: string;
  readonly device: string;
  readonly state: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What Home Assistant knows. */
export interface States {
  readonly entities: readonly Entity[];
  /** By name, the name of the device via which it is connected. */
  readonly devices: Readonly<Record<string, string | null>>;
}

/** A Home Assistant at work. */
export class Core {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  #errors = "";
  #fail: (error: Error) => void = () => {};

  /** Starts it on the broker at a port, with a folder of its own; `ready` says when it runs. */
  constructor(python: string, port: number, folder: string, login: { username?: string; password?: string } = {}) {
    const script = path.resolve("test/homeassistant-core/core.py");
    this.#child = spawn(python, [script, String(port), folder, JSON.stringify(login)], { stdio: "pipe" });
    this.#child.stderr.on("data", (data) => {
      this.#errors += data;
    });
    this.#child.once("exit", (code) => this.#fail(new Error(`Home Assistant ended with ${code}: ${this.#errors}`)));
    this.#lines = createInterface(this.#child.stdout);
  }

  /** What it logged of warnings and errors. */
  get errors(): string {
    return this.#errors;
  }

  async ready(): Promise<void> {
    await this.#line();
  }

  async ask<Answer>(command: string): Promise<Answer> {
    const answer = this.#line();
    this.#child.stdin.write(`${command}\n`);
    return JSON.parse(await answer) as Answer;
  }

  /** Answers what it knows as soon as a claim holds, with something done before each look. */
  async until(claim: (states: States) => boolean, between = async () => {}): Promise<States> {
    for (;;) {
      await between();
      const states = await this.ask<States>("states");
      if (claim(states)) return states;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin.end();
    await exited;
  }

  #line(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#lines.once("line", resolve);
      this.#fail = reject;
    });
  }
}
