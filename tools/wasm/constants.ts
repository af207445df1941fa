// Constant expressions: initial values of globals, places of segments (WebAssembly Core Specification 2.0, 3.3.7 and 5.4.9).

import type { ByteReader, ByteWriter } from "./bytes.ts";
import { type Instruction, readExpression } from "./instructions.ts";
import { type Constant, type ConstExpression, VALUE_TYPE_BYTES } from "./module.ts";
import { opcodeNamed } from "./opcodes.ts";

const REFERENCE_TYPES = new Map<number, "funcref" | "externref">([
  [VALUE_TYPE_BYTES.funcref - 0x80, "funcref"],
  [VALUE_TYPE_BYTES.externref - 0x80, "externref"],
]);

/**
 * Reads a constant expression and the `end` that closes it.
 *
 * @throws {WasmError} when it is damaged
 */
export function readConstant(reader: ByteReader): ConstExpression {
  const start = reader.at;
  let first: Instruction | undefined;
  let count = 0;
  for (const instruction of readExpression(reader)) {
    first ??= instruction;
    count++;
  }
  const constant = count === 2 && first !== undefined ? constantOf(first) : undefined;
  return constant ?? { kind: "other", bytes: reader.bytes.subarray(start, reader.at) };
}

function constantOf({ name, immediates: { value, index, block } }: Instruction): Constant | undefined {
  switch (name) {
    case "i32.const":
    case "f32.const":
      return { kind: name, value: Number(value) };
    case "i64.const":
    case "f64.const":
      return { kind: name, value: BigInt(value ?? 0) };
    case "global.get":
    case "ref.func":
      return { kind: name, index: index ?? 0 };
    case "ref.null": {
      const type = REFERENCE_TYPES.get(block ?? 0);
      return type && { kind: name, type };
    }
    default:
      return undefined;
  }
}

const END = 0x0b;

/** Writes a constant expression and the `end` that closes it. */
export function writeConstant(writer: ByteWriter, expression: ConstExpression): void {
  if (expression.kind === "other") {
    writer.raw(expression.bytes);
    return;
  }
  writer.raw([opcodeNamed(expression.kind).code]);
  writeOperand(writer, expression);
  writer.raw([END]);
}

function writeOperand(writer: ByteWriter, expression: Constant): void {
  switch (expression.kind) {
    case "i32.const":
      writer.signed(BigInt(expression.value));
      break;
    case "i64.const":
      writer.signed(expression.value);
      break;
    case "f32.const":
      writer.bits(BigInt(expression.value), 4);
      break;
    case "f64.const":
      writer.bits(expression.value, 8);
      break;
    case "ref.null":
      writer.raw([VALUE_TYPE_BYTES[expression.type]]);
      break;
    case "global.get":
    case "ref.func":
      writer.u32(expression.index);
      break;
  }
}
