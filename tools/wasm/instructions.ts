// The instructions of a function body (WebAssembly Core Specification 2.0, 5.4).

import { ByteReader } from "./bytes.ts";
import { type Opcode, opcodeOf } from "./opcodes.ts";

/** What follows an opcode; which fields are there depends on the opcode. */
export interface Immediates {
  /** Index of a function (call), local, global, memory, table, type (call_indirect), data or element segment. */
  readonly index?: number;
  /** A second index: table of call_indirect, memory of memory.init, source of memory.copy. */
  readonly second?: number;
  /** Label of br, br_if. */
  readonly label?: number;
  /** Labels of br_table, the default last. */
  readonly labels?: readonly number[];
  /** Type of a block: -64 none, -1 i32, -2 i64, -3 f32, -4 f64, from 0 on the index of a function type. */
  readonly block?: number;
  /** Alignment of a memory access as a power of two: 2 stands for 4 bytes. */
  readonly alignment?: number;
  /** Offset of a memory access, added to the address on the stack. */
  readonly offset?: number;
  /** A constant: a number of i32.const, a bigint of i64.const; the bits of f32.const (u32) and f64.const (a bigint, u64). */
  readonly value?: number | bigint;
}

/** An instruction at its place in a body. */
export interface Instruction {
  /** Index of its first byte in the body. */
  readonly offset: number;
  /** Index of the byte after it. */
  readonly end: number;
  readonly opcode: Opcode;
  readonly name: string;
  readonly immediates: Immediates;
}

/** Instructions that open a block, which an `end` closes. */
const OPENERS: ReadonlySet<string> = new Set(["block", "loop", "if", "try", "try_table"]);

/** Whether an instruction opens a block. */
const isOpener = (name: string): boolean => OPENERS.has(name);

/** Whether an instruction closes a block. */
const isCloser = (name: string): boolean => name === "end" || name === "delegate";

/**
 * Walks through the instructions of a body, the closing `end` included.
 *
 * @param body        as in `WasmFunction.body`
 * @param fileOffset  where the body stands in the file, for error messages
 * @throws {WasmError} when an instruction is not known or damaged, or the `end` of the body is not its last byte
 */
export function* instructionsOf(body: Uint8Array, fileOffset = 0): Generator<Instruction, void, undefined> {
  const reader = new ByteReader(body, fileOffset);
  yield* readExpression(reader);
  reader.finish("the body of a function");
}

/** Reads instructions up to the `end` that closes them, which comes last. */
export function* readExpression(reader: ByteReader): Generator<Instruction, void, undefined> {
  for (let depth = 1; depth > 0; ) {
    const instruction = readInstruction(reader);
    if (isOpener(instruction.name)) depth++;
    else if (isCloser(instruction.name)) depth--;
    yield instruction;
  }
}

function readInstruction(reader: ByteReader): Instruction {
  const offset = reader.at;
  const opcode = readOpcode(reader);
  const immediates = readImmediates(reader, opcode);
  return { offset, end: reader.at, opcode, name: opcode.name, immediates };
}

function readOpcode(reader: ByteReader): Opcode {
  const start = reader.at;
  const first = reader.byte("an instruction");
  const isPrefix = first >= 0xfb && first <= 0xfe;
  const number = isPrefix ? reader.u32("the number of an instruction") : 0;
  const opcode = opcodeOf(isPrefix ? first * 0x10000 + number : first);
  if (opcode !== undefined && number < 0x10000) return opcode;
  const shown = `0x${first.toString(16).padStart(2, "0")}${isPrefix ? ` ${number}` : ""}`;
  throw reader.error(`Opcode ${shown} is not known${first === 0xfb ? " (garbage collection)" : ""}`, start);
}

function readImmediates(reader: ByteReader, { immediates, name }: Opcode): Immediates {
  const what = `an operand of ${name}`;
  switch (immediates) {
    case "none":
      return {};
    case "index":
      return { index: reader.u32(what) };
    case "indices":
    case "indirect":
      return { index: reader.u32(what), second: reader.u32(what) };
    case "label":
      return { label: reader.u32(what) };
    case "labels": {
      const labels = reader.list("labels", () => reader.u32(what));
      return { labels: [...labels, reader.u32(what)] };
    }
    case "block":
    case "heap":
      return { block: Number(reader.signed(33, what)) };
    case "memarg":
      return readAccess(reader, what);
    case "i32":
      return { value: Number(reader.signed(32, what)) };
    case "i64":
      return { value: reader.signed(64, what) };
    case "f32":
      return { value: Number(reader.bits(4, what)) };
    case "f64":
      return { value: reader.bits(8, what) };
    case "types":
      reader.list("types", () => reader.byte(what));
      return {};
    case "lane":
      return { index: reader.byte(what) };
    case "memarg-lane":
      return { ...readAccess(reader, what), index: reader.byte(what) };
    case "bytes":
      reader.take(16, what);
      return {};
    case "catches":
      return readCatches(reader, what);
  }
}

/** Reads a memory access; bit 6 of the alignment tells that the index of a memory follows. */
function readAccess(reader: ByteReader, what: string): Immediates {
  const flags = reader.u32(what);
  const hasMemory = flags >= 64 && flags < 128;
  const memory = hasMemory ? { index: reader.u32(what) } : {};
  return { alignment: hasMemory ? flags - 64 : flags, ...memory, offset: reader.u32(what) };
}

/** Reads what try_table catches: kinds 0 and 1 name a tag, all of them a label. */
function readCatches(reader: ByteReader, what: string): Immediates {
  const block = Number(reader.signed(33, what));
  const labels = reader.list("catches", () => {
    if (reader.byte(what) < 2) reader.u32(what);
    return reader.u32(what);
  });
  return { block, labels };
}
