// The instructions (WebAssembly Core Specification 2.0, 5.4, and the proposals that followed), so that a module that uses them can be told which.

import { THREAD_ROWS, VECTOR_ROWS } from "./opcodes-wide.ts";

/** Where an instruction comes from: the first WebAssembly (MVP), or the proposal that added it. */
export type Feature =
  | "MVP"
  | "sign extension"
  | "nontrapping conversion"
  | "bulk memory"
  | "reference types"
  | "tail call"
  | "exceptions"
  | "function references"
  | "SIMD"
  | "relaxed SIMD"
  | "threads";

/** What follows the opcode. */
export type ImmediateKind =
  | "none"
  | "block"
  | "catches"
  | "label"
  | "labels"
  | "index"
  | "indices"
  | "indirect"
  | "memarg"
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "types"
  | "heap"
  | "lane"
  | "memarg-lane"
  | "bytes";

/** An instruction without its immediates. */
export interface Opcode {
  /** The byte; of a prefixed instruction, prefix * 2^16 + number, such as 0xfc000a. */
  readonly code: number;
  /** Name in the text format, such as `i32.add`; `select_t` is the select that tells its type. */
  readonly name: string;
  readonly feature: Feature;
  readonly immediates: ImmediateKind;
  /**
   * Types that it pops and pushes, a letter each, the last on top: i = i32, l = i64, f = f32, d = f64, v = v128, r = a reference, x = any.
   * Undefined when they depend on more than the opcode: control, calls.
   */
  readonly stack: { readonly pops: string; readonly pushes: string } | undefined;
  /** Whether it works on f32 or f64; those of references, locals and select may, too. */
  readonly isFloat: boolean;
}

const COMPARISONS = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"];
const FLOAT_COMPARISONS = ["eq", "ne", "lt", "gt", "le", "ge"];
const ARITHMETIC = "add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr".split(" ");
const FLOAT_UNARY = ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"];
const FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "copysign"];

const of = (type: string, names: readonly string[]) => names.map((name) => `${type}.${name}`).join(" ");

/**
 * Rows of consecutive opcodes: the first in hexadecimal, immediates, `pops>pushes` or `*`, and their names.
 */
const MVP_ROWS = `
  00 none * unreachable
  01 none > nop
  02 block * block loop if
  05 none * else
  0b none * end
  0c label * br
  0d label i> br_if
  0e labels * br_table
  0f none * return
  10 index * call
  11 indirect * call_indirect
  1a none x> drop
  1b none xxi>x select
  20 index >x local.get
  21 index x> local.set
  22 index x>x local.tee
  23 index >x global.get
  24 index x> global.set
  28 memarg i>i i32.load
  29 memarg i>l i64.load
  2a memarg i>f f32.load
  2b memarg i>d f64.load
  2c memarg i>i i32.load8_s i32.load8_u i32.load16_s i32.load16_u
  30 memarg i>l i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u
  36 memarg ii> i32.store
  37 memarg il> i64.store
  38 memarg if> f32.store
  39 memarg id> f64.store
  3a memarg ii> i32.store8 i32.store16
  3c memarg il> i64.store8 i64.store16 i64.store32
  3f index >i memory.size
  40 index i>i memory.grow
  41 i32 >i i32.const
  42 i64 >l i64.const
  43 f32 >f f32.const
  44 f64 >d f64.const
  45 none i>i i32.eqz
  46 none ii>i ${of("i32", COMPARISONS)}
  50 none l>i i64.eqz
  51 none ll>i ${of("i64", COMPARISONS)}
  5b none ff>i ${of("f32", FLOAT_COMPARISONS)}
  61 none dd>i ${of("f64", FLOAT_COMPARISONS)}
  67 none i>i i32.clz i32.ctz i32.popcnt
  6a none ii>i ${of("i32", ARITHMETIC)}
  79 none l>l i64.clz i64.ctz i64.popcnt
  7c none ll>l ${of("i64", ARITHMETIC)}
  8b none f>f ${of("f32", FLOAT_UNARY)}
  92 none ff>f ${of("f32", FLOAT_BINARY)}
  99 none d>d ${of("f64", FLOAT_UNARY)}
  a0 none dd>d ${of("f64", FLOAT_BINARY)}
  a7 none l>i i32.wrap_i64
  a8 none f>i i32.trunc_f32_s i32.trunc_f32_u
  aa none d>i i32.trunc_f64_s i32.trunc_f64_u
  ac none i>l i64.extend_i32_s i64.extend_i32_u
  ae none f>l i64.trunc_f32_s i64.trunc_f32_u
  b0 none d>l i64.trunc_f64_s i64.trunc_f64_u
  b2 none i>f f32.convert_i32_s f32.convert_i32_u
  b4 none l>f f32.convert_i64_s f32.convert_i64_u
  b6 none d>f f32.demote_f64
  b7 none i>d f64.convert_i32_s f64.convert_i32_u
  b9 none l>d f64.convert_i64_s f64.convert_i64_u
  bb none f>d f64.promote_f32
  bc none f>i i32.reinterpret_f32
  bd none d>l i64.reinterpret_f64
  be none i>f f32.reinterpret_i32
  bf none l>d f64.reinterpret_i64`;

