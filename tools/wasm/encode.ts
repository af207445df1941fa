// Writes the body of a function by hand.

import { ByteWriter } from "./bytes.ts";
import { isCloser } from "./instructions.ts";
import { joinLocals, VALUE_TYPE_BYTES, type ValueType, type WasmFunction } from "./module.ts";
import { opcodeNamed } from "./opcodes.ts";

const NO_RESULT = 0x40;

/** Alignment of a memory access by the bytes that it touches, as a power of two. */
function alignmentOf(name: string): number {
  const bits = /(\d+)(?:_[su])?$/.exec(name)?.[1] ?? name.slice(1, 3);
  return Math.log2(Number(bits) / 8);
}

/** Instructions written one after the other, in the order of the text format. Blocks have to be closed before the body is taken. */
export class Code {
  readonly #writer = new ByteWriter();
  #depth = 1;

  /**
   * Appends an instruction that has no operand behind its opcode, such as `i32.add`, `else`, `end`, `return` or `drop`.
   *
   * @throws {RangeError} when the name is no such instruction's, or an `end` closes no block
   */
  op(name: string): this {
    const opcode = opcodeNamed(name);
    if (opcode.immediates !== "none") throw new RangeError(`Instruction ${name} needs ${opcode.immediates}`);
    if (isCloser(name)) this.#depth--;
    if (this.#depth < 1) throw new RangeError(`Found ${name}, expected a block that it closes`);
    return this.#opcode(name);
  }

  /** Appends `i32.const`; values from 2^31 on stand for the negative number of the same bits. */
  i32(value: number): this {
    return this.#opcode("i32.const").#signed(BigInt.asIntN(32, BigInt(value)));
  }

  /** Appends `i64.const`; values from 2^63 on stand for the negative number of the same bits. */
  i64(value: bigint): this {
    return this.#opcode("i64.const").#signed(BigInt.asIntN(64, value));
  }

  /** Appends `f32.const`. */
  f32(value: number): this {
    return this.#opcode("f32.const").raw(new Uint8Array(Float32Array.of(value).buffer));
  }

  /** Appends `call`. */
  call(functionIndex: number): this {
    return this.#indexed("call", functionIndex);
  }

  /** Appends `local.get`; parameters are the first locals. */
  get(local: number): this {
    return this.#indexed("local.get", local);
  }

  /** Appends `local.set`. */
  set(local: number): this {
    return this.#indexed("local.set", local);
  }

  /** Appends `local.tee`. */
  tee(local: number): this {
    return this.#indexed("local.tee", local);
  }

  /** Appends `global.get`. */
  getGlobal(global: number): this {
    return this.#indexed("global.get", global);
  }

  /** Appends `global.set`. */
  setGlobal(global: number): this {
    return this.#indexed("global.set", global);
  }

  /** Opens a block that a branch leaves. */
  block(result?: ValueType): this {
    return this.#open("block", result);
  }

  /** Opens a block that a branch starts again. */
  loop(result?: ValueType): this {
    return this.#open("loop", result);
  }

  /** Opens a block that runs when the i32 on the stack is not zero. */
  if(result?: ValueType): this {
    return this.#open("if", result);
  }

  /** Appends `else`. */
  else(): this {
    return this.op("else");
  }

  /** Closes a block. */
  end(): this {
    return this.op("end");
  }

  /** Appends `br`; label 0 is the innermost block. */
  br(label: number): this {
    return this.#indexed("br", label);
  }

  /** Appends `br_if`. */
  brIf(label: number): this {
    return this.#indexed("br_if", label);
  }

  /**
   * Appends a load or store, such as `i32.load` or `i64.store8`, with its natural alignment unless told otherwise.
   *
   * @param offset     added to the address on the stack
   * @param alignment  power of two: 2 stands for 4 bytes
   * @throws {RangeError} when the name is none of a load or store
   */
  access(name: string, offset = 0, alignment = alignmentOf(name)): this {
    if (opcodeNamed(name).immediates !== "memarg") throw new RangeError(`Instruction ${name} is no load or store`);
    this.#opcode(name);
    this.#writer.u32(alignment).u32(offset);
    return this;
  }

  /** Appends bytes as they are: whole instructions, blocks closed. */
  raw(bytes: ArrayLike<number>): this {
    this.#writer.raw(bytes);
    return this;
  }

  /**
   * The body, with the `end` that closes it.
   *
   * @throws {RangeError} when a block is open
   */
  bytes(): Uint8Array {
    if (this.#depth !== 1) throw new RangeError(`Found ${this.#depth - 1} open blocks, expected none`);
    return new ByteWriter()
      .raw(this.#writer.toBytes())
      .raw([opcodeNamed("end").code])
      .toBytes();
  }

  #opcode(name: string): this {
    const { code } = opcodeNamed(name);
    if (code < 0x100) this.#writer.raw([code]);
    else this.#writer.raw([code >> 16]).u32(code & 0xffff);
    return this;
  }

  #signed(value: bigint): this {
    this.#writer.signed(value);
    return this;
  }

  #indexed(name: string, index: number): this {
    this.#opcode(name);
    this.#writer.u32(index);
    return this;
  }

  #open(name: "block" | "loop" | "if", result: ValueType | undefined): this {
    this.#depth++;
    return this.#opcode(name).raw([result === undefined ? NO_RESULT : VALUE_TYPE_BYTES[result]]);
  }
}

/** Starts a body: `code().get(0).i32(1).op("i32.add").bytes()`. */
export const code = (): Code => new Code();

/**
 * Makes a function of a body.
 *
 * @param type    index of its type
 * @param locals  types of its locals behind the parameters
 */
export function functionOf(type: number, locals: readonly ValueType[], body: Code): WasmFunction {
  return { type, locals: joinLocals(locals.map((local) => ({ count: 1, type: local }))), body: body.bytes() };
}
