// The operand stack that interpreters must be given for a module: the frames of all functions that are active at once, in bytes.
//
// Bounds from above, from the module alone; test/runtimes/operand-stack.test.ts compares wasm3's with what wasm3 itself needs.

import type { Instruction } from "../instructions.ts";

/** What is known of a function before its frame. */
export interface FrameParts {
  /** 32-bit cells of its parameters and of its results, an i64 takes two. */
  readonly parameterCells: number;
  /** Values that it takes and answers. */
  readonly values: number;
  /** 32-bit cells of parameters and locals. */
  readonly localCells: number;
  /** Runs of locals of one type. */
  readonly localRuns: number;
  /** Most values on its operand stack, and most 32-bit cells. */
  readonly stackValues: number;
  readonly stackCells: number;
  readonly instructions: readonly Instruction[];
  /** The greatest of those whom it calls. */
  readonly called: OperandStack;
}

/** Bytes of operand stack by interpreter. */
export interface OperandStack {
  /** wasm3, with the table of constants of tools/firmware/wasm3-cortex-m/rivulet_m3_config.h. */
  readonly wasm3: number;
  /** WAMR with pointers of 32 bits, whichever of its two interpreters takes more. */
  readonly wamr: number;
}

/** What a function without calls adds. */
export const NO_CALLS: OperandStack = { wasm3: 0, wamr: 0 };

/** Cells of a frame for constants: d_m3MaxConstantTableSize of the firmware, 20, and one more where the last takes two; in pairs. */
const WASM3_CONSTANTS = 22;

/** Head of a frame of WAMR's classic interpreter, nine pointers, and an entry of its stack of blocks, four (WASMInterpFrame, WASMBranchBlock). */
const WAMR_HEAD = 36;
const WAMR_BLOCK = 16;

/** Head of a frame of the fast one, which has no blocks but all constants of the function. */
const WAMR_FAST_HEAD = 20;

/** Bytes that a call from outside takes in WAMR: a frame with two cells for the result. */
const WAMR_ENTRY = WAMR_HEAD + 8;

/** A multiple of 8: both interpreters hand out cells in pairs. */
const even = (cells: number): number => cells + (cells & 1);

/** The stack of a function with those whom it calls. */
export function operandStackOf(parts: FrameParts): OperandStack {
  const { values, localCells, localRuns, parameterCells, stackValues, stackCells, instructions, called } = parts;
  // Results and parameters in pairs, locals with a gap where a run of i64 begins, constants, then pairs for whatever is on the stack.
  const locals = localCells - parameterCells + localRuns;
  const frame = 2 * values + even(locals) + WASM3_CONSTANTS + 2 * stackValues;
  const cells = 4 * (localCells + stackCells);
  const classic = WAMR_HEAD + cells + WAMR_BLOCK * deepestBlock(instructions);
  const wamr = Math.max(classic, WAMR_FAST_HEAD + cells + 4 * constantCells(instructions));
  // WAMR makes a frame only where twice its size is free.
  return { wasm3: 4 * frame + called.wasm3, wamr: wamr + Math.max(wamr, called.wamr) };
}

/** Bytes for a call from outside, by what the exported functions need: rounded up to 64, with what the interpreters need themselves. */
export function operandStackFor({ wasm3, wamr }: OperandStack): OperandStack {
  const rounded = (bytes: number): number => 64 * Math.ceil(bytes / 64);
  // wasm3 refuses a frame that ends where its stack ends, and starts a cell further.
  return { wasm3: rounded(wasm3 + 8), wamr: rounded(wamr + WAMR_ENTRY) };
}

/** The greater of both, one by one. */
export const greaterOf = (a: OperandStack, b: OperandStack): OperandStack => ({
  wasm3: Math.max(a.wasm3, b.wasm3),
  wamr: Math.max(a.wamr, b.wamr),
});

/** 32-bit cells of the constants of a function, each value once. */
function constantCells(instructions: readonly Instruction[]): number {
  const constants = instructions.filter(({ name }) => name.endsWith(".const"));
  const different = new Set(constants.map(({ name, immediates: { value } }) => `${name} ${value}`));
  return [...different].reduce((cells, text) => cells + (text[1] === "6" ? 2 : 1), 0);
}

/** Blocks that are open at once, the function itself included. */
function deepestBlock(instructions: readonly Instruction[]): number {
  let [depth, deepest] = [1, 1];
  for (const { name } of instructions) {
    if (name === "block" || name === "loop" || name === "if") depth++;
    else if (name === "end") depth--;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
