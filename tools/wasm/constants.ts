// Constant expressions: initial values of globals, places of segments (WebAssembly Core Specification 2.0, 3.3.7 and 5.4.9).

import type { ByteReader } from "./bytes.ts";
import { type Instruction, readExpression } from "./instructions.ts";
import { type Constant, type ConstExpression, VALUE_TYPE_BYTES } from "./module.ts";

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
