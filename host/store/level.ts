import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClassicLevel } from "classic-level";
import { makePrivateDirectory } from "./directory.ts";
import { inspectDatabase } from "./level/inspect.ts";
import { finishRebuild, type Rebuilt, rebuildDatabase } from "./level/rebuild.ts";
import { loadLevel } from "./library.ts";
import { chooseWriteBuffer, freeBytes, sizeOfFiles } from "./space.ts";
import { type Change, type StateStore, StateStoreError } from "./store.ts";

const VERSION_KEY = "meta/store";
const VERSION = "rivulet state 1";
/** With the client id the messages are lost that the broker keeps for it: it stands in a file of its own, too. */
const CLIENT_ID_KEY = "meta/client_id";
const CLIENT_ID_FILE = "client-id";

/** What to do about a state directory that is damaged: nothing but tell it, or go on with what can be read. */
export type OnDamage = "stop" | "quarantine";

/** Names of what is told, which stay the same. */
export type StoreEvent = "commits_work_again" | "state_cut_off" | "state_mended";

/** How a state store deals with its disk. */
export interface LevelStoreOptions {
  /** A commit resolves when it survives a loss of power, too; default: the end of the process. */
  readonly isSynced?: boolean;
  /** Default: stop. */
  readonly onDamage?: OnDamage;
  /** Takes what an operator should know. */
  readonly report?: (level: "info" | "warn" | "error", text: string, event: StoreEvent) => void;
  /** Called once with the reason when a store that was open cannot be used any more. */
  readonly onFatal?: (error: StateStoreError) => void;
}

type Database = ClassicLevel<string, Uint8Array>;

/**
 * Opens the state store of a directory, a LevelDB database; the directory is made when it is not there. All checksums are compared
 * first. A commit is handed to the operating system: it survives the end of the process, not a loss of power.
 *
 * @throws {StateStoreError} when another process uses it, it is damaged and `onDamage` says stop, or it is not a state directory that
 * this version can read
 */
export async function openLevelStore(directory: string, options: LevelStoreOptions = {}): Promise<StateStore> {
  const store = new LevelStore(directory, options);
  await store.open();
  return store;
}

/**
 * Replaces a damaged state directory by what can be read of it; the damaged files are kept in it.
 *
 * @returns what became of it, or undefined when it is not damaged
 * @throws {StateStoreError} when another process uses it, or what can be read cannot be written
 */
export async function repairState(
  directory: string,
): Promise<(Rebuilt & { readonly damages: readonly string[] }) | undefined> {
  try {
    await stat(directory); // asking for its lock would make it
    await checkUnlocked(directory);
    await finishRebuild(directory);
    const { damages } = await inspectDatabase(directory);
    return damages.length === 0 ? undefined : { ...(await rebuild(directory)), damages };
  } catch (error) {
    throw asStoreError(directory, error);
  }
}

