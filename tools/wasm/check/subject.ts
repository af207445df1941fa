// What the checks look at, and what they find.

import { type Instruction, instructionsOf } from "../instructions.ts";
import { type FunctionType, importedCount, type LocalRun, type WasmModule } from "../module.ts";
import { functionNames } from "../names.ts";
import type { Opcode } from "../opcodes.ts";

/** A function with its instructions. */
export interface DecodedFunction {
  readonly index: number;
  readonly name: string;
  readonly type: FunctionType;
  readonly locals: readonly LocalRun[];
  readonly instructions: readonly Instruction[];
  /** Where its first instruction stands in the file. */
  readonly fileOffset: number;
  /** Bytes of its instructions. */
  readonly bytes: number;
}

/** A module that was read. */
export interface Subject {
  readonly bytes: Uint8Array;
  readonly module: WasmModule;
  readonly functions: readonly DecodedFunction[];
}

/** One place where a module breaks a property. */
export interface Finding {
  /** What was found and what was expected. */
  readonly message: string;
  /** The byte of the file. */
  readonly offset?: number;
  /** The function, when it is in one. */
  readonly function?: string;
}

/** Answers what breaks a property, nothing when the module has it; undefined when that cannot be told because of what other checks find. */
export type Check = (subject: Subject) => readonly Finding[] | undefined;

/** Makes a finding about an item of a module. */
export const finding = (message: string, { fileOffset }: { readonly fileOffset?: number } = {}): Finding =>
  fileOffset === undefined ? { message } : { message, offset: fileOffset };

const NO_TYPE: FunctionType = { parameters: [], results: [] };

/**
 * Decodes every function of a module. A function whose type is not there, which makes the module invalid, gets an empty one.
 *
 * @throws {WasmError} when instructions are not known or damaged
 */
export function decodeFunctions(module: WasmModule): DecodedFunction[] {
  const first = importedCount(module, "function");
  const nameOf = functionNames(module);
  return module.functions.map(({ type, locals, body, fileOffset = 0 }, at) => ({
    index: first + at,
    name: nameOf(first + at),
    type: module.types[type] ?? NO_TYPE,
    locals,
    instructions: [...instructionsOf(body, fileOffset)],
    fileOffset,
    bytes: body.length,
  }));
}

/** Finds the instructions that break a property: one finding for each of their names in each function, at the first. */
export function findInstructions(
  functions: readonly DecodedFunction[],
  isOffence: (opcode: Opcode) => boolean,
  expected: string,
): Finding[] {
  return functions.flatMap(({ name, fileOffset, instructions }) => {
    const places = new Map<Opcode, { readonly first: number; count: number }>();
    for (const { opcode, offset } of instructions) {
      if (!isOffence(opcode)) continue;
      const place = places.get(opcode);
      if (place === undefined) places.set(opcode, { first: offset, count: 1 });
      else place.count++;
    }
    return [...places].map(([opcode, { first, count }]) => ({
      message: `Found ${describe(opcode)}${count > 1 ? ` ${count} times` : ""}, expected ${expected}`,
      offset: fileOffset + first,
      function: name,
    }));
  });
}

const describe = ({ name, feature }: Opcode) => (feature === "MVP" ? name : `${name} (${feature})`);
