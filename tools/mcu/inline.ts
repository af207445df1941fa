// A call with constant arguments, inlined: the body of the function with its parameters replaced by the constants. In an interpreter every operand of
// an instruction and every argument costs code in RAM, and a compiler folds the constants.

import { type Code, code } from "../wasm/encode.ts";
import { type Instruction, instructionsOf, isCloser, isOpener, mapCalls, rewriteBody } from "../wasm/instructions.ts";
import type { FunctionType, ValueType, WasmFunction } from "../wasm/module.ts";

/** A call of a library function. */
export interface ConstantCall {
  readonly source: WasmFunction;
  readonly type: FunctionType;
  /** One for each parameter; all are i32. */
  readonly args: readonly number[];
  /** New index of each function that the body calls. */
  callee(index: number): number;
}

/**
 * Appends the body of a function in the place of a call. It must not stand in a loop: locals are zero at their start only once.
 *
 * @param firstLocal  index of the first local that may be used
 * @returns types of the locals that it uses, from that one on
 */
export function inlineCall(into: Code, { source, type, args, callee }: ConstantCall, firstLocal: number): ValueType[] {
  const steps = [...instructionsOf(source.body)];
  const locals: ValueType[] = [];
  const places = new Map<number, number>();
  /** Ordinals of the instructions that read a parameter's constant. */
  const constants = new Map<number, number>();
  const types = [...type.parameters, ...source.locals.flatMap((run) => new Array<ValueType>(run.count).fill(run.type))];
  const scopes = scopesOf(steps);
  types.forEach((local, index) => {
    const arg = args[index];
    const use = useOf(index, steps, scopes);
    if (arg !== undefined) for (const ordinal of use.constantReads) constants.set(ordinal, arg);
    if (arg !== undefined && use.isConstant) return;
    const place = firstLocal + locals.length;
    places.set(index, place);
    locals.push(local);
    if (arg !== undefined && use.needsStart) into.i32(arg).set(place);
  });
  /** The label of the body itself: as many blocks are open. */
  const depth = (at: number): number => scopes[at]?.length ?? 0;
  const leaves = steps.some((step, i) => step.name === "return" || labelsOf(step).includes(depth(i)));
  if (leaves) into.block(type.results[0]);
  let ordinal = 0;
  // Calls first: their indices may take more bytes, but the instructions stay the same.
  const body = rewriteBody(mapCalls(source.body, callee), ({ name, immediates }) => {
    const at = ordinal++;
    if (name === "return") return fragment((c) => c.br(depth(at)));
    if (!name.startsWith("local.")) return undefined;
    const constant = constants.get(at);
    if (constant !== undefined) return fragment((c) => c.i32(constant));
    const place = places.get(immediates.index as number) as number;
    if (name === "local.get") return fragment((c) => c.get(place));
    return fragment((c) => (name === "local.tee" ? c.tee(place) : c.set(place)));
  });
  into.raw(body.subarray(0, -1));
  if (leaves) into.end();
  return locals;
}

/** Blocks around an instruction, from the outermost on, as ranges of ordinals. */
interface Scope {
  readonly name: string;
  readonly start: number;
  end: number;
}

function scopesOf(steps: readonly Instruction[]): readonly (readonly Scope[])[] {
  const open: Scope[] = [];
  return steps.map(({ name }, at) => {
    const around = [...open];
    if (isOpener(name)) open.push({ name, start: at, end: steps.length });
    else if (isCloser(name)) {
      const closed = open.pop();
      if (closed) closed.end = at;
    }
    return around;
  });
}

/** How a body uses a parameter that starts as a constant. */
interface Use {
  /** Ordinals of the reads that no write can come before. */
  readonly constantReads: readonly number[];
  /** Those are all its uses. */
  readonly isConstant: boolean;
  /** A read may still see the value that it starts with: not so when all uses left follow a write that nothing leads around. */
  readonly needsStart: boolean;
}

function useOf(index: number, steps: readonly Instruction[], scopes: readonly (readonly Scope[])[]): Use {
  const uses = steps.flatMap(({ name, immediates }, at) =>
    name.startsWith("local.") && immediates.index === index ? [{ at, write: isWrite(name) }] : [],
  );
  const writes = uses.filter(({ write }) => write).map(({ at }) => at);
  const isBefore = (at: number) =>
    !writes.some(
      (write) =>
        write < at ||
        (scopes[at] ?? []).some(({ name, start, end }) => name === "loop" && write > start && write < end),
    );
  const constantReads = uses.filter(({ at, write }) => !write && isBefore(at)).map(({ at }) => at);
  const first = uses.find(({ at }) => !constantReads.includes(at));
  const isCertain = first?.write === true && (scopes[first.at] ?? []).every(({ name }) => name === "loop");
  return { constantReads, isConstant: first === undefined, needsStart: first !== undefined && !isCertain };
}

const isWrite = (name: string): boolean => name === "local.set" || name === "local.tee";

const labelsOf = ({ immediates: { label, labels = [] } }: Instruction): readonly number[] =>
  label === undefined ? labels : [label];

/** The bytes of a few instructions. */
const fragment = (write: (into: Code) => Code): Uint8Array => write(code()).bytes().subarray(0, -1);
