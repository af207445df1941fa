// Element and data segments (WebAssembly Core Specification 2.0, 5.5.12 and 5.5.14).

import type { ByteReader } from "./bytes.ts";
import { readConstant } from "./constants.ts";
import {
  type DataSegment,
  type ElementPlace,
  type ElementSegment,
  VALUE_TYPE_BYTES,
  type ValueType,
} from "./module.ts";

/** Bits of the flags of an element segment. */
const IS_NOT_ACTIVE = 1;
/** Active: the index of a table follows. Not active: the segment is declarative. */
const HAS_TABLE = 2;
const HAS_EXPRESSIONS = 4;

/** The kind of elements that are indices of functions. */
const FUNCTION_KIND = 0;

/**
 * Reads a data segment.
 *
 * @throws {WasmError} when it is damaged
 */
export function readData(section: ByteReader): DataSegment {
  const { fileOffset } = section;
  const flags = section.u32("the flags of a data segment");
  if (flags > 2) throw section.error(`Found ${flags} as the flags of a data segment, expected at most 2`);
  const memory = flags === 2 ? section.u32("the memory of a data segment") : 0;
  const place: DataSegment["place"] =
    flags === 1 ? { kind: "passive" } : { kind: "active", memory, address: readConstant(section) };
  const length = section.u32("the length of a data segment");
  return { place, bytes: section.take(length, "a data segment"), fileOffset };
}

/**
 * Reads an element segment.
 *
 * @throws {WasmError} when it is damaged
 */
export function readElement(section: ByteReader): ElementSegment {
  const { fileOffset } = section;
  const flags = section.u32("the flags of an element segment");
  if (flags > 7) throw section.error(`Found ${flags} as the flags of an element segment, expected at most 7`);
  const place = readElementPlace(section, flags);
  const hasExpressions = (flags & HAS_EXPRESSIONS) !== 0;
  const isTyped = (flags & (IS_NOT_ACTIVE | HAS_TABLE)) !== 0;
  const type = isTyped ? readElementType(section, hasExpressions) : "funcref";
  const items = hasExpressions
    ? section.list("elements", () => readConstant(section))
    : section.list("elements", () => section.u32("an element"));
  return { place, type, items, fileOffset };
}

function readElementPlace(section: ByteReader, flags: number): ElementPlace {
  if (flags & IS_NOT_ACTIVE) return { kind: flags & HAS_TABLE ? "declarative" : "passive" };
  const table = flags & HAS_TABLE ? section.u32("the table of an element segment") : 0;
  return { kind: "active", table, start: readConstant(section) };
}

function readElementType(section: ByteReader, hasExpressions: boolean): ValueType {
  const byte = section.byte("the type of an element segment");
  if (byte === (hasExpressions ? VALUE_TYPE_BYTES.funcref : FUNCTION_KIND)) return "funcref";
  if (hasExpressions && byte === VALUE_TYPE_BYTES.externref) return "externref";
  throw section.error(`Type 0x${byte.toString(16)} of elements is not known`, section.at - 1);
}
