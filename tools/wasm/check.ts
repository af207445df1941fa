// The static checker: what makes a module run on a microcontroller, proven from its bytes. Why each property is there: docs/microcontrollers.md.

import { WasmError } from "./bytes.ts";
import { checkAbi, checkLayout } from "./check/abi.ts";
import { checkFeatures, checkFloats, checkIndirectCalls, checkMemoryGrowth, checkRecursion } from "./check/code.ts";
import { type Measures, measureModule } from "./check/measure.ts";
import {
  checkData,
  checkGlobals,
  checkHeapBase,
  checkImports,
  checkMemory,
  checkStart,
  checkTables,
  checkValid,
  usedMemory,
} from "./check/structure.ts";
import { type Check, decodeFunctions, type Finding, type Subject } from "./check/subject.ts";
import { SECTION_NAMES } from "./module.ts";
import { readModule, readSections } from "./read.ts";

/** The properties that are checked, by code, with what each of them claims. */
export const PROPERTIES = {
  "well-formed": "every byte belongs to a WebAssembly module",
  valid: "engines accept the module",
  imports: "no imports",
  start: "no start function",
  tables: "no tables",
  "indirect-calls": "no indirect calls",
  memory: "one exported memory of fixed size",
  "memory-growth": "no memory.size, no memory.grow",
  globals: "no mutable globals",
  "heap-base": "__data_end and __heap_base tell the memory in use",
  features: "instructions and types of the first WebAssembly",
  floats: "no floats",
  data: "data apart from each other, below __data_end",
  abi: "functions and constants of the ABI",
  layout: "input, output, state and hash aligned and apart",
  recursion: "no recursion",
} as const;

/** Code of a property. */
export type PropertyCode = keyof typeof PROPERTIES;

/** A property and what breaks it. */
export interface CheckedProperty {
  readonly code: PropertyCode;
  readonly title: string;
  /** Unknown when other properties are missing that this one needs. */
  readonly status: "ok" | "failed" | "unknown";
  readonly findings: readonly Finding[];
}

/** What a section takes of a file, its id and length included. */
export interface SectionSize {
  readonly name: string;
  readonly bytes: number;
}

/** What the checker tells of a module. */
export interface CheckReport {
  /** Whether the module has every property. */
  readonly isSound: boolean;
  readonly isIntegerOnly: boolean;
  readonly properties: readonly CheckedProperty[];
  readonly bytes: number;
  /** In the order of the file; with the 8 bytes of the header they make up the file. Empty when it is malformed. */
  readonly sections: readonly SectionSize[];
  /** Bytes of linear memory in use, from address 0 on: `__heap_base`. */
  readonly memoryBytes?: number;
  /** Left out when the module is not valid, has recursion or indirect calls, or uses more than the first WebAssembly. */
  readonly measures?: Measures;
}

const CHECKS: Readonly<Record<Exclude<PropertyCode, "well-formed">, Check>> = {
  valid: checkValid,
  imports: checkImports,
  start: checkStart,
  tables: checkTables,
  "indirect-calls": checkIndirectCalls,
  memory: checkMemory,
  "memory-growth": checkMemoryGrowth,
  globals: checkGlobals,
  "heap-base": checkHeapBase,
  features: checkFeatures,
  floats: checkFloats,
  data: checkData,
  abi: checkAbi,
  layout: checkLayout,
  recursion: checkRecursion,
};

/** Properties without which nothing can be measured. */
const MEASURABLE: readonly PropertyCode[] = ["valid", "features", "indirect-calls", "recursion"];

/**
 * Checks a module that `rivulet build` made, whatever the bytes are: it never throws. A malformed module has one failed property,
 * `well-formed`, and all others unknown.
 *
 * @param options.integerOnly  whether floats are refused
 */
export function checkModule(bytes: Uint8Array, { integerOnly }: { readonly integerOnly: boolean }): CheckReport {
  const subject = readSubject(bytes);
  const isMalformed = "message" in subject;
  const properties = (Object.keys(PROPERTIES) as PropertyCode[])
    .filter((code) => code !== "floats" || integerOnly)
    .map((code): CheckedProperty => {
      if (code === "well-formed") return toProperty(code, isMalformed ? [subject] : []);
      return toProperty(code, isMalformed ? undefined : CHECKS[code](subject));
    });
  const report = {
    isSound: properties.every(({ status }) => status === "ok"),
    isIntegerOnly: integerOnly,
    properties,
    bytes: bytes.length,
  };
  if (isMalformed) return { ...report, sections: [] };
  const memoryBytes = usedMemory(subject.module);
  const isMeasurable = MEASURABLE.every((code) => properties.find((item) => item.code === code)?.status === "ok");
  return {
    ...report,
    sections: sectionSizes(bytes),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(isMeasurable ? { measures: measureModule(subject) } : {}),
  };
}

function readSubject(bytes: Uint8Array): Subject | Finding {
  try {
    const module = readModule(bytes);
    return { bytes, module, functions: decodeFunctions(module) };
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    return { message: error.message, offset: error.offset };
  }
}

function toProperty(code: PropertyCode, findings: readonly Finding[] | undefined): CheckedProperty {
  const status = findings === undefined ? "unknown" : findings.length === 0 ? "ok" : "failed";
  return { code, title: PROPERTIES[code], status, findings: findings ?? [] };
}

function sectionSizes(bytes: Uint8Array): SectionSize[] {
  let last = 8; // the header
  return readSections(bytes).map(({ id, fileOffset, bytes: { length } }) => {
    const start = last;
    last = fileOffset + length;
    return { name: SECTION_NAMES[id] ?? String(id), bytes: last - start };
  });
}
