// Measurements of the functions of a module.

import type { Instruction } from "../instructions.ts";
import type { FunctionType, GlobalType, ValueType, WasmModule } from "../module.ts";
import { calleesFirst } from "./calls.ts";
import { greaterOf, NO_CALLS, type OperandStack, operandStackFor, operandStackOf } from "./operands.ts";
import { StackWalk } from "./stack.ts";
import type { DecodedFunction, Subject } from "./subject.ts";

/** What is measured of a function. */
export interface FunctionMeasures {
  readonly name: string;
  /** Bytes of its instructions. */
  readonly bytes: number;
  readonly instructions: number;
  /** Parameters and locals. */
  readonly locals: number;
  /** Most values on its operand stack. */
  readonly stack: number;
  /** 32-bit slots of parameters, locals and the fullest operand stack: an i64 or f64 takes two. */
  readonly slots: number;
  /** Its longest run alone, see `Measures.run`. */
  readonly run: number;
  /** Its longest run, with those of the functions that it calls. */
  readonly runWithCalls: number;
  /** Functions that are active at once, itself included. */
  readonly depth: number;
  /** Slots of all functions that are active at once. */
  readonly slotsWithCalls: number;
  /** Bytes of an interpreter's operand stack, with those of the functions that it calls. */
  readonly operands: OperandStack;
}

/** What is measured of a module. */
export interface Measures {
  /**
   * The longest straight-line run, in operations. An interpreter whose operations call each other, such as wasm3 where the C compiler has no
   * tail calls, keeps a native stack frame for every operation since the function began. It gives them back in two places: the jump back to the
   * start of a loop returns to the operation that began the loop, and the end of a function returns to the call. So the run up to an
   * instruction is the most operations on any way to it on which no jump goes back, and a run through a call is the run up to the call plus
   * that of the function, which is gone after it. Passing over a loop counts one of its rounds, the last.
   *
   * Operations are all instructions but those for which wasm3 usually executes nothing: local.get, constants, block, end, nop and drop.
   * Measured with wasm3 0.5.0 on x86-64 (gcc -Os -fno-optimize-sibling-calls): 16 bytes of native stack for each in straight code, 21 in passed
   * loops, 27 in if and else, and 80 for a call.
   */
  readonly run: number;
  /** Most functions that are active at once. */
  readonly depth: number;
  /** Most 32-bit slots for locals and operands over all functions that are active at once: what bounds the stack of an interpreter. */
  readonly slots: number;
  /** Bytes of operand stack to give an interpreter, for any call of an exported function. */
  readonly operands: OperandStack;
  /** By function, in the order of the module. */
  readonly functions: readonly FunctionMeasures[];
}

/** Slots of 32 bits that a value takes. */
const SLOTS: Readonly<Record<ValueType, number>> = {
  i32: 1,
  f32: 1,
  funcref: 1,
  externref: 1,
  i64: 2,
  f64: 2,
  v128: 4,
};

const slotsOf = (types: readonly ValueType[]) => types.map((type) => SLOTS[type]);

/** What indices stand for, imports included. */
interface Context {
  readonly functionTypes: readonly FunctionType[];
  /** Slots of each global. */
  readonly globals: readonly number[];
  readonly measured: Map<number, FunctionMeasures>;
}

/** Measures every function. The module has to be valid, of the first WebAssembly, without recursion and indirect calls. */
export function measureModule({ module, functions }: Subject): Measures {
  const context = contextOf(module);
  const { measured } = context;
  for (const item of calleesFirst(functions)) measured.set(item.index, measureFunction(context, item));
  const list = functions.flatMap(({ index }) => measured.get(index) ?? []);
  const most = (field: "runWithCalls" | "depth" | "slotsWithCalls") => maximum(list.map((item) => item[field]));
  const operands = operandStackFor(list.map((item) => item.operands).reduce(greaterOf, NO_CALLS));
  return { run: most("runWithCalls"), depth: most("depth"), slots: most("slotsWithCalls"), operands, functions: list };
}

