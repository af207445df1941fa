import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Entry, readBatch } from "./batch.ts";
import { type DatabaseFiles, logName, readFiles } from "./files.ts";
import { type LogRecord, readLog } from "./log.ts";
import { type LostKeys, readTable } from "./table.ts";

/** What can be read of a damaged database. */
export interface Salvage {
  /** The newest value of each key, where it is certain that it is the newest. */
  readonly values: ReadonlyMap<string, Uint8Array>;
  /** Keys whose newest value may have been in a damaged part, with an older one where there is one. */
  readonly lost: ReadonlyMap<string, Uint8Array | undefined>;
  /** Whether keys that are not named in `lost` may have been in a damaged part. */
  readonly hasUnknown: boolean;
}

/** Where an entry comes from: level -1 is a log, which is newer than every table file; `undefined` is not known. */
interface Origin {
  readonly level: number | undefined;
  readonly number: number;
}

type Found = Entry & Origin;

/** A part that cannot be read. */
interface Gap {
  /** Keys that it may have held; undefined: any. */
  readonly has: ((key: string) => boolean) | undefined;
  /** Whether all of these keys are known by name. */
  readonly isNamed: boolean;
  /** Whether an entry is newer than all that the part may have held. */
  readonly isOlderThan: (entry: Found) => boolean;
}

/**
 * Reads what can be read of a database whose files are damaged. An older value never stands for a newer one: LevelDB's own repair
 * takes what it finds. Reads only; nobody may have the database open.
 */
export async function salvageDatabase(directory: string): Promise<Salvage> {
  const files = await readFiles(directory);
  const newest = new Map<string, Found>();
  const gaps: Gap[] = [];
  const named = new Set<string>();
  if (files !== undefined) {
    const add = (entry: Entry, origin: Origin) => {
      const known = newest.get(entry.key);
      if (known === undefined || known.sequence <= entry.sequence) newest.set(entry.key, { ...entry, ...origin });
    };
    await readTables(directory, files, add, gaps);
    await readLogs(directory, files, { add, gaps, named, isKnown: (key) => newest.has(key) });
    if (files.manifest !== undefined) gaps.push(...missingParts(files, files.manifest));
  }
  const values = new Map<string, Uint8Array>();
  const lost = new Map<string, Uint8Array | undefined>();
  for (const key of named) if (!newest.has(key)) lost.set(key, undefined);
  for (const [key, entry] of newest) {
    const isLost = gaps.some((gap) => gap.has?.(key) !== false && !gap.isOlderThan(entry));
    if (isLost) lost.set(key, entry.value);
    else if (entry.value !== undefined) values.set(key, entry.value);
  }
  return { values, lost, hasUnknown: gaps.some(({ isNamed }) => !isNamed) };
}

async function readTables(
  directory: string,
  { tables, manifest, isComplete }: DatabaseFiles,
  add: (entry: Entry, origin: Origin) => void,
  gaps: Gap[],
): Promise<void> {
  for (const [number, name] of tables) {
    const listed = manifest?.tables.get(number);
    if (isComplete && listed === undefined) continue;
    const origin = { level: isComplete ? listed?.level : undefined, number };
    const { entries, lost } = readTable(await readFile(join(directory, name)));
    for (const entry of entries) add(entry, origin);
    for (const keys of lost) {
      gaps.push({ has: isWithin(keys, listed), isNamed: false, isOlderThan: (entry) => isNewer(entry, origin) });
    }
  }
}

function isNewer(entry: Found, { level, number }: Origin): boolean {
  if (entry.level === -1) return true;
  if (entry.level === undefined || level === undefined) return false;
  return entry.level < level || (entry.level === 0 && level === 0 && entry.number > number);
}

function isWithin(
  { after, last }: LostKeys,
  file: { readonly smallest: string; readonly largest: string } | undefined,
): (key: string) => boolean {
  const first = file && Buffer.from(file.smallest);
  const end = last ?? (file && Buffer.from(file.largest));
  return (text) => {
    const key = Buffer.from(text);
    if (after !== undefined && Buffer.compare(key, after) <= 0) return false;
    if (first !== undefined && Buffer.compare(key, first) < 0) return false;
    return end === undefined || Buffer.compare(key, end) <= 0;
  };
}

interface LogReading {
  readonly add: (entry: Entry, origin: Origin) => void;
  readonly gaps: Gap[];
  /** Keys of damaged records. */
  readonly named: Set<string>;
  readonly isKnown: (key: string) => boolean;
}

async function readLogs(
  directory: string,
  { logs, manifest, isComplete }: DatabaseFiles,
  { add, gaps, named, isKnown }: LogReading,
): Promise<void> {
  const records: (LogRecord & { readonly number: number })[] = [];
  for (const number of logs) {
    if (isComplete && number < (manifest?.logNumber ?? 0)) continue;
    const log = readLog(await readFile(join(directory, logName(number))));
    records.push(...log.records.map((record) => ({ ...record, number })));
  }
  const batches = records.map(({ bytes, isSound, number }) => ({ entries: tryBatch(bytes), isSound, number }));
  for (const { entries, isSound, number } of batches) {
    if (isSound) for (const entry of entries ?? []) add(entry, { level: -1, number });
  }
  for (const [index, { entries, isSound }] of batches.entries()) {
    if (isSound && entries !== undefined) continue;
    const next = batches.slice(index + 1).find((batch) => batch.isSound && batch.entries?.[0] !== undefined);
    const sequence = next?.entries?.[0]?.sequence ?? Number.POSITIVE_INFINITY;
    const keys = entries && new Set(entries.map(({ key }) => key));
    // A damage in the middle of a name makes another name of it: only names that are known, each once, are believed.
    const isBelieved = keys !== undefined && keys.size === entries?.length && [...keys].every(isKnown);
    if (isBelieved) for (const key of keys) named.add(key);
    gaps.push({
      has: isBelieved ? (key) => keys.has(key) : undefined,
      isNamed: isBelieved,
      isOlderThan: (entry) => entry.level === -1 && entry.sequence >= sequence,
    });
  }
}

function tryBatch(bytes: Uint8Array): Entry[] | undefined {
  try {
    return readBatch(bytes);
  } catch {
    return undefined;
  }
}

/** Files that the manifest names, that are not there, and that no later file can have replaced. */
function missingParts({ tables, logs }: DatabaseFiles, manifest: NonNullable<DatabaseFiles["manifest"]>): Gap[] {
  const isReplaced = (missing: number) =>
    [...tables.keys()].some((number) => number > missing && !manifest.tables.has(number));
  const gaps: Gap[] = [];
  for (const file of manifest.tables.values()) {
    if (tables.has(file.number) || isReplaced(file.number)) continue;
    const has = isWithin({ after: undefined, last: undefined }, file);
    gaps.push({ has, isNamed: false, isOlderThan: (entry) => isNewer(entry, file) });
  }
  const { logNumber } = manifest;
  if (logNumber > 0 && !logs.includes(logNumber) && !isReplaced(logNumber)) {
    gaps.push({
      has: undefined,
      isNamed: false,
      isOlderThan: ({ level, number }) => level === -1 && number > logNumber,
    });
  }
  return gaps;
}
