// The machine: where the state goes, and its clock.

import { access, constants, open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { describeExposure } from "../../host/store/directory.ts";
import { freeBytes } from "../../host/store/space.ts";
import { type Finding, fault, note, ok } from "./finding.ts";

const LEAST_FREE = 64 * 1024 * 1024;
const SLOW_COMMIT_MS = 50;
const WRITES = 10;

/** What is measured of a disk. */
export interface DiskMeasures {
  /** Bytes that are free; undefined where the system does not say. */
  readonly freeBytes: (directory: string) => Promise<number | undefined>;
  /** Median time of a small write that has reached the disk. */
  readonly commitMs: (directory: string) => Promise<number>;
}

/**
 * Where the state goes: whether it can be written, its space, and how long a commit takes.
 *
 * @param measures  default: those of this machine
 */
export async function tryDirectory(
  directory: string | undefined,
  { freeBytes, commitMs }: DiskMeasures = MEASURES,
): Promise<Finding[]> {
  if (directory === undefined) {
    return [note("the state is kept in memory: it is lost when the process ends", "state: { directory: ./state }")];
  }
  const place = await nearestDirectory(directory);
  const where = place === directory ? directory : `${directory} (not made yet)`;
  try {
    await access(place, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [
      fault(`${where}: ${place} cannot be written by this user`, "chown it, or name another one in state.directory"),
    ];
  }
  const free = await freeBytes(place);
  const ms = await commitMs(place);
  const text = `${where}: ${free === undefined ? "unknown space" : `${megabytes(free)} free`}, a write to the disk takes ${ms.toFixed(1)} ms`;
  const findings: Finding[] = [];
  if (free !== undefined && free < LEAST_FREE) findings.push(fault(`${text}: it will soon be full`, "make room"));
  else if (ms > SLOW_COMMIT_MS) {
    findings.push(note(text, "with durability: power, state: { interval: 10 } spares a slow disk (docs/delivery.md)"));
  } else findings.push(ok(text));
  const exposure = place === directory ? await describeExposure(directory) : undefined;
  return exposure === undefined ? findings : [...findings, note(exposure)];
}

const megabytes = (bytes: number): string =>
  bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.round(bytes / 2 ** 20)} MB`;

async function nearestDirectory(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    const found = await stat(place).catch(() => undefined);
    if (found?.isDirectory() || place === dirname(place)) return place;
  }
}

/** The median time of a small write that has reached the disk. */
async function commitMs(directory: string): Promise<number> {
  const path = join(directory, `.rivulet-doctor-${process.pid}`);
  const file = await open(path, "w", 0o600);
  try {
    const times: number[] = [];
    for (let i = 0; i < WRITES; i++) {
      const started = performance.now();
      await file.write(Buffer.alloc(4096, i));
      await file.datasync();
      times.push(performance.now() - started);
    }
    return times.sort((a, b) => a - b)[WRITES / 2] as number;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

const MEASURES: DiskMeasures = { freeBytes, commitMs };

/** Days by which a clock may differ from the dates of files without a word. */
const DAY_MS = 86_400_000;
const SYNCHRONIZED = "/run/systemd/timesync/synchronized";

/**
 * Whether the clock can be right: not before the file of the configuration was written, and set by a time service where systemd tells.
 *
 * @param timesync  file that systemd makes when it has set the clock, in a folder that it makes when it runs
 */
export async function tryClock(file: string, now: number, timesync = SYNCHRONIZED): Promise<Finding[]> {
  const { mtimeMs } = await stat(file);
  const time = new Date(now).toISOString();
  if (now < mtimeMs - DAY_MS) {
    const text = `the clock says ${time}, and ${file} was written ${new Date(mtimeMs).toISOString()}`;
    return [fault(`${text}: the clock is behind`, "start a time service, as systemd-timesyncd or chrony")];
  }
  const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
  if ((await isThere(dirname(timesync))) && !(await isThere(timesync))) {
    return [note(`the clock says ${time}, and systemd-timesyncd has not set it yet`, "timedatectl status")];
  }
  return [ok(`the clock says ${time}`)];
}
