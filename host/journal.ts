// The journal of systemd: sd-daemon(3), systemd.exec(5).

import { fstatSync } from "node:fs";

/** Standard error, which the log is written to. */
const STDERR = 2;

/**
 * Whether the journal of systemd reads standard error: it tells in `JOURNAL_STREAM` which stream it reads, since a program may have been
 * started with another.
 *
 * @param statOf  device and inode of a file descriptor
 */
export function isJournal(
  env: NodeJS.ProcessEnv,
  statOf: (descriptor: number) => { readonly dev: number; readonly ino: number } = fstatSync,
): boolean {
  if (!env.JOURNAL_STREAM) return false;
  try {
    const { dev, ino } = statOf(STDERR);
    return env.JOURNAL_STREAM === `${dev}:${ino}`;
  } catch {
    return false;
  }
}
