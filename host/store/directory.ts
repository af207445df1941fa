import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { StateStoreError } from "./store.ts";

/** Mode of a state directory: readings and the client id are nobody else's business. */
const PRIVATE = 0o700;

const ANSWER_MS = 10_000;

let pending = 0;

/** Whether a call into the file system of a state directory has not come back: it would keep the process from ending in order. */
export function isWaitingForDisk(): boolean {
  return pending > 0;
}

/**
 * Makes a directory, with those above it, unless it is there, and asks whether it can be written. Node's own `recursive` never
 * ends where a file system has no room for new names, such as /proc.
 *
 * @param make  does so; tests pass one that never ends
 * @throws {StateStoreError} when the file system does not answer within `answerMs`
 * @throws {Error} of the system, when the directory cannot be made or written
 */
export async function makePrivateDirectory(
  directory: string,
  answerMs: number = ANSWER_MS,
  make: (directory: string) => Promise<void> = makeWithParents,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const text = `State directory ${directory} does not answer within ${answerMs / 1000} s; is its disk or network share there?`;
    timer = setTimeout(() => reject(new StateStoreError(text)), answerMs);
  });
  try {
    pending++;
    const made = make(directory).finally(() => {
      pending--;
    });
    await Promise.race([made, silence]);
  } finally {
    clearTimeout(timer);
  }
}

async function makeWithParents(directory: string): Promise<void> {
  const missing: string[] = [];
  for (let path = directory; !(await isThere(path)); path = dirname(path)) missing.push(path);
  for (const path of missing.toReversed()) await mkdir(path, { mode: PRIVATE });
  await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
}

/** Tells that others may read a state directory, as one made by an older version or by hand; undefined when they may not. */
export async function describeExposure(directory: string): Promise<string | undefined> {
  if (process.platform === "win32") return undefined;
  const mode = (await stat(directory)).mode & 0o777;
  if ((mode & ~PRIVATE) === 0) return undefined;
  return `${directory} is open to other users (mode ${mode.toString(8)}): chmod -R go= ${directory}`;
}
