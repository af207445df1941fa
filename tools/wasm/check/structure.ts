// Checks of what a module declares. Why each of them: docs/microcontrollers.md.

import type { DataSegment, WasmModule } from "../module.ts";
import { constantValue, exportedConstant } from "./constants.ts";
import { type Check, type Finding, finding } from "./subject.ts";

const PAGE_BYTES = 65_536;
/** Address 0 and its neighbours hold nothing. */
const FIRST_ADDRESS = 16;
const HEAP_ALIGNMENT = 16;

/** Engines accept the module. */
export const checkValid: Check = ({ bytes }) =>
  WebAssembly.validate(bytes.slice())
    ? []
    : [finding("Found a module that WebAssembly.validate refuses, expected a valid one")];

/** Nothing is asked of the embedder. */
export const checkImports: Check = ({ module }) =>
  module.imports.map((item) =>
    finding(`Found import ${item.module}.${item.name} (${item.item.kind}), expected none`, item),
  );

/** Nothing runs when the module is instantiated. */
export const checkStart: Check = ({ module: { start } }) =>
  start === undefined ? [] : [finding(`Found function ${start} as the start function, expected none`)];

/** There is nothing to call indirectly. */
export const checkTables: Check = ({ module: { tables, elements } }) => [
  ...tables.map((table) => finding(`Found a table of ${table.type}, expected none`, table)),
  ...elements.map((segment) => finding(`Found ${segment.items.length} elements of a table, expected none`, segment)),
];

/** One memory, whose size is declared once and for all, and which the embedder can reach. */
export const checkMemory: Check = ({ module: { memories, exports } }) => {
  const [memory] = memories;
  if (memory === undefined) return [finding("Found no memory, expected one")];
  const findings: Finding[] = [];
  if (memories.length > 1) findings.push(finding(`Found ${memories.length} memories, expected one`, memories[1]));
  if (memory.max !== memory.min) {
    const max = memory.max === undefined ? "no maximum" : `a maximum of ${memory.max}`;
    findings.push(finding(`Found a minimum of ${memory.min} pages and ${max}, expected the same number`, memory));
  }
  if (memory.min === 0) findings.push(finding("Found a memory of 0 pages, expected at least 1", memory));
  if (memory.isShared) findings.push(finding("Found a shared memory, expected one of this module alone", memory));
  const exported = exports.find(({ name }) => name === "memory");
  if (exported?.kind !== "memory") {
    findings.push(finding(`Found ${exported?.kind ?? "nothing"} as export memory, expected the memory`, exported));
  }
  return findings;
};

/** All state is in linear memory. */
export const checkGlobals: Check = ({ module: { globals } }) =>
  globals
    .filter(({ isMutable }) => isMutable)
    .map((global) => finding(`Found a mutable global of ${global.type}, expected state in memory only`, global));

/** `__data_end` and `__heap_base` tell how much of the memory is used. */
export const checkHeapBase: Check = ({ module }) => {
  const [dataEnd, heapBase] = ["__data_end", "__heap_base"].map((name) => exportedConstant(module, name));
  const wrong = [dataEnd, heapBase].filter((value) => typeof value === "object");
  if (typeof dataEnd !== "number" || typeof heapBase !== "number") return wrong;
  const findings: Finding[] = [];
  if (dataEnd > heapBase) findings.push(finding(`Found __data_end ${dataEnd}, expected at most ${heapBase}`));
  const memoryBytes = (module.memories[0]?.min ?? 0) * PAGE_BYTES;
  if (heapBase > memoryBytes) {
    findings.push(finding(`Found __heap_base ${heapBase}, expected at most ${memoryBytes}, the size of the memory`));
  }
  if (heapBase % HEAP_ALIGNMENT !== 0) {
    findings.push(finding(`Found __heap_base ${heapBase}, expected a multiple of ${HEAP_ALIGNMENT}`));
  }
  return findings;
};

/** Data are where nothing else is. */
export const checkData: Check = ({ module }) => {
  const dataEnd = constantValue(module, "__data_end");
  if (dataEnd === undefined) return undefined;
  const findings: Finding[] = [];
  const placed: { readonly start: number; readonly end: number; readonly segment: DataSegment }[] = [];
  for (const segment of module.data) {
    const start = addressOf(segment);
    if (typeof start !== "number") {
      findings.push(start);
      continue;
    }
    const end = start + segment.bytes.length;
    placed.push({ start, end, segment });
    if (start >= FIRST_ADDRESS && end <= dataEnd) continue;
    const range = `${FIRST_ADDRESS} to ${dataEnd}`;
    findings.push(finding(`Found data at ${start} to ${end}, expected them within ${range}`, segment));
  }
  placed.sort((a, b) => a.start - b.start || a.end - b.end);
  let last = 0;
  for (const { start, end, segment } of placed) {
    if (start < last) {
      findings.push(
        finding(`Found data at ${start} to ${end} over others up to ${last}, expected no overlap`, segment),
      );
    }
    last = Math.max(last, end);
  }
  return findings;
};

function addressOf(segment: DataSegment): number | Finding {
  const { place } = segment;
  if (place.kind === "passive") return finding("Found a passive data segment, expected an active one", segment);
  if (place.memory !== 0) return finding(`Found data of memory ${place.memory}, expected memory 0`, segment);
  if (place.address.kind === "i32.const") return place.address.value >>> 0;
  return finding(`Found ${place.address.kind} as the address of data, expected i32.const`, segment);
}

/** The bytes of linear memory that a module uses. */
export const usedMemory = (module: WasmModule): number | undefined => constantValue(module, "__heap_base");
