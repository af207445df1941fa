// Reads a module (WebAssembly Core Specification 2.0, 5.5). What it refuses is malformed; whether indices and types fit together is for the checker.

import { ByteReader } from "./bytes.ts";
import { readConstant } from "./constants.ts";
import {
  type CustomSection,
  EMPTY_MODULE,
  EXTERNAL_KINDS,
  type Export,
  type FunctionType,
  type Global,
  type GlobalType,
  type Import,
  type ImportType,
  type Limits,
  type LocalRun,
  type Memory,
  SECTION_NAMES,
  SECTION_ORDER,
  type Table,
  VALUE_TYPE_BYTES,
  type ValueType,
  type WasmFunction,
  type WasmModule,
} from "./module.ts";
import { readData, readElement } from "./segments.ts";

/** A section of a file: its contents, without id and length. */
export interface Section {
  readonly id: number;
  /** Index of the first byte of its contents in the file. */
  readonly fileOffset: number;
  readonly bytes: Uint8Array;
}

type Draft = { -readonly [Key in keyof WasmModule]: WasmModule[Key] };

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** Most locals that a function may have; engines of the web have the same limit. */
const MAX_LOCALS = 50_000;
const FUNCTION_TYPE = 0x60;
const VALUE_TYPES = new Map(Object.entries(VALUE_TYPE_BYTES).map(([type, byte]) => [byte, type as ValueType]));

/**
 * Reads a module into plain data. Bodies, data and custom sections are views of `bytes`, not copies.
 *
 * @throws {WasmError} when the bytes are malformed, or use a form of limits or types that came after WebAssembly 2.0
 */
export function readModule(bytes: Uint8Array): WasmModule {
  const module: Draft = { ...EMPTY_MODULE };
  const customs: CustomSection[] = [];
  const order: readonly number[] = SECTION_ORDER;
  let last = 0;
  let functionTypes: readonly number[] = [];
  let dataCount: number | undefined;

  for (const { id, fileOffset, bytes: contents } of readSections(bytes)) {
    const section = new ByteReader(bytes, 0, fileOffset, fileOffset + contents.length);
    const name = `the ${SECTION_NAMES[id]} section`;
    if (id !== 0) {
      if (order.indexOf(id) <= order.indexOf(last)) throw section.error(`Found ${name} twice or too late`);
      last = id;
    }
    if (id === 0) customs.push(readCustom(section, last));
    else if (id === 3) functionTypes = section.list("functions", () => section.u32("the type of a function"));
    else if (id === 10) module.functions = readFunctions(section, functionTypes);
    else if (id === 12) dataCount = section.u32("the count of data segments");
    else readItems(section, id, module);
    section.finish(name);
  }
  const end = new ByteReader(bytes, 0, bytes.length);
  if (module.functions.length !== functionTypes.length) {
    throw end.error(`Found ${module.functions.length} function bodies, expected ${functionTypes.length}`);
  }
  if (dataCount !== undefined && dataCount !== module.data.length) {
    throw end.error(`Found ${module.data.length} data segments, expected ${dataCount}`);
  }
  return { ...module, hasDataCount: dataCount !== undefined, customs };
}

/**
 * Cuts a file into its sections, in the order of the file.
 *
 * @throws {WasmError} when the header is no module's, or a section is not known or goes beyond the end
 */
export function readSections(bytes: Uint8Array): Section[] {
  const reader = new ByteReader(bytes);
  for (const expected of HEADER) {
    const found = reader.byte("the header");
    if (found !== expected) throw reader.error(`Found ${found}, expected ${expected} in the header`, reader.at - 1);
  }
  const sections: Section[] = [];
  while (reader.left > 0) {
    const start = reader.at;
    const id = reader.byte("a section");
    const name = SECTION_NAMES[id];
    if (name === undefined) throw reader.error(`Section ${id}${id === 13 ? " (exceptions)" : ""} is not known`, start);
    const length = reader.u32(`the length of the ${name} section`);
    const fileOffset = reader.at;
    sections.push({ id, fileOffset, bytes: reader.take(length, `the ${name} section`) });
  }
  return sections;
}

/** Reads a section whose items stand for themselves into the module. */
function readItems(section: ByteReader, id: number, module: Draft): void {
  if (id === 1) module.types = section.list("types", () => readFunctionType(section));
  else if (id === 2) module.imports = section.list("imports", () => readImport(section));
  else if (id === 4) module.tables = section.list("tables", () => readTable(section));
  else if (id === 5) module.memories = section.list("memories", () => readMemory(section));
  else if (id === 6) module.globals = section.list("globals", () => readGlobal(section));
  else if (id === 7) module.exports = readExports(section);
  else if (id === 8) module.start = section.u32("the index of the start function");
  else if (id === 9) module.elements = section.list("element segments", () => readElement(section));
  else if (id === 11) module.data = section.list("data segments", () => readData(section));
}

