import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, constants, type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { loadModel } from "../host/load-file.ts";
import { ModelFormatError } from "../host/model/errors.ts";
import { MAX_FILE_BYTES } from "../host/model/limits.ts";
import type { Model } from "../host/model/types.ts";
import { FileRefusal, readHead, readRegularFile } from "../host/regular-file.ts";
import { CliError, UsageError } from "./errors.ts";
import type { Io } from "./io.ts";

/**
 * Reads a model file and, unless told not to, runs its self-test.
 *
 * @throws {CliError} with the path, when the file cannot be read or is no model
 */
export async function readModel(path: string, options: { readonly verify: boolean }): Promise<Model> {
  try {
    return await loadModel(path, options);
  } catch (error) {
    if (error instanceof ModelFormatError && error.field === path) throw error; // it names the path
    if (error instanceof ModelFormatError || isSystemError(error)) throw fileError(path, error);
    throw error;
  }
}

/** A stream of bytes with the name that error messages give it. */
export interface Input {
  readonly source: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opens a file, or standard input for `-`; its chunks end early when `io.signal` is aborted. */
export function openInput(path: string, io: Io): Input {
  if (path !== "-")
    return { source: path, chunks: readChunks(createReadStream(path, { highWaterMark: 1 << 18 }), path, io) };
  if (io.stdin === undefined) throw new UsageError("There is no standard input to read samples from");
  return { source: "stdin", chunks: readChunks(io.stdin, "stdin", io) };
}

async function* readChunks(stream: Readable, source: string, { signal }: Io): AsyncGenerator<Uint8Array> {
  const stop = () => stream.destroy();
  if (signal?.aborted) return stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    // Destroying a stream makes its reader fail.
    if (signal?.aborted) return;
    throw isSystemError(error) ? fileError(source, error) : error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** How {@link readUserFile} reads. */
export interface ReadOptions {
  /** Greatest size, bytes; 512 MiB by default. */
  readonly maxBytes?: number;
  /** May refuse the first 4096 bytes, before the rest is read. */
  readonly check?: (head: Uint8Array) => void;
}

/**
 * Reads a whole regular file.
 *
 * @throws {CliError} with the path: when it cannot be read, is no regular file, or is larger than `maxBytes`
 */
export function readUserFile(path: string, options: ReadOptions = {}): Uint8Array {
  return orFileError(path, () => readRegularFile(path, options.maxBytes ?? MAX_FILE_BYTES, options.check));
}

/**
 * Reads the first bytes of a regular file of any size, `count` at most.
 *
 * @throws {CliError} with the path, when it cannot be read or is no regular file
 */
export function readUserFileHead(path: string, count: number): Uint8Array {
  return orFileError(path, () => readHead(path, count));
}

function orFileError<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof FileRefusal || isSystemError(error) ? fileError(path, error) : error;
  }
}

/** As `readUserFile`; undefined when there is no such file. */
export function readFileIfExists(path: string, options: ReadOptions = {}): Uint8Array | undefined {
  try {
    return readUserFile(path, options);
  } catch (error) {
    if (error instanceof CliError && isSystemError(error.cause) && error.cause.code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * Replaces the file at `path` as a whole: whatever happens, either its old content is there or the new one. The new file has
 * the mode of the old one. It is written under a random name that nobody can have prepared, in the same folder.
 *
 * @throws {CliError} with the path
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path).slice(0, 100)}.${randomBytes(8).toString("hex")}.tmp`);
  let isOurs = false;
  try {
    const target = await stat(path).catch(() => undefined);
    // Renaming onto /dev/null would replace the device.
    if (target?.isFile() === false) throw notRegular(path);
    // "wx" follows no link and takes no file that is there.
    const file = await open(temporary, "wx", 0o666);
    isOurs = true;
    await fillAndClose(file, bytes, target?.mode);
    await rename(temporary, path);
    isOurs = false;
    await syncFolder(folder);
  } catch (error) {
    if (isOurs) await rm(temporary, { force: true });
    throw isSystemError(error) ? fileError(path, error) : error;
  }
}

async function fillAndClose(file: FileHandle, bytes: Uint8Array, mode: number | undefined): Promise<void> {
  try {
    if (mode !== undefined) await file.chmod(mode & 0o7777);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename last through a power cut, where the system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.R_OK).catch(() => undefined);
  try {
    await handle?.sync();
  } catch (error) {
    // Windows and some network file systems cannot; the file itself is written.
    if (!isSystemError(error)) throw error;
  } finally {
    await handle?.close();
  }
}

/**
 * Makes sure that a file can be written at `path` later, before much work is done for it.
 *
 * @throws {CliError} with the path
 */
export async function checkWritable(path: string): Promise<void> {
  const target = await stat(path).catch(() => undefined);
  if (target?.isFile() === false) throw notRegular(path);
  const folder = dirname(path);
  try {
    await access(`${folder}/.`, constants.W_OK); // with the point, a file is no folder
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const missing = error.code === "ENOENT" || error.code === "ENOTDIR";
    throw missing ? new CliError(`${path}: There is no folder ${folder}`, { cause: error }) : fileError(path, error);
  }
}

function notRegular(path: string): CliError {
  return new CliError(`${path}: Is not a regular file`);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && "syscall" in error;
}

function fileError(path: string, error: Error): CliError {
  return new CliError(`${path}: ${isSystemError(error) ? systemText(error) : error.message}`, { cause: error });
}

/** "ENOENT: no such file or directory, open 'x'" as "No such file or directory (ENOENT)". */
function systemText(error: NodeJS.ErrnoException): string {
  if (error.code === "EISDIR") return "Is a directory, expected a file";
  const text = error.message.replace(/^\w+: /, "").replace(/, \w+( .*)?$/, "");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} (${error.code})`;
}
