import { mkdir, stat } from "node:fs/promises";
import type { ClassicLevel } from "classic-level";
import { type StateStore, StateStoreError } from "./store.ts";

const VERSION_KEY = "meta/store";
const VERSION = "rivulet state 1";
/** Mode of a state directory: readings and the client id are nobody else's business. */
const PRIVATE = 0o700;

/**
 * Opens the state store of a directory, a LevelDB database; the directory is made when it is not there. A commit is
 * handed to the operating system: it survives the end of the process, not a loss of power.
 *
 * @throws {StateStoreError} when another process uses it, or it is not a state directory that this version can read
 */
export async function openLevelStore(directory: string): Promise<StateStore> {
  // Its native addon is loaded by those who open a store, not by every command of the program.
  const { ClassicLevel } = await import("classic-level");
  const db = await openDatabase(ClassicLevel, directory);
  try {
    await checkVersion(db, directory);
  } catch (error) {
    await db.close();
    throw error;
  }
  return {
    get: (key) => db.get(key),
    async commit(changes) {
      await db.batch(
        changes.map(([key, value]) => (value === undefined ? { type: "del", key } : { type: "put", key, value })),
      );
    },
    entries: (prefix) => db.iterator({ gte: prefix, lt: `${prefix}\u{10ffff}` }),
    close: () => db.close(),
  };
}

/** A database opens by itself when it is made, and would make its directory for all to read. */
async function openDatabase(
  Level: typeof ClassicLevel<string, Uint8Array>,
  directory: string,
): Promise<ClassicLevel<string, Uint8Array>> {
  try {
    await mkdir(directory, { recursive: true, mode: PRIVATE });
    const db = new Level(directory, { valueEncoding: "view" });
    await db.open();
    return db;
  } catch (error) {
    throw new StateStoreError(describeOpenFailure(directory, error), { cause: error });
  }
}

/** Tells that others may read a state directory, as one made by an older version or by hand; undefined when they may not. */
export async function describeExposure(directory: string): Promise<string | undefined> {
  if (process.platform === "win32") return undefined;
  const mode = (await stat(directory)).mode & 0o777;
  if ((mode & ~PRIVATE) === 0) return undefined;
  return `${directory} is open to other users (mode ${mode.toString(8)}): chmod -R go= ${directory}`;
}

async function checkVersion(db: ClassicLevel<string, Uint8Array>, directory: string): Promise<void> {
  const found = await db.get(VERSION_KEY);
  if (found !== undefined) {
    const text = new TextDecoder().decode(found);
    if (text === VERSION) return;
    throw new StateStoreError(`State directory ${directory} holds "${text}", expected "${VERSION}"`);
  }
  for await (const key of db.keys({ limit: 1 })) {
    throw new StateStoreError(
      `State directory ${directory} is a database of something else: it has a key "${key}" but no "${VERSION_KEY}"`,
    );
  }
  await db.put(VERSION_KEY, new TextEncoder().encode(VERSION));
}

function describeOpenFailure(directory: string, error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "LEVEL_LOCKED") {
      return `State directory ${directory} is in use by another process; stop it, or give this one a directory of its own`;
    }
    if (code === "LEVEL_CORRUPTION") return `State directory ${directory} is damaged: ${message}`;
    if (code !== "LEVEL_DATABASE_NOT_OPEN") return `State directory ${directory} cannot be opened: ${message}`;
  }
  return `State directory ${directory} cannot be opened: ${error}`;
}
