// A walk through a valid body that keeps the operand stack and the longest run, as `Measures.run` defines it.

import type { Instruction } from "../instructions.ts";

interface Block {
  readonly isLoop: boolean;
  /** Values on the stack below the block. */
  readonly base: number;
  readonly results: readonly number[];
  /** Run at its start. */
  readonly entry: number;
  /** Longest run of what arrives at its end, by a branch, or past an `if` that has no `else`. */
  arriving: number;
  /** Whether it is an `if` whose `else` has not come yet. */
  hasOpenElse: boolean;
}

/** The run of code that nothing reaches. */
const UNREACHABLE = Number.NEGATIVE_INFINITY;

/** Instructions that are no operations. */
const FREE: ReadonlySet<string> = new Set([
  "local.get",
  "i32.const",
  "i64.const",
  "f32.const",
  "f64.const",
  "block",
  "end",
  "nop",
  "drop",
]);

/** Slots of the result of a block by `Immediates.block`: i32, i64, f32, f64. */
const BLOCK_RESULTS: Readonly<Record<number, readonly number[]>> = { [-1]: [1], [-2]: [2], [-3]: [1], [-4]: [2] };

/** Operand stack and run of a function, instruction by instruction. Values are their sizes in slots. */
export class StackWalk {
  readonly #blocks: Block[];
  readonly #values: number[] = [];
  #slots = 0;
  #run = 0;
  #mostValues = 0;
  #mostSlots = 0;
  #longestRun = 0;

  /** Starts at the first instruction of a function whose results have these sizes. */
  constructor(results: readonly number[]) {
    this.#blocks = [{ isLoop: false, base: 0, results, entry: 0, arriving: UNREACHABLE, hasOpenElse: false }];
  }

  /** Operations up to and with the last instruction; minus infinity when nothing reaches it. */
  get run(): number {
    return this.#run;
  }

  /** Operations of the longest run so far. */
  get longestRun(): number {
    return this.#longestRun;
  }

  /** Most values on the stack so far. */
  get mostValues(): number {
    return this.#mostValues;
  }

  /** Most slots of values on the stack so far. */
  get mostSlots(): number {
    return this.#mostSlots;
  }

  /**
   * Goes over an instruction.
   *
   * @param pops    how many values it takes, control instructions apart
   * @param pushes  sizes of the values it makes; 0 stands for the size of the value popped last
   */
  step(instruction: Instruction, pops: number, pushes: readonly number[]): void {
    if (!FREE.has(instruction.name)) this.#run++;
    this.#longestRun = Math.max(this.#longestRun, this.#run);
    let size = 1;
    for (let count = 0; count < pops; count++) size = this.#pop();
    for (const pushed of pushes) this.#push(pushed === 0 ? size : pushed);
    this.#control(instruction);
  }

  #control({ name, immediates: { block = 0, label = 0, labels = [] } }: Instruction): void {
    switch (name) {
      case "if":
        this.#pop();
        this.#open(name, block);
        break;
      case "block":
      case "loop":
        this.#open(name, block);
        break;
      case "else":
        this.#else();
        break;
      case "end":
        this.#end();
        break;
      case "br_if":
        this.#branch(label);
        break;
      case "br":
        this.#branch(label);
        this.#stop();
        break;
      case "br_table":
        this.#pop();
        for (const each of labels) this.#branch(each);
        this.#stop();
        break;
      case "return":
      case "unreachable":
        this.#stop();
        break;
    }
  }

  #open(name: string, block: number): void {
    this.#blocks.push({
      isLoop: name === "loop",
      base: this.#values.length,
      results: BLOCK_RESULTS[block] ?? [],
      entry: this.#run,
      arriving: UNREACHABLE,
      hasOpenElse: name === "if",
    });
  }

  #else(): void {
    const block = this.#blocks.at(-1);
    if (block === undefined) return;
    block.hasOpenElse = false;
    block.arriving = Math.max(block.arriving, this.#run);
    this.#cut(block.base);
    this.#run = block.entry;
  }

  #end(): void {
    const block = this.#blocks.pop();
    if (block === undefined) return;
    this.#cut(block.base);
    for (const size of block.results) this.#push(size);
    this.#run = Math.max(this.#run, block.arriving, block.hasOpenElse ? block.entry : UNREACHABLE);
  }

  /** A branch forward arrives at the end of its block; one back to a loop ends the run. */
  #branch(label: number): void {
    const block = this.#blocks.at(-1 - label);
    if (block !== undefined && !block.isLoop) block.arriving = Math.max(block.arriving, this.#run);
  }

  /** What follows is reached by branches only. */
  #stop(): void {
    this.#cut(this.#blocks.at(-1)?.base ?? 0);
    this.#run = UNREACHABLE;
  }

  #push(size: number): void {
    this.#values.push(size);
    this.#slots += size;
    this.#mostValues = Math.max(this.#mostValues, this.#values.length);
    this.#mostSlots = Math.max(this.#mostSlots, this.#slots);
  }

  /** Pops a value; behind code that never goes on, there may be none, and any is right. */
  #pop(): number {
    if (this.#values.length <= (this.#blocks.at(-1)?.base ?? 0)) return 1;
    const size = this.#values.pop() ?? 1;
    this.#slots -= size;
    return size;
  }

  #cut(length: number): void {
    while (this.#values.length > length) this.#slots -= this.#values.pop() ?? 0;
  }
}
