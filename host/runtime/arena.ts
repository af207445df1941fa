// Blocks of one size in the memory of a kernel instance. The memory grows by doubling the number of blocks, and freed blocks are used
// again, so creating and releasing sessions does not leak.

const PAGE_BYTES = 65536;

/** Fixed-size blocks of linear memory. */
export class Arena {
  readonly #memory: WebAssembly.Memory;
  readonly #blockBytes: number;
  readonly #free: number[] = [];
  #next: number;
  #end: number;

  /**
   * @param start first address of the arena; all memory above it is the arena's
   * @param blockBytes size of a block, a multiple of 16
   */
  constructor(memory: WebAssembly.Memory, start: number, blockBytes: number) {
    this.#memory = memory;
    this.#blockBytes = blockBytes;
    this.#next = start;
    this.#end = memory.buffer.byteLength;
  }

  /**
   * Takes a block; its contents are undefined. May grow the memory, which detaches every view of it.
   *
   * @throws {RangeError} when the memory cannot grow
   */
  take(): number {
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#next + this.#blockBytes > this.#end) this.#grow();
    const address = this.#next;
    this.#next += this.#blockBytes;
    return address;
  }

  /** Gives a block back. */
  give(address: number): void {
    this.#free.push(address);
  }

  #grow(): void {
    const wanted = Math.max(this.#blockBytes, Math.min(this.#end, 16 * 1024 * 1024));
    this.#memory.grow(Math.ceil(wanted / PAGE_BYTES));
    this.#end = this.#memory.buffer.byteLength;
  }
}