function readCustom(section: ByteReader, after: number): CustomSection {
  const { fileOffset } = section;
  const name = section.text("the name of a custom section");
  return { name, after, bytes: section.take(section.left, "a custom section"), fileOffset };
}

function readValueType(section: ByteReader): ValueType {
  const byte = section.byte("a type");
  const type = VALUE_TYPES.get(byte);
  if (type === undefined) throw section.error(`Type 0x${byte.toString(16)} is not known`, section.at - 1);
  return type;
}

function readFunctionType(section: ByteReader): FunctionType {
  const form = section.byte("a type");
  if (form !== FUNCTION_TYPE) {
    throw section.error(`Found type form 0x${form.toString(16)}, expected 0x60, a function`, section.at - 1);
  }
  const parameters = section.list("parameters", () => readValueType(section));
  return { parameters, results: section.list("results", () => readValueType(section)) };
}

/** Reads a byte that is one of few, such as a flag. */
function readChoice(section: ByteReader, what: string, below: number): number {
  const byte = section.byte(what);
  if (byte >= below) throw section.error(`Found ${byte} as ${what}, expected less than ${below}`, section.at - 1);
  return byte;
}

/** Reads limits; of their flags, bit 0 tells that there is a maximum, bit 1 that a memory is shared. */
function readLimits(section: ByteReader, what: string, flagsBelow: number): Limits & { readonly flags: number } {
  const flags = readChoice(section, `the flags of a ${what}`, flagsBelow);
  const min = section.u32(`the minimum of a ${what}`);
  return { min, max: flags & 1 ? section.u32(`the maximum of a ${what}`) : undefined, flags };
}

function readTable(section: ByteReader): Table {
  const { fileOffset } = section;
  const type = readValueType(section);
  const { min, max } = readLimits(section, "table", 2);
  return { type, min, max, fileOffset };
}

function readMemory(section: ByteReader): Memory {
  const { fileOffset } = section;
  const { min, max, flags } = readLimits(section, "memory", 4);
  return { min, max, isShared: (flags & 2) !== 0, fileOffset };
}

function readGlobalType(section: ByteReader): GlobalType {
  const type = readValueType(section);
  return { type, isMutable: readChoice(section, "the mutability of a global", 2) === 1 };
}

function readGlobal(section: ByteReader): Global {
  const { fileOffset } = section;
  return { ...readGlobalType(section), init: readConstant(section), fileOffset };
}

function readImport(section: ByteReader): Import {
  const { fileOffset } = section;
  const module = section.text("the module of an import");
  const name = section.text("the name of an import");
  return { module, name, item: readImportType(section), fileOffset };
}

function readImportType(section: ByteReader): ImportType {
  const kind = EXTERNAL_KINDS[readChoice(section, "the kind of an import", EXTERNAL_KINDS.length)];
  if (kind === "table") return { kind, ...readTable(section) };
  if (kind === "memory") return { kind, ...readMemory(section) };
  if (kind === "global") return { kind, ...readGlobalType(section) };
  return { kind: "function", type: section.u32("the type of an import") };
}

function readExports(section: ByteReader): Export[] {
  const names = new Set<string>();
  return section.list("exports", () => {
    const { fileOffset } = section;
    const name = section.text("the name of an export");
    if (names.has(name)) throw section.error(`Export "${name}" is there twice`);
    names.add(name);
    const kind = EXTERNAL_KINDS[readChoice(section, "the kind of an export", EXTERNAL_KINDS.length)] ?? "function";
    return { name, kind, index: section.u32("the index of an export"), fileOffset };
  });
}

function readFunctions(section: ByteReader, types: readonly number[]): WasmFunction[] {
  return section.list("function bodies", (index) => {
    const type = types[index];
    if (type === undefined) throw section.error(`Found function body ${index + 1}, expected ${types.length}`);
    const length = section.u32("the length of a function body");
    return readFunction(section.part(length, "a function body"), type);
  });
}

function readFunction(code: ByteReader, type: number): WasmFunction {
  let total = 0;
  const locals = code.list("locals", (): LocalRun => {
    const start = code.at;
    const count = code.u32("the count of locals");
    total += count;
    if (total > MAX_LOCALS) throw code.error(`Found ${total} locals, expected at most ${MAX_LOCALS}`, start);
    return { count, type: readValueType(code) };
  });
  const { fileOffset } = code;
  if (code.left === 0) throw code.error("Module ends inside a function body");
  return { type, locals, body: code.take(code.left, "a function body"), fileOffset };
}
