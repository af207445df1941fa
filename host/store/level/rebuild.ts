import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { type Salvage, salvageDatabase } from "./salvage.ts";

/** Writes a new database into a folder that is not there. */
export type WriteDatabase = (folder: string, values: ReadonlyMap<string, Uint8Array>) => Promise<void>;

/** What became of a damaged database. */
export interface Rebuilt {
  /** Values that are as they were. */
  readonly kept: number;
  /** Keys whose newest value may have been in a damaged part; sorted. */
  readonly lost: readonly string[];
  /** Whether there may be keys that are lost and not known by name. */
  readonly hasUnknown: boolean;
  /** Where the damaged files are now. */
  readonly folder: string;
}

// Names of the folder while its database is being written; when it is complete; and when the damaged files have moved away.
const WRITTEN = "rebuild.tmp";
const COMPLETE = "rebuild.complete";
const MOVING = "rebuild.moving";
const DAMAGED = /^damaged-[\dTZ.-]+$/;
/** Folders of damaged files that are kept; a disk that fails would fill itself. */
const KEPT_FOLDERS = 3;
/** Values of these keys never change: one that is found is the newest. `meta/subscriptions` only grows stale, which is mended on connecting. */
const LASTING = new Set(["meta/store", "meta/client_id", "meta/subscriptions"]);

/**
 * Replaces a damaged database by a new one of what can be read of it. The damaged files move into a folder beside it, `damaged-` and
 * the time. Nobody may have the database open. An end of the process at any point is made good by `finishRebuild`.
 *
 * A device whose newest state may be lost gets a state that is none, so that it starts cold and is counted; other keys are deleted.
 */
export async function rebuildDatabase(directory: string, write: WriteDatabase, now: Date): Promise<Rebuilt> {
  const salvage = await salvageDatabase(directory);
  const written = join(directory, WRITTEN);
  await rm(written, { recursive: true, force: true });
  await write(written, valuesOf(salvage));
  const name = `damaged-${now.toISOString().replaceAll(":", "-")}`;
  await mkdir(join(directory, name), { recursive: true });
  await rename(written, join(directory, COMPLETE));
  await finishRebuild(directory);
  await forgetOldest(directory);
  const lost = [...salvage.lost.keys()].filter((key) => !LASTING.has(key) || salvage.lost.get(key) === undefined);
  const folder = join(directory, name);
  return { kept: salvage.values.size, lost: lost.sort(), hasUnknown: salvage.hasUnknown, folder };
}

function valuesOf({ values, lost }: Salvage): Map<string, Uint8Array> {
  const all = new Map(values);
  for (const [key, old] of lost) {
    if (LASTING.has(key) && old !== undefined) all.set(key, old);
    else if (key.startsWith("device/")) all.set(key, Buffer.concat([Buffer.from("outdated "), old ?? Buffer.alloc(0)]));
  }
  return all;
}

/** Completes a rebuild that the end of the process interrupted, and removes what one left that had not come far. */
export async function finishRebuild(directory: string): Promise<void> {
  const names = await readdir(directory);
  if (names.includes(WRITTEN)) await rm(join(directory, WRITTEN), { recursive: true });
  if (names.includes(COMPLETE)) {
    const folder = names
      .filter((name) => DAMAGED.test(name))
      .sort()
      .at(-1) as string;
    await moveFiles(directory, join(directory, folder));
    await rename(join(directory, COMPLETE), join(directory, MOVING));
  }
  if (!names.includes(COMPLETE) && !names.includes(MOVING)) return;
  await moveFiles(join(directory, MOVING), directory);
  await rmdir(join(directory, MOVING));
}

/** Moves the files of a database; CURRENT, which makes it one, last. */
async function moveFiles(from: string, to: string): Promise<void> {
  const names = (await readdir(from)).filter((name) =>
    /^(CURRENT|LOG|LOG\.old|MANIFEST-\d+|\d+\.(log|ldb|sst|dbtmp))$/.test(name),
  );
  for (const name of names.filter((one) => one !== "CURRENT")) await rename(join(from, name), join(to, name));
  if (names.includes("CURRENT")) await rename(join(from, "CURRENT"), join(to, "CURRENT"));
  // The lock of a database in use is not moved.
  if (from.endsWith(MOVING)) await rm(join(from, "LOCK"), { force: true });
}

async function forgetOldest(directory: string): Promise<void> {
  const folders = (await readdir(directory)).filter((name) => DAMAGED.test(name)).sort();
  for (const name of folders.slice(0, -KEPT_FOLDERS)) await rm(join(directory, name), { recursive: true });
}
