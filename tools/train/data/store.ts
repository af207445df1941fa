// Blocks of rows: in memory as long as they are few, then in a file that has no name.

import { randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

/** Rows of a block. */
export const BLOCK_ROWS = 256;
/** Bytes of blocks that are kept in memory. */
const MAX_MEMORY = 1 << 23;

/** Rows of f32 values in blocks of {@link BLOCK_ROWS} rows, written once and read at random, in bounded memory. */
export class RowStore {
  /** Values in a row. */
  readonly width: number;
  readonly #folder: string;
  readonly #maxMemory: number;
  #memory: Float32Array[] | undefined = [];
  #count = 0;
  #file: { readonly handle: number; readonly name: string } | undefined;

  /**
   * @param folder  where the file is made when memory does not do
   * @param maxMemory  bytes of blocks that are kept in memory
   */
  constructor(width: number, folder: string, maxMemory = MAX_MEMORY) {
    this.width = width;
    this.#folder = folder;
    this.#maxMemory = maxMemory;
  }

  /** Whether rows are in a file. */
  get isOnDisk(): boolean {
    return this.#file !== undefined;
  }

  get #blockBytes(): number {
    return 4 * BLOCK_ROWS * this.width;
  }

  /** Keeps the first `rows` rows of a block, which may be reused afterwards; answers the number of the block. */
  append(block: Float32Array, rows: number): number {
    const values = block.subarray(0, rows * this.width);
    if (this.#memory !== undefined && (this.#count + 1) * this.#blockBytes > this.#maxMemory) this.#moveToFile();
    if (this.#memory === undefined) this.#write(this.#count, values);
    else this.#memory.push(values.slice());
    return this.#count++;
  }

  /** Copies rows of a block, from row `from` on, as many as `into` holds. */
  read(block: number, from: number, into: Float32Array): void {
    if (this.#memory !== undefined) {
      into.set((this.#memory[block] as Float32Array).subarray(from * this.width, from * this.width + into.length));
      return;
    }
    const at = block * this.#blockBytes + 4 * from * this.width;
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#handle, bytes, done, bytes.length - done, at + done);
      if (count === 0) throw new Error(`Block ${block} of the rows ends early`);
      done += count;
    }
  }

  /** Frees what it holds. */
  close(): void {
    if (this.#file !== undefined) {
      closeSync(this.#file.handle);
      rmSync(this.#file.name, { force: true });
    }
    this.#memory = undefined;
  }

  get #handle(): number {
    return (this.#file as { handle: number }).handle;
  }

  #moveToFile(): void {
    const name = path.join(this.#folder, `.rivulet-rows-${randomBytes(8).toString("hex")}.tmp`);
    this.#file = { handle: openSync(name, "wx+", 0o600), name };
    // Without a name it is gone with the process, however that ends; a system that keeps open files named has it removed by close.
    if (process.platform !== "win32") rmSync(name);
    for (const [index, values] of (this.#memory ?? []).entries()) this.#write(index, values);
    this.#memory = undefined;
  }

  #write(index: number, values: Float32Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#handle, bytes, done, bytes.length - done, index * this.#blockBytes + done);
    }
  }
}
