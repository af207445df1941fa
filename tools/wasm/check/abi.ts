// Checks of the exports that `rivulet build` promises to embedders.

import { importedCount, type ValueType, type WasmModule } from "../module.ts";
import { constantValue, exportedConstant } from "./constants.ts";
import { type Check, type Finding, finding } from "./subject.ts";

const ABI_VERSION = 1;
const HASH_BYTES = 16;
const VALUE_BYTES = 4;

interface AbiFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
  readonly isOptional?: boolean;
}

const FUNCTIONS: readonly AbiFunction[] = [
  { name: "step", parameters: [], results: ["i32"] },
  { name: "reset", parameters: [], results: [] },
  { name: "selftest", parameters: [], results: ["i32"] },
  // Modules that were built before it have none.
  { name: "check", parameters: [], results: ["i32"], isOptional: true },
  { name: "drive", parameters: ["i32", "i32"], results: ["i32"], isOptional: true },
];

const CONSTANTS = [
  "abi_version",
  "input",
  "input_count",
  "output",
  "output_count",
  "state",
  "state_size",
  "model_hash",
];

/** The ring of forecasts (FORMAT.md 7), in a module whose outputs forecast inputs: all or none, inside the state. */
const RING_CONSTANTS = ["steps", "horizon", "expected", "residual", "residual_count"];
const RING_AREAS = [
  { name: "steps", size: 4 },
  { name: "expected", size: "residual_count" },
  { name: "residual", size: "residual_count" },
] as const;

/** The verdict of a detector (FORMAT.md 8), in a module that has one: all or none, inside the output, and the rows missed. */
const DETECTOR_CONSTANTS = ["score", "alarm", "block", "channel", "alert", "missed"];

/** A part of linear memory that the embedder touches: `size` is the name of its size in units of `unit` bytes, or a number of bytes. */
const AREAS = [
  { name: "input", size: "input_count", unit: VALUE_BYTES, alignment: 4 },
  { name: "output", size: "output_count", unit: VALUE_BYTES, alignment: 4 },
  { name: "state", size: "state_size", unit: 1, alignment: 16 },
  { name: "model_hash", size: HASH_BYTES, unit: 1, alignment: 1 },
] as const;

/** Functions and constants of the ABI are there, with the right types. */
export const checkAbi: Check = ({ module }) => {
  const version = constantValue(module, "abi_version");
  const isOther = version !== undefined && version !== ABI_VERSION;
  return [
    ...FUNCTIONS.flatMap((expected) => checkFunction(module, expected)),
    ...[...CONSTANTS, ...groupOf(module, RING_CONSTANTS), ...groupOf(module, DETECTOR_CONSTANTS)]
      .map((name) => exportedConstant(module, name))
      .filter((value) => typeof value === "object"),
    ...(isOther ? [finding(`Found abi_version ${version}, expected ${ABI_VERSION}`)] : []),
  ];
};

/** Names of a group of constants when any of them is there; none when none is. */
const groupOf = (module: WasmModule, group: readonly string[]): readonly string[] =>
  module.exports.some(({ name }) => group.includes(name)) ? group : [];

function checkFunction(module: WasmModule, { name, parameters, results, isOptional }: AbiFunction): Finding[] {
  const expected = `a function ${signature({ parameters, results })}`;
  const found = module.exports.find((item) => item.name === name);
  if (found === undefined) return isOptional ? [] : [finding(`Found no export ${name}, expected ${expected}`)];
  if (found.kind !== "function") return [finding(`Found a ${found.kind} as ${name}, expected ${expected}`, found)];
  const item = module.functions[found.index - importedCount(module, "function")];
  if (item === undefined) return [finding(`Found an import as ${name}, expected ${expected}`, found)];
  const type = module.types[item.type] ?? { parameters: [], results: [] };
  if (signature(type) === signature({ parameters, results })) return [];
  return [finding(`Found a function ${signature(type)} as ${name}, expected ${expected}`, found)];
}

const signature = ({ parameters, results }: Pick<AbiFunction, "parameters" | "results">) =>
  `(${parameters.join(", ")}) -> (${results.join(", ")})`;

interface Area {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Input, output, state and hash are aligned, below `__heap_base` and apart from each other. */
export const checkLayout: Check = ({ module }) => {
  const heapBase = constantValue(module, "__heap_base");
  if (heapBase === undefined) return undefined;
  const findings: Finding[] = [];
  const areas: Area[] = [];
  for (const { name, size, unit, alignment } of AREAS) {
    const start = constantValue(module, name);
    const count = typeof size === "number" ? size : constantValue(module, size);
    if (start === undefined || count === undefined) return undefined;
    const end = start + count * unit;
    if (start % alignment !== 0)
      findings.push(finding(`Found ${name} at ${start}, expected a multiple of ${alignment}`));
    // A network without a GRU and without a skip has no state.
    if (count === 0 && name !== "state") findings.push(finding(`Found ${size} 0, expected at least 1`));
    if (start === 0 || end > heapBase) {
      findings.push(finding(`Found ${name} at ${start} to ${end}, expected it above 0 and up to ${heapBase}`));
    }
    areas.push({ name, start, end });
  }
  return [...findings, ...overlaps(areas), ...ringFindings(module, areas), ...verdictFindings(module, heapBase)];
};

/** The parts of a ring are aligned and inside the state. */
function ringFindings(module: WasmModule, areas: readonly Area[]): Finding[] {
  const state = areas.find(({ name }) => name === "state");
  if (state === undefined || groupOf(module, RING_CONSTANTS).length === 0) return [];
  return RING_AREAS.flatMap(({ name, size }) => {
    const start = constantValue(module, name);
    const count = typeof size === "number" ? 1 : constantValue(module, size);
    if (start === undefined || count === undefined) return [];
    const end = start + VALUE_BYTES * count;
    if (start % VALUE_BYTES !== 0) return [finding(`Found ${name} at ${start}, expected a multiple of ${VALUE_BYTES}`)];
    if (start >= state.start && end <= state.end) return [];
    return [finding(`Found ${name} at ${start} to ${end}, expected it inside state, ${state.start} to ${state.end}`)];
  });
}

/** The words of a verdict are aligned, and in the memory in use. */
const verdictFindings = (module: WasmModule, heapBase: number): Finding[] =>
  groupOf(module, DETECTOR_CONSTANTS).flatMap((name) => {
    const at = constantValue(module, name);
    if (at === undefined || (at % VALUE_BYTES === 0 && at > 0 && at + VALUE_BYTES <= heapBase)) return [];
    return [finding(`Found ${name} at ${at}, expected a multiple of ${VALUE_BYTES} below ${heapBase}`)];
  });

function overlaps(areas: readonly Area[]): Finding[] {
  const sorted = areas.toSorted((a, b) => a.start - b.start);
  return sorted.slice(1).flatMap((area, index) => {
    const before = sorted[index] as Area;
    if (area.start >= before.end) return [];
    const place = `${area.name} at ${area.start} inside ${before.name}`;
    return [finding(`Found ${place}, which ends at ${before.end}, expected them apart`)];
  });
}
