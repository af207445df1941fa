import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { logName, readFiles } from "./files.ts";
import { readLog } from "./log.ts";
import { isSoundTable } from "./table.ts";

/** What a look at the files of a database finds. */
export interface Inspection {
  /** What is damaged, in words, with the names of the files; empty when all checksums are right. */
  readonly damages: readonly string[];
  /** Bytes of a commit that the end of the process or a loss of power cut off; no damage. */
  readonly tornBytes: number;
}

/**
 * Compares all that a LevelDB database consists of with its checksums, which LevelDB itself does for a part only: without it, a
 * damaged filter, index or log has older values stand for newer ones. Reads only; nobody may have the database open.
 */
export async function inspectDatabase(directory: string): Promise<Inspection> {
  const files = await readFiles(directory);
  if (files === undefined) return { damages: [], tornBytes: 0 };
  const damages = [...files.damages];
  const { manifest } = files;
  let tornBytes = 0;
  for (const number of files.logs) {
    if (manifest !== undefined && number < manifest.logNumber) continue;
    const log = readLog(await readFile(join(directory, logName(number))));
    if (!log.isSound) damages.push(`${logName(number)} is damaged`);
    tornBytes += log.tornBytes;
  }
  for (const [number, name] of files.tables) {
    if (manifest !== undefined && !manifest.tables.has(number)) continue;
    if (!isSoundTable(await readFile(join(directory, name)))) damages.push(`${name} is damaged`);
  }
  return { damages, tornBytes };
}