function contextOf({ types, imports, functions, globals }: WasmModule): Context {
  const items = imports.map(({ item }) => item);
  const typeOf = ({ type }: { readonly type: number }) => types[type] ?? NO_TYPE;
  const sizeOf = ({ type }: GlobalType) => SLOTS[type];
  return {
    functionTypes: [...items.filter((item) => item.kind === "function"), ...functions].map(typeOf),
    globals: [...items.filter((item) => item.kind === "global"), ...globals].map(sizeOf),
    measured: new Map(),
  };
}

const NO_TYPE: FunctionType = { parameters: [], results: [] };

/** The largest of some numbers, 0 when there are none. */
const maximum = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, value), 0);

function measureFunction(context: Context, item: DecodedFunction): FunctionMeasures {
  const { name, type, locals, instructions, bytes } = item;
  const sizes = localSizes(item);
  const walk = new StackWalk(slotsOf(type.results));
  const called: FunctionMeasures[] = [];
  let runWithCalls = 0;
  for (const instruction of instructions) {
    const [pops, pushes] = effect(context, sizes, instruction);
    walk.step(instruction, pops, pushes);
    const callee = instruction.name === "call" ? context.measured.get(instruction.immediates.index ?? 0) : undefined;
    if (callee !== undefined) called.push(callee);
    runWithCalls = Math.max(runWithCalls, walk.run + (callee?.runWithCalls ?? 0));
  }
  const localCells = sizes.reduce((sum, size) => sum + size, 0);
  const slots = localCells + walk.mostSlots;
  const operands = operandStackOf({
    values: type.parameters.length + type.results.length,
    parameterCells: slotsOf(type.parameters).reduce((sum, size) => sum + size, 0),
    localCells,
    localRuns: locals.length,
    stackValues: walk.mostValues,
    stackCells: walk.mostSlots,
    instructions,
    called: called.map((callee) => callee.operands).reduce(greaterOf, NO_CALLS),
  });
  return {
    name,
    bytes,
    instructions: instructions.length,
    locals: type.parameters.length + locals.reduce((sum, { count }) => sum + count, 0),
    stack: walk.mostValues,
    slots,
    run: walk.longestRun,
    runWithCalls,
    depth: 1 + maximum(called.map(({ depth }) => depth)),
    slotsWithCalls: slots + maximum(called.map((callee) => callee.slotsWithCalls)),
    operands,
  };
}

/** Slots of each parameter and local. */
function localSizes({ type: { parameters }, locals }: DecodedFunction): Uint8Array {
  const runs = [...parameters.map((type) => ({ count: 1, type })), ...locals];
  const sizes = new Uint8Array(runs.reduce((sum, { count }) => sum + count, 0));
  let at = 0;
  for (const { count, type } of runs) {
    sizes.fill(SLOTS[type], at, at + count);
    at += count;
  }
  return sizes;
}

const LETTERS: Readonly<Record<string, number>> = { i: 1, f: 1, l: 2, d: 2 };

/** How many values an instruction pops, and the sizes of those it pushes; a size of 0 stands for that of the value popped last. */
function effect(context: Context, locals: Uint8Array, instruction: Instruction): readonly [number, readonly number[]] {
  const { name, opcode, immediates } = instruction;
  const { index = 0 } = immediates;
  if (name === "local.get") return [0, [locals[index] ?? 1]];
  if (name === "global.get") return [0, [context.globals[index] ?? 1]];
  if (name === "call") {
    const { parameters, results } = context.functionTypes[index] ?? NO_TYPE;
    return [parameters.length, slotsOf(results)];
  }
  if (opcode.stack === undefined) return [0, []];
  return [opcode.stack.pops.length, [...opcode.stack.pushes].map((letter) => LETTERS[letter] ?? 0)];
}
