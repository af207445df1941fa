// Writes a module (WebAssembly Core Specification 2.0, 5.5).

import { ByteWriter } from "./bytes.ts";
import { writeConstant } from "./constants.ts";
import {
  EXTERNAL_KINDS,
  type FunctionType,
  type Global,
  type GlobalType,
  type Import,
  joinLocals,
  type Limits,
  type Memory,
  SECTION_ORDER,
  type Table,
  VALUE_TYPE_BYTES,
  type ValueType,
  type WasmFunction,
  type WasmModule,
} from "./module.ts";
import { writeData, writeElement } from "./segments.ts";

/**
 * Writes a module. Equal modules give equal bytes; every number takes as few bytes as it needs and sections without items are left out.
 * Bodies, data and custom sections are written as they are.
 */
export function writeModule(module: WasmModule): Uint8Array {
  const writer = new ByteWriter().raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  writeCustoms(writer, module, 0);
  for (const id of SECTION_ORDER) {
    const section = new ByteWriter();
    if (writeSection(section, module, id)) writer.raw([id]).sized(section.toBytes());
    writeCustoms(writer, module, id);
  }
  return writer.toBytes();
}

function writeCustoms(writer: ByteWriter, { customs }: WasmModule, id: number): void {
  for (const { name, after, bytes } of customs) {
    if (after === id) writer.raw([0]).sized(new ByteWriter().text(name).raw(bytes).toBytes());
  }
}

/** Writes the contents of a section; whether the module has it at all. */
function writeSection(section: ByteWriter, module: WasmModule, id: (typeof SECTION_ORDER)[number]): boolean {
  const list = <T>(items: readonly T[], write: (item: T) => void): boolean => {
    section.list(items, write);
    return items.length > 0;
  };
  switch (id) {
    case 1:
      return list(module.types, (type) => writeFunctionType(section, type));
    case 2:
      return list(module.imports, (item) => writeImport(section, item));
    case 3:
      return list(module.functions, ({ type }) => section.u32(type));
    case 4:
      return list(module.tables, (table) => writeTable(section, table));
    case 5:
      return list(module.memories, (memory) => writeMemory(section, memory));
    case 6:
      return list(module.globals, (global) => writeGlobal(section, global));
    case 7:
      return list(module.exports, ({ name, kind, index }) =>
        section
          .text(name)
          .raw([EXTERNAL_KINDS.indexOf(kind)])
          .u32(index),
      );
    case 8:
      if (module.start !== undefined) section.u32(module.start);
      return module.start !== undefined;
    case 9:
      return list(module.elements, (segment) => writeElement(section, segment));
    case 10:
      return list(module.functions, (item) => section.sized(functionBytes(item)));
    case 11:
      return list(module.data, (segment) => writeData(section, segment));
    case 12:
      section.u32(module.data.length);
      return module.hasDataCount;
  }
}

const writeValueType = (section: ByteWriter, type: ValueType) => section.raw([VALUE_TYPE_BYTES[type]]);

function writeFunctionType(section: ByteWriter, { parameters, results }: FunctionType): void {
  section.raw([0x60]);
  section.list(parameters, (type) => writeValueType(section, type));
  section.list(results, (type) => writeValueType(section, type));
}

function writeLimits(section: ByteWriter, { min, max }: Limits, flags = 0): void {
  section.raw([flags | (max === undefined ? 0 : 1)]).u32(min);
  if (max !== undefined) section.u32(max);
}

function writeTable(section: ByteWriter, table: Table): void {
  writeValueType(section, table.type);
  writeLimits(section, table);
}

function writeMemory(section: ByteWriter, memory: Memory): void {
  writeLimits(section, memory, memory.isShared ? 2 : 0);
}

function writeGlobalType(section: ByteWriter, { type, isMutable }: GlobalType): void {
  writeValueType(section, type).raw([isMutable ? 1 : 0]);
}

function writeGlobal(section: ByteWriter, global: Global): void {
  writeGlobalType(section, global);
  writeConstant(section, global.init);
}

function writeImport(section: ByteWriter, { module, name, item }: Import): void {
  section
    .text(module)
    .text(name)
    .raw([EXTERNAL_KINDS.indexOf(item.kind)]);
  if (item.kind === "function") section.u32(item.type);
  else if (item.kind === "table") writeTable(section, item);
  else if (item.kind === "memory") writeMemory(section, item);
  else writeGlobalType(section, item);
}

/** The bytes of a function without their length. Neighbouring locals of one type become one run. */
function functionBytes({ locals, body }: WasmFunction): Uint8Array {
  const writer = new ByteWriter();
  writer.list(joinLocals(locals), ({ count, type }) => writer.u32(count).raw([VALUE_TYPE_BYTES[type]]));
  return writer.raw(body).toBytes();
}
