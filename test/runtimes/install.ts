// Puts runtimes below build/runtimes/, each pinned to a version. What is there already is not fetched again.

import { existsSync } from "node:fs";
import path from "node:path";
import { findProgram } from "../support/programs.ts";
import { runProgram, Unavailable } from "./jobs.ts";

/** Sources of the runners. The working directory is that of the repository. */
export const RUNNERS = path.resolve("test/runtimes/runners");

const INSTALLED = path.resolve("build/runtimes");

/** Path of a program of this machine. @throws {Unavailable} */
export function needProgram(name: string): string {
  const found = findProgram(name);
  if (found === undefined) throw new Unavailable(`${name} is not installed`);
  return found;
}

/** Does what needs the network or a toolchain; a failure means that the runtime cannot be had here. */
async function fetched<T>(what: Promise<T>): Promise<T> {
  try {
    return await what;
  } catch (cause) {
    throw new Unavailable((cause as Error).message, { cause });
  }
}

let python: Promise<string> | undefined;

async function makePython(): Promise<string> {
  const folder = path.join(INSTALLED, "python");
  const interpreter = path.join(folder, "bin/python");
  if (!existsSync(path.join(folder, "bin/pip"))) {
    await fetched(runProgram(needProgram("python3"), ["-m", "venv", "--clear", folder]));
  }
  return interpreter;
}

let pip: Promise<unknown> = Promise.resolve();

/** Installs a package of requirements.txt. Answers the interpreter that has it. @throws {Unavailable} */
export async function installPython(name: string): Promise<string> {
  python ??= makePython();
  const interpreter = await python;
  const pins = path.join(RUNNERS, "requirements.txt");
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", pins, name];
  // One after the other: pip does not lock the folder.
  const installed = pip.then(() => fetched(runProgram(interpreter, args)));
  pip = installed.catch(() => {});
  await installed;
  return interpreter;
}

/** Builds the runner of wasmi. Answers its path. @throws {Unavailable} */
export async function installWasmi(): Promise<string> {
  const cargo = needProgram("cargo");
  const target = path.join(INSTALLED, "wasmi");
  const options = { cwd: path.join(RUNNERS, "wasmi"), env: { CARGO_TARGET_DIR: target } };
  await fetched(runProgram(cargo, ["fetch", "--locked"], options));
  await runProgram(cargo, ["build", "--release", "--locked", "--offline"], options);
  return path.join(target, "release/runner");
}

/** Builds the runner of wazero. Answers its path. @throws {Unavailable} */
export async function installWazero(): Promise<string> {
  const go = needProgram("go");
  const program = path.join(INSTALLED, "wazero-runner");
  const options = {
    cwd: path.join(RUNNERS, "wazero"),
    env: { GOTOOLCHAIN: "local", GOFLAGS: "-mod=readonly -buildvcs=false" },
  };
  await fetched(runProgram(go, ["mod", "download"], options));
  await runProgram(go, ["build", "-o", program, "."], options);
  return program;
}
