// Reads whole files of the user, after asking what they are: a device, a pipe or many gigabytes must neither hang the
// program nor fill its memory.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Why a file is not read; the message does not name it. */
export class FileRefusal extends Error {
  override readonly name = "FileRefusal";
}

/** Opening must not wait for somebody to write into a pipe. Windows has neither the flag nor such pipes. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Bytes that `check` sees. */
const HEAD_BYTES = 4096;

/**
 * Reads a regular file of at most `maxBytes`; its kind and size are asked before a byte is read, and `check` may refuse its
 * first 4096 bytes before the rest is. Takes no longer than the disk does, so it does not return a promise.
 *
 * @throws {FileRefusal} for anything but a regular file, for one that is too large, and for one that shrinks meanwhile
 * @throws {Error} of the file system
 */
export function readRegularFile(
  path: string | URL,
  maxBytes: number,
  check: (head: Uint8Array) => void = () => {},
): Buffer {
  return withRegularFile(path, (file, size) => {
    if (size > maxBytes) throw new FileRefusal(`File has ${size} bytes, at most ${maxBytes} are accepted`);
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES));
    fill(file, head, 0);
    check(head);
    if (size === head.length) return head;
    const bytes = Buffer.alloc(size);
    head.copy(bytes);
    fill(file, bytes, head.length);
    return bytes;
  });
}

/**
 * Reads the first bytes of a regular file of any size, `count` at most.
 *
 * @throws {FileRefusal} for anything but a regular file, and for one that shrinks meanwhile
 * @throws {Error} of the file system
 */
export function readHead(path: string, count: number): Buffer {
  return withRegularFile(path, (file, size) => {
    const head = Buffer.alloc(Math.min(size, count));
    fill(file, head, 0);
    return head;
  });
}

function withRegularFile(path: string | URL, read: (file: number, size: number) => Buffer): Buffer {
  const file = openSync(path, FLAGS);
  try {
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw new FileRefusal("Is a directory, expected a file");
    if (!stat.isFile()) throw new FileRefusal("Is not a regular file");
    return read(file, stat.size);
  } finally {
    closeSync(file);
  }
}

/** Fills `bytes` from `start` on with what the file holds there. */
function fill(file: number, bytes: Buffer, start: number): void {
  for (let at = start; at < bytes.length; ) {
    const count = readSync(file, bytes, at, bytes.length - at, at);
    if (count === 0) throw new FileRefusal(`File ends at byte ${at}, expected ${bytes.length}; it changes meanwhile`);
    at += count;
  }
}
