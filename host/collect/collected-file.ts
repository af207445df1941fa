import { constants } from "node:fs";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { timeOfRow } from "./rows.ts";

// What the state store keeps of a file of collected readings, as JSON:
//
//   end   bytes that are committed; what lies behind them is cut off at the start
//   cut   there when the next thing to do is to put the shortened copy in place of the file: its bytes
//
// The copy is complete before `cut` is committed, and gone, by the rename, before `end` of the new file is. So at the start a
// `cut` with a copy means that the file is still the old one, a `cut` without a copy that it is the new one.

/** What is committed of a file. */
export interface FileRecord {
  readonly end: number;
  readonly cut?: number;
}

/** Where the rows begin that are to stay. */
export interface CutPlace {
  readonly from: number;
  /** Of the first row that stays, Unix milliseconds; undefined when none does. */
  readonly time: number | undefined;
}

/** Readings and the like are nobody else's business. */
const PRIVATE = 0o600;
const CHUNK = 65_536;
/** Longest row that is looked at for its time, which stands at its beginning. */
const TIME_BYTES = 64;

/** A file that only grows at its end and is shortened at its beginning, each by what is committed elsewhere. */
export class CollectedFile {
  readonly path: string;
  readonly header: Uint8Array;
  #file: FileHandle;
  #end: number;

  private constructor(path: string, header: Uint8Array, file: FileHandle, end: number) {
    this.path = path;
    this.header = header;
    this.#file = file;
    this.#end = end;
  }

  /**
   * Opens a file, or makes it, and cuts off what is not committed. A copy of it stays until `dropCopy`, which has to wait for the
   * commit of where the file ends.
   *
   * @param record  undefined: nothing is known of the file, and all of it stays
   * @returns the file, and in words what is not as it was left
   */
  static async open(
    path: string,
    header: Uint8Array,
    record: FileRecord | undefined,
  ): Promise<{ readonly file: CollectedFile; readonly problem: string | undefined }> {
    const isReplaced = record?.cut !== undefined && !(await isThere(copyOf(path)));
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, PRIVATE);
    const { size } = await handle.stat();
    const expected = isReplaced ? record.cut : record?.end;
    const end = expected === undefined || size < expected ? await lastLine(handle, size) : expected;
    if (size > end) await handle.truncate(end);
    const file = new CollectedFile(path, header, handle, end);
    const problem = describeEnd(path, size, expected, end);
    if (end === 0 || (await file.#hasHeader())) return { file, problem };
    // Columns of other inputs: both are worth keeping.
    const aside = path.replace(/(\.csv)?$/, `-${new Date().toISOString().replaceAll(":", "-")}.csv`);
    await handle.close();
    await rename(path, aside);
    const anew = await open(path, constants.O_RDWR | constants.O_CREAT, PRIVATE);
    const moved = `${path} has other columns: it is kept as ${aside}, and a new one begins`;
    return { file: new CollectedFile(path, header, anew, 0), problem: moved };
  }

  /** Bytes that were written, header included. */
  get end(): number {
    return this.#end;
  }

  /** Answers the time of the first row; undefined when there is none. */
  async firstTime(): Promise<number | undefined> {
    if (this.#end <= this.header.length) return undefined;
    const bytes = new Uint8Array(TIME_BYTES);
    await this.#file.read(bytes, 0, TIME_BYTES, this.header.length);
    return timeOfRow(bytes);
  }

  /** Writes at a place, behind which the file ends then; writing it again changes nothing. */
  async write(at: number, bytes: Uint8Array, isSynced: boolean): Promise<void> {
    await writeAll(this.#file, bytes, at);
    if (isSynced) await this.#file.datasync();
    this.#end = at + bytes.length;
  }

  /** Finds the first row behind `least` bytes that is of `limit` or later. */
  async findCut(limit: number, least: number): Promise<CutPlace> {
    const end = this.#end;
    let rest = Buffer.alloc(0);
    for (let at = this.header.length; at < end; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK, end - at));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      const text = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      const start = at - rest.length;
      let row = 0;
      for (let feed = text.indexOf(0x0a); feed >= 0; row = feed + 1, feed = text.indexOf(0x0a, row)) {
        const time = timeOfRow(text.subarray(row, Math.min(feed, row + TIME_BYTES)));
        if (start + row >= least && time !== undefined && time >= limit) return { from: start + row, time };
      }
      rest = text.subarray(row);
      at += bytesRead;
    }
    return { from: end, time: undefined };
  }

  /** Makes the copy without the rows before `from`, up to `end`. */
  async makeCopy(from: number, end: number): Promise<void> {
    const copy = await open(copyOf(this.path), "w", PRIVATE);
    try {
      await writeAll(copy, this.header, 0);
      await this.#copyInto(copy, from, end, this.header.length);
    } finally {
      await copy.close();
    }
  }

  /** Adds to the copy what was written behind `done` since. */
  async extendCopy(from: number, done: number, isSynced: boolean): Promise<void> {
    const copy = await open(copyOf(this.path), "r+", PRIVATE);
    try {
      await this.#copyInto(copy, done, this.#end, this.header.length + done - from);
      if (isSynced) await copy.datasync();
    } finally {
      await copy.close();
    }
  }

  /** Puts the copy in place of the file; when it throws, nothing has changed. */
  async replace(): Promise<void> {
    const copy = await open(copyOf(this.path), "r+", PRIVATE);
    try {
      await rename(copyOf(this.path), this.path);
    } catch (error) {
      await copy.close();
      throw error;
    }
    await this.#file.close();
    this.#file = copy;
    this.#end = (await copy.stat()).size;
  }

  /** Drops a copy that is not wanted. */
  async dropCopy(): Promise<void> {
    await rm(copyOf(this.path), { force: true });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #copyInto(copy: FileHandle, from: number, end: number, to: number): Promise<void> {
    const chunk = Buffer.alloc(CHUNK);
    for (let at = from; at < end; ) {
      const { bytesRead } = await this.#file.read(chunk, 0, Math.min(CHUNK, end - at), at);
      if (bytesRead === 0) break;
      await writeAll(copy, chunk.subarray(0, bytesRead), to + at - from);
      at += bytesRead;
    }
  }

  async #hasHeader(): Promise<boolean> {
    const bytes = Buffer.alloc(this.header.length);
    await this.#file.read(bytes, 0, bytes.length, 0);
    return bytes.equals(this.header);
  }
}

const copyOf = (path: string): string => `${path}.new`;

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
}

function describeEnd(path: string, size: number, expected: number | undefined, end: number): string | undefined {
  if (expected === undefined) {
    return size === 0 ? undefined : `${path} is there and the state directory knows nothing of it: it goes on`;
  }
  if (size >= expected) return undefined;
  return size === 0
    ? `${path} is gone: a new one begins`
    : `${path} has ${size} of ${expected} bytes, as after a loss of power: it goes on behind ${end}`;
}

/** A write may take a part only, as on a disk that is nearly full. */
async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

/** Answers where the last whole line ends. */
async function lastLine(file: FileHandle, size: number): Promise<number> {
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK);
    const chunk = Buffer.alloc(end - start);
    await file.read(chunk, 0, chunk.length, start);
    const feed = chunk.lastIndexOf(0x0a);
    if (feed >= 0) return start + feed + 1;
    end = start;
  }
  return 0;
}