const SIGN_EXTENSION_ROWS = `
  c0 none i>i i32.extend8_s i32.extend16_s
  c2 none l>l i64.extend8_s i64.extend16_s i64.extend32_s`;

const CONVERSION_ROWS = `
  fc0000 none f>i i32.trunc_sat_f32_s i32.trunc_sat_f32_u
  fc0002 none d>i i32.trunc_sat_f64_s i32.trunc_sat_f64_u
  fc0004 none f>l i64.trunc_sat_f32_s i64.trunc_sat_f32_u
  fc0006 none d>l i64.trunc_sat_f64_s i64.trunc_sat_f64_u`;

const BULK_ROWS = `
  fc0008 indices iii> memory.init
  fc0009 index > data.drop
  fc000a indices iii> memory.copy
  fc000b index iii> memory.fill
  fc000c indices iii> table.init
  fc000d index > elem.drop
  fc000e indices iii> table.copy`;

const REFERENCE_ROWS = `
  1c types xxi>x select_t
  25 index i>r table.get
  26 index ir> table.set
  d0 heap >r ref.null
  d1 none r>i ref.is_null
  d2 index >r ref.func
  fc000f index ri>i table.grow
  fc0010 index >i table.size
  fc0011 index iri> table.fill`;

const TAIL_CALL_ROWS = `
  12 index * return_call
  13 indirect * return_call_indirect`;

const EXCEPTION_ROWS = `
  06 block * try
  07 index * catch throw
  09 label * rethrow
  0a none * throw_ref
  18 label * delegate
  19 none * catch_all
  1f catches * try_table`;

const FUNCTION_REFERENCE_ROWS = `
  14 index * call_ref return_call_ref
  d4 none r>r ref.as_non_null
  d5 label * br_on_null br_on_non_null`;

function parseRows(feature: Feature, rows: string): Opcode[] {
  return rows
    .trim()
    .split("\n")
    .flatMap((row) => {
      const [first = "", immediates, stack = "", ...names] = row.trim().split(" ");
      const [pops = "", pushes = ""] = stack.split(">");
      return names.map((name, index) => ({
        code: Number.parseInt(first, 16) + index,
        name,
        feature,
        immediates: immediates as ImmediateKind,
        stack: stack === "*" ? undefined : { pops, pushes },
        isFloat: /f32|f64/.test(name),
      }));
    });
}

/** Every instruction that is known, in no particular order. */
export const OPCODES: readonly Opcode[] = [
  ...parseRows("MVP", MVP_ROWS),
  ...parseRows("sign extension", SIGN_EXTENSION_ROWS),
  ...parseRows("nontrapping conversion", CONVERSION_ROWS),
  ...parseRows("bulk memory", BULK_ROWS),
  ...parseRows("reference types", REFERENCE_ROWS),
  ...parseRows("tail call", TAIL_CALL_ROWS),
  ...parseRows("exceptions", EXCEPTION_ROWS),
  ...parseRows("function references", FUNCTION_REFERENCE_ROWS),
  ...VECTOR_ROWS.flatMap(({ feature, rows }) => parseRows(feature, rows)),
  ...parseRows("threads", THREAD_ROWS),
];

const BY_CODE = new Map(OPCODES.map((opcode) => [opcode.code, opcode]));

/** Finds an instruction by its code, as in `Opcode.code`. */
export function opcodeOf(code: number): Opcode | undefined {
  return BY_CODE.get(code);
}
