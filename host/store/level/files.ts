import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readLog } from "./log.ts";
import { type Manifest, readManifest } from "./manifest.ts";

/** The files of a database, as its directory lists them and its manifest says. */
export interface DatabaseFiles {
  /** Numbers of the logs that are there, the oldest first. */
  readonly logs: readonly number[];
  /** Numbers of the table files that are there, with their names. */
  readonly tables: ReadonlyMap<number, string>;
  /** Undefined when there is none that can be used. */
  readonly manifest: Manifest | undefined;
  /** Whether all files that the manifest names are there; if not, it may be older than they are. */
  readonly isComplete: boolean;
  /** What is wrong with them, in words; empty when nothing is. */
  readonly damages: readonly string[];
}

/** Name of a log file. */
export const logName = (number: number): string => `${String(number).padStart(6, "0")}.log`;

/** Reads which files a database consists of; undefined when the directory holds none yet. */
export async function readFiles(directory: string): Promise<DatabaseFiles | undefined> {
  const names = await readdir(directory);
  const numbers = (pattern: RegExp) => names.flatMap((name) => pattern.exec(name)?.[1] ?? []).map(Number);
  const logs = numbers(/^(\d+)\.log$/).sort((a, b) => a - b);
  const tables = new Map(
    names.flatMap((name) => {
      const number = /^(\d+)\.(?:ldb|sst)$/.exec(name)?.[1];
      return number === undefined ? [] : [[Number(number), name] as const];
    }),
  );
  const hasCurrent = names.includes("CURRENT");
  if (!hasCurrent && logs.length === 0 && tables.size === 0) return undefined;
  const damages: string[] = [];
  const name = hasCurrent ? await readCurrent(directory, damages) : undefined;
  if (!hasCurrent) damages.push("CURRENT is missing");
  const newest = numbers(/^MANIFEST-(\d+)$/).sort((a, b) => b - a)[0];
  const found = name ?? (newest === undefined ? undefined : `MANIFEST-${String(newest).padStart(6, "0")}`);
  const manifest = found === undefined ? undefined : await readManifestFile(directory, found, damages);
  const missing = manifest === undefined ? [] : missingFiles(manifest, { logs, tables });
  damages.push(...missing);
  return { logs, tables, manifest, isComplete: manifest !== undefined && missing.length === 0, damages };
}

/** Files that a manifest names and that are not there. */
function missingFiles(
  { logNumber, tables: listed }: Manifest,
  { logs, tables }: Pick<DatabaseFiles, "logs" | "tables">,
) {
  const missing = [...listed.keys()].filter((number) => !tables.has(number));
  const texts = missing.map((number) => `${String(number).padStart(6, "0")}.ldb is missing`);
  // A database that was made and never opened has no log yet.
  if (logNumber > 0 && !logs.includes(logNumber)) texts.push(`${logName(logNumber)} is missing`);
  return texts;
}

async function readCurrent(directory: string, damages: string[]): Promise<string | undefined> {
  const text = await readFile(join(directory, "CURRENT"), "latin1").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EISDIR") throw error;
    return "";
  });
  const name = /^(MANIFEST-\d+)\n$/.exec(text)?.[1];
  if (name === undefined) damages.push("CURRENT is damaged");
  return name;
}

async function readManifestFile(directory: string, name: string, damages: string[]): Promise<Manifest | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    damages.push(`${name} is missing`);
    return undefined;
  }
  const { records, tornBytes, ...log } = readLog(bytes);
  // LevelDB syncs a manifest before it counts on it.
  const isSound = log.isSound && records.length > 0 && tornBytes === 0;
  if (!isSound) damages.push(`${name} is damaged`);
  if (records.length === 0 || records.some((record) => !record.isSound)) return undefined;
  try {
    return readManifest(records.map((record) => record.bytes));
  } catch {
    if (isSound) damages.push(`${name} is damaged`);
    return undefined;
  }
}