/** Tells what a rebuild has kept and lost, with the names of the devices. */
export function describeRebuilt({ kept, lost, hasUnknown, folder }: Rebuilt): string[] {
  const names = lost.map((key) => key.replace(/^device\//, ""));
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return [
    `${kept} values are as they were`,
    names.length === 0
      ? "none is known to be lost"
      : `these start cold: ${names.slice(0, MOST_NAMES).join(", ")}${more}`,
    ...(hasUnknown ? ["devices that only the damaged part knew start cold, too"] : []),
    `the damaged files are kept in ${folder}`,
  ];
}

const MOST_NAMES = 20;

class LevelStore implements StateStore {
  readonly #directory: string;
  readonly #options: LevelStoreOptions;
  #db: Database | undefined;
  #writeBuffer = 0;
  /** Why the database has to be opened anew before the next commit. */
  #failure: { readonly since: number } | undefined;
  #fatal: StateStoreError | undefined;
  #mending: Promise<void> | undefined;
  #commits = 0;

  constructor(directory: string, options: LevelStoreOptions) {
    this.#directory = directory;
    this.#options = options;
  }

  async open(): Promise<void> {
    try {
      await makePrivateDirectory(this.#directory);
      await checkUnlocked(this.#directory);
      await this.#openMended();
    } catch (error) {
      throw asStoreError(this.#directory, error);
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#mendingOnce(async () => (await this.#ready()).get(key));
  }

  async commit(changes: readonly Change[]): Promise<void> {
    await this.#mendingOnce(async () => {
      if (this.#failure !== undefined) await this.#openAgain();
      const db = await this.#ready();
      try {
        // A list of operations costs the addon some three times the processor time of one call for each.
        const batch = db.batch();
        for (const [key, value] of changes) {
          if (value === undefined) batch.del(key);
          else batch.put(key, value);
        }
        await batch.write({ sync: this.#options.isSynced === true });
      } catch (error) {
        // After a failed write LevelDB takes none any more, and its log may end in the middle of one.
        this.#failure ??= { since: Date.now() };
        throw error;
      }
      this.#tellRecovery();
      const clientId = changes.find(([name]) => name === CLIENT_ID_KEY)?.[1];
      if (clientId !== undefined) await writeFile(join(this.#directory, CLIENT_ID_FILE), clientId);
    });
    await this.#keepSmall();
  }

  async *entries(prefix: string): AsyncGenerator<readonly [key: string, value: Uint8Array]> {
    const db = await this.#ready();
    yield* db.iterator({ gte: prefix, lt: `${prefix}\u{10ffff}` });
  }

  async close(): Promise<void> {
    await this.#mending?.catch(() => {});
    await this.#db?.close();
  }

  /** The open database, after what is being done about it. */
  async #ready(): Promise<Database> {
    if (this.#mending !== undefined) await this.#mending;
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.#db === undefined) await this.#once(() => this.#openDatabase());
    return this.#db as Database;
  }

  /** Does something, and once again when damage was found and mended on the way. */
  async #mendingOnce<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (this.#fatal !== undefined || !isCorruption(error)) throw error;
      await this.#once(() => this.#mend());
      return action();
    }
  }

  /** Lets one thing at a time be done about the database; others who ask for something wait for it. */
  async #once(action: () => Promise<void>): Promise<void> {
    this.#mending ??= action().finally(() => {
      this.#mending = undefined;
    });
    await this.#mending;
  }

  async #mend(): Promise<void> {
    await this.#closeDatabase();
    try {
      await this.#openMended();
      this.#failure = undefined;
    } catch (error) {
      const known = asStoreError(this.#directory, error);
      if (isDamageStop(known)) {
        this.#fatal = known;
        this.#options.onFatal?.(known);
      }
      throw known;
    }
  }

  async #openMended(): Promise<void> {
    await finishRebuild(this.#directory);
    const { damages, tornBytes } = await inspectDatabase(this.#directory);
    const { report } = this.#options;
    if (tornBytes > 0) {
      report?.(
        "warn",
        `the last commit was cut off, as by a loss of power: ${tornBytes} bytes of it are left out`,
        "state_cut_off",
      );
    }
    if (damages.length > 0) await this.#quarantine(damages);
    await this.#openDatabase();
  }

  async #quarantine(damages: readonly string[]): Promise<void> {
    const { onDamage = "stop", report } = this.#options;
    // The files of a database in use change while they are read.
    await checkUnlocked(this.#directory);
    if (onDamage === "stop") throw new DamagedStateError(describeDamage(this.#directory, damages));
    const rebuilt = await rebuild(this.#directory);
    report?.(
      "error",
      `${this.#directory} was damaged (${damages.join(", ")}): ${describeRebuilt(rebuilt).join("; ")}`,
      "state_mended",
    );
  }

  async #openDatabase(): Promise<void> {
    this.#writeBuffer = await chooseWriteBuffer(this.#directory);
    const db = await openDatabase(this.#directory, this.#writeBuffer);
    try {
      await checkVersion(db, this.#directory);
    } catch (error) {
      await db.close();
      throw error;
    }
    this.#db = db;
    const clientId = await db.get(CLIENT_ID_KEY);
    if (clientId !== undefined) await writeFile(join(this.#directory, CLIENT_ID_FILE), clientId);
  }

  async #closeDatabase(): Promise<void> {
    const db = this.#db;
    this.#db = undefined;
    await db?.close();
  }

  /** Opens the database anew after a failed write, once there is room to do so; reads go on until then. */
  async #openAgain(): Promise<void> {
    const free = await freeBytes(this.#directory);
    const needed = 2 * this.#writeBuffer;
    if (free !== undefined && free < needed && (await this.#growth()) < needed) {
      throw new Error(`the disk of ${this.#directory} is full: ${free} bytes are free, ${needed} are needed to go on`);
    }
    await this.#reopen();
  }

  async #reopen(): Promise<void> {
    await this.#once(async () => {
      await this.#closeDatabase();
      await this.#openDatabase();
    });
  }

  #tellRecovery(): void {
    if (this.#failure === undefined) return;
    const seconds = Math.round((Date.now() - this.#failure.since) / 1000);
    this.#failure = undefined;
    this.#options.report?.("info", `commits work again, after ${seconds} s`, "commits_work_again");
  }

  /** Bytes of the files that LevelDB begins anew only when it is opened. */
  async #growth(): Promise<number> {
    return sizeOfFiles(this.#directory, /^(MANIFEST-\d+|LOG|LOG\.old)$/);
  }

  async #keepSmall(): Promise<void> {
    if (++this.#commits % COMMITS_BETWEEN_LOOKS > 0) return;
    if ((await this.#growth()) > Math.max(MOST_GROWTH, this.#writeBuffer)) await this.#reopen();
  }
}

const COMMITS_BETWEEN_LOOKS = 5000;
const MOST_GROWTH = 256 * 1024;

class DamagedStateError extends StateStoreError {}

const isDamageStop = (error: unknown): error is DamagedStateError => error instanceof DamagedStateError;

function describeDamage(directory: string, damages: readonly string[]): string {
  const remedy = "state.on_damage: quarantine does so at the start";
  return `State directory ${directory} is damaged: ${damages.join(", ")}; nothing in it was changed. rivulet state repair ${directory} goes on with what can be read and keeps the damaged files; ${remedy}`;
}

function isCorruption(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as NodeJS.ErrnoException).code === "LEVEL_CORRUPTION") return true;
  }
  return false;
}

function rebuild(directory: string): Promise<Rebuilt> {
  const write = async (folder: string, values: ReadonlyMap<string, Uint8Array>) => {
    const db = await openDatabase(folder, undefined);
    try {
      const all = new Map(values).set(VERSION_KEY, new TextEncoder().encode(VERSION));
      const clientId = all.get(CLIENT_ID_KEY) ?? (await readIfThere(join(directory, CLIENT_ID_FILE)));
      if (clientId !== undefined) all.set(CLIENT_ID_KEY, clientId);
      const puts = Array.from(all, ([key, value]) => ({ type: "put" as const, key, value }));
      for (let at = 0; at < puts.length; at += 1000) await db.batch(puts.slice(at, at + 1000));
    } finally {
      await db.close();
    }
  };
  return rebuildDatabase(directory, write, new Date());
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
}

/** Its native addon is loaded by those who open a store, not by every command of the program. */
async function openDatabase(directory: string, writeBufferSize: number | undefined): Promise<Database> {
  const Level = await loadLevel();
  await makePrivateDirectory(directory);
  const size = writeBufferSize === undefined ? {} : { writeBufferSize };
  // A database opens by itself when it is made, and would make its directory for all to read.
  const db = new Level<string, Uint8Array>(directory, { valueEncoding: "view", ...size });
  await db.open();
  return db;
}

/** Asks for the lock of a database without opening it, which would change it. @throws {Error} when another process has it */
async function checkUnlocked(directory: string): Promise<void> {
  const Level = await loadLevel();
  const db = new Level(directory, { createIfMissing: false, errorIfExists: true });
  try {
    await db.open();
    await db.close();
  } catch (error) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) {
      if ((cause as NodeJS.ErrnoException).code === "LEVEL_LOCKED") throw error;
    }
  }
}

async function checkVersion(db: Database, directory: string): Promise<void> {
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

function asStoreError(directory: string, error: unknown): StateStoreError {
  if (error instanceof StateStoreError) return error;
  return new StateStoreError(describeOpenFailure(directory, error), { cause: error });
}

function describeOpenFailure(directory: string, error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "LEVEL_LOCKED") {
      return `State directory ${directory} is in use by another process; stop it, or give this one a directory of its own`;
    }
    if (code === "LEVEL_CORRUPTION") return describeDamage(directory, [message]);
    if (code !== "LEVEL_DATABASE_NOT_OPEN") return `State directory ${directory} cannot be opened: ${message}`;
  }
  return `State directory ${directory} cannot be opened: ${error}`;
}
