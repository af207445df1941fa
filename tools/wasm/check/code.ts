// Checks of instructions and types.

import type { ValueType } from "../module.ts";
import { callCycle } from "./calls.ts";
import { type Check, type DecodedFunction, type Finding, findInstructions, finding, type Subject } from "./subject.ts";

const FIXED_MEMORY = "a memory of fixed size";
const INDIRECT: ReadonlySet<string> = new Set(["call_indirect", "return_call_indirect", "call_ref", "return_call_ref"]);
/** Types of blocks as `Immediates.block` has them. */
const BLOCK_TYPES: Readonly<Record<number, ValueType>> = {
  [-1]: "i32",
  [-2]: "i64",
  [-3]: "f32",
  [-4]: "f64",
  [-5]: "v128",
  [-16]: "funcref",
  [-17]: "externref",
};
const MVP_TYPES: ReadonlySet<ValueType> = new Set(["i32", "i64", "f32", "f64"]);
const isFloatType = (type: ValueType) => type === "f32" || type === "f64";

/** Every call names its function. */
export const checkIndirectCalls: Check = ({ functions }) =>
  findInstructions(functions, ({ name }) => INDIRECT.has(name), "calls of known functions only");

/** Runtimes may cut the memory down to `__heap_base`. */
export const checkMemoryGrowth: Check = ({ functions }) =>
  findInstructions(functions, ({ name }) => name === "memory.size" || name === "memory.grow", FIXED_MEMORY);

/** Runtimes that were built without any proposal can run the module. */
export const checkFeatures: Check = (subject) => {
  const { module, functions } = subject;
  const several = module.types.flatMap(({ results }, index) =>
    results.length > 1 ? [finding(`Found type ${index} with ${results.length} results, expected at most 1`)] : [],
  );
  const computed = module.globals
    .filter(({ init }) => init.kind === "other")
    .map((global) => finding("Found a computed initial value of a global, expected a single constant", global));
  return [
    ...findInstructions(functions, ({ feature }) => feature !== "MVP", "instructions of the first WebAssembly"),
    ...findTypes(subject, (type) => !MVP_TYPES.has(type), "i32, i64, f32 or f64"),
    ...several,
    ...functions.flatMap(findTypedBlock),
    ...computed,
    ...(module.hasDataCount ? [finding("Found a count of data segments (bulk memory), expected none")] : []),
  ];
};

/** The first block of a function that takes values, or makes more than one. */
function findTypedBlock({ name, fileOffset, instructions }: DecodedFunction): Finding[] {
  const typed = instructions.find(({ immediates: { block = -1 } }) => block >= 0);
  if (typed === undefined) return [];
  const message = `Found a block of type ${typed.immediates.block}, expected no parameters and at most 1 result`;
  return [{ message, offset: fileOffset + typed.offset, function: name }];
}

/** Runtimes without floats can run the module, and the bits are the same everywhere. */
export const checkFloats: Check = (subject) => [
  ...findInstructions(subject.functions, ({ isFloat }) => isFloat, "no floats"),
  ...findTypes(subject, isFloatType, "no floats"),
];

/** The depth of calls is bounded. */
export const checkRecursion: Check = ({ functions }) => {
  const cycle = callCycle(functions);
  const [first] = cycle;
  if (first === undefined) return [];
  const names = [...cycle, first].map(({ name }) => name).join(" → ");
  return [
    { message: `Found the calls ${names}, expected no recursion`, offset: first.fileOffset, function: first.name },
  ];
};

/** Finds types that break a property: in signatures, globals, locals and blocks. */
function findTypes(
  { module, functions }: Subject,
  isOffence: (type: ValueType) => boolean,
  expected: string,
): Finding[] {
  const types = module.types.flatMap(({ parameters, results }, index) => {
    const offence = [...parameters, ...results].find(isOffence);
    return offence === undefined ? [] : [finding(`Found ${offence} in type ${index}, expected ${expected}`)];
  });
  const globals = module.globals
    .filter(({ type }) => isOffence(type))
    .map((global) => finding(`Found a global of ${global.type}, expected ${expected}`, global));
  return [...types, ...globals, ...functions.flatMap((item) => findTypesInside(item, isOffence, expected))];
}

function findTypesInside(
  { name, fileOffset, locals, instructions }: DecodedFunction,
  isOffence: (type: ValueType) => boolean,
  expected: string,
): Finding[] {
  const findings: Finding[] = [];
  const local = locals.find(({ type }) => isOffence(type));
  if (local !== undefined) {
    const message = `Found locals of ${local.type}, expected ${expected}`;
    findings.push({ message, offset: fileOffset, function: name });
  }
  for (const { offset, name: opcode, immediates } of instructions) {
    const type = opcode === "ref.null" ? undefined : BLOCK_TYPES[immediates.block ?? 0];
    if (type === undefined || !isOffence(type)) continue;
    const message = `Found a ${opcode} of ${type}, expected ${expected}`;
    findings.push({ message, offset: fileOffset + offset, function: name });
    break;
  }
  return findings;
}
