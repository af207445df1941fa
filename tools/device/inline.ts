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
  const written = new Set(steps.flatMap(({ name, immediates }) => (isWrite(name) ? [immediates.index as number] : [])));
  const locals: ValueType[] = [];
  const places = new Map<number, number>();
  const types = [...type.parameters, ...source.locals.flatMap((run) => new Array<ValueType>(run.count).fill(run.type))];
  types.forEach((local, index) => {
    const arg = args[index];
    // A parameter that the body never writes is its constant wherever it is read.
    if (arg !== undefined && !written.has(index)) return;
    const place = firstLocal + locals.length;
    places.set(index, place);
    locals.push(local);
    if (arg !== undefined) into.i32(arg).set(place);
  });
  const depths = depthsOf(steps);
  const leaves = steps.some((step, i) => step.name === "return" || labelsOf(step).includes(depths[i] as number));
  if (leaves) into.block(type.results[0]);
  let ordinal = 0;
  // Calls first: their indices may take more bytes, but the instructions stay the same.
  const body = rewriteBody(mapCalls(source.body, callee), ({ name, immediates }) => {
    const depth = depths[ordinal++] as number;
    if (name === "return") return fragment((c) => c.br(depth));
    if (!name.startsWith("local.")) return undefined;
    const index = immediates.index as number;
    const place = places.get(index);
    if (place === undefined) return fragment((c) => c.i32(args[index] as number));
    if (name === "local.get") return fragment((c) => c.get(place));
    return fragment((c) => (name === "local.tee" ? c.tee(place) : c.set(place)));
  });
  into.raw(body.subarray(0, -1));
  if (leaves) into.end();
  return locals;
}

const isWrite = (name: string): boolean => name === "local.set" || name === "local.tee";

const labelsOf = ({ immediates: { label, labels = [] } }: Instruction): readonly number[] =>
  label === undefined ? labels : [label];

/** How many blocks of the body are open at each instruction: the label of the body itself. */
function depthsOf(steps: readonly Instruction[]): number[] {
  let depth = 0;
  return steps.map(({ name }) => {
    const before = depth;
    if (isOpener(name)) depth++;
    else if (isCloser(name)) depth--;
    return before;
  });
}

/** The bytes of a few instructions. */
const fragment = (write: (into: Code) => Code): Uint8Array => write(code()).bytes().subarray(0, -1);
