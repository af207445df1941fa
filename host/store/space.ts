import { readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";

const KIB = 1024;
const LEAST_BUFFER = 64 * KIB;
const MOST_BUFFER = 4096 * KIB;
/** Of the space that the state has: LevelDB may hold two logs and two tables of this size at a time, beside the tables that are kept. */
const SHARE = 16;

/** Answers bytes that are free for a directory; undefined where the system does not say. */
export async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize, blocks } = await statfs(directory);
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Answers bytes of the files of a directory whose names match. */
export async function sizeOfFiles(directory: string, names: RegExp): Promise<number> {
  let total = 0;
  for (const name of await readdir(directory)) {
    if (!names.test(name)) continue;
    // A file may be gone by now: LevelDB deletes what it does not need.
    total += (await stat(join(directory, name)).catch(() => undefined))?.size ?? 0;
  }
  return total;
}

/**
 * Chooses how many bytes of changes LevelDB collects in its log before it writes them as a table: 4 MiB, as is its default, but not more
 * than the disk of the directory can hold several times over.
 */
export async function chooseWriteBuffer(directory: string): Promise<number> {
  const free = await freeBytes(directory);
  if (free === undefined) return MOST_BUFFER;
  const space = free + (await sizeOfFiles(directory, /./));
  return Math.min(MOST_BUFFER, Math.max(LEAST_BUFFER, Math.floor(space / SHARE)));
}
