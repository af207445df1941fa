// Instructions of SIMD, relaxed SIMD and threads: rows as in opcodes.ts. No module for a microcontroller has them; they are here to be named.

const LANES = ["i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"] as const;
const COMPARISONS = ["eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"];
const FLOAT_COMPARISONS = ["eq", "ne", "lt", "gt", "le", "ge"];
const FLOAT_BINARY = ["add", "sub", "mul", "div", "min", "max", "pmin", "pmax"];

const of = (type: string, names: readonly string[] | string) =>
  (typeof names === "string" ? names.split(" ") : names).map((name) => `${type}.${name}`).join(" ");

const SIMD_ROWS = `
  fd0000 memarg i>v v128.load v128.load8x8_s v128.load8x8_u v128.load16x4_s v128.load16x4_u v128.load32x2_s v128.load32x2_u
  fd0007 memarg i>v v128.load8_splat v128.load16_splat v128.load32_splat v128.load64_splat
  fd000b memarg iv> v128.store
  fd000c bytes >v v128.const
  fd000d bytes vv>v i8x16.shuffle
  fd000e none vv>v i8x16.swizzle
  fd000f none x>v ${LANES.map((lane) => `${lane}.splat`).join(" ")}
  fd0015 lane v>i i8x16.extract_lane_s i8x16.extract_lane_u
  fd0017 lane vi>v i8x16.replace_lane
  fd0018 lane v>i i16x8.extract_lane_s i16x8.extract_lane_u
  fd001a lane vi>v i16x8.replace_lane
  fd001b lane v>i i32x4.extract_lane
  fd001c lane vi>v i32x4.replace_lane
  fd001d lane v>l i64x2.extract_lane
  fd001e lane vl>v i64x2.replace_lane
  fd001f lane v>f f32x4.extract_lane
  fd0020 lane vf>v f32x4.replace_lane
  fd0021 lane v>d f64x2.extract_lane
  fd0022 lane vd>v f64x2.replace_lane
  fd0023 none vv>v ${of("i8x16", COMPARISONS)}
  fd002d none vv>v ${of("i16x8", COMPARISONS)}
  fd0037 none vv>v ${of("i32x4", COMPARISONS)}
  fd0041 none vv>v ${of("f32x4", FLOAT_COMPARISONS)}
  fd0047 none vv>v ${of("f64x2", FLOAT_COMPARISONS)}
  fd004d none v>v v128.not
  fd004e none vv>v v128.and v128.andnot v128.or v128.xor
  fd0052 none vvv>v v128.bitselect
  fd0053 none v>i v128.any_true
  fd0054 memarg-lane iv>v v128.load8_lane v128.load16_lane v128.load32_lane v128.load64_lane
  fd0058 memarg-lane iv> v128.store8_lane v128.store16_lane v128.store32_lane v128.store64_lane
  fd005c memarg i>v v128.load32_zero v128.load64_zero
  fd005e none v>v f32x4.demote_f64x2_zero f64x2.promote_low_f32x4
  fd0060 none v>v i8x16.abs i8x16.neg i8x16.popcnt
  fd0063 none v>i i8x16.all_true i8x16.bitmask
  fd0065 none vv>v i8x16.narrow_i16x8_s i8x16.narrow_i16x8_u
  fd0067 none v>v f32x4.ceil f32x4.floor f32x4.trunc f32x4.nearest
  fd006b none vi>v i8x16.shl i8x16.shr_s i8x16.shr_u
  fd006e none vv>v i8x16.add i8x16.add_sat_s i8x16.add_sat_u i8x16.sub i8x16.sub_sat_s i8x16.sub_sat_u
  fd0074 none v>v f64x2.ceil f64x2.floor
  fd0076 none vv>v i8x16.min_s i8x16.min_u i8x16.max_s i8x16.max_u
  fd007a none v>v f64x2.trunc
  fd007b none vv>v i8x16.avgr_u
  fd007c none v>v i16x8.extadd_pairwise_i8x16_s i16x8.extadd_pairwise_i8x16_u
  fd007e none v>v i32x4.extadd_pairwise_i16x8_s i32x4.extadd_pairwise_i16x8_u
  fd0080 none v>v i16x8.abs i16x8.neg
  fd0082 none vv>v i16x8.q15mulr_sat_s
  fd0083 none v>i i16x8.all_true i16x8.bitmask
  fd0085 none vv>v i16x8.narrow_i32x4_s i16x8.narrow_i32x4_u
  fd0087 none v>v ${of("i16x8", "extend_low_i8x16_s extend_high_i8x16_s extend_low_i8x16_u extend_high_i8x16_u")}
  fd008b none vi>v i16x8.shl i16x8.shr_s i16x8.shr_u
  fd008e none vv>v i16x8.add i16x8.add_sat_s i16x8.add_sat_u i16x8.sub i16x8.sub_sat_s i16x8.sub_sat_u
  fd0094 none v>v f64x2.nearest
  fd0095 none vv>v i16x8.mul i16x8.min_s i16x8.min_u i16x8.max_s i16x8.max_u
  fd009b none vv>v i16x8.avgr_u
  fd009c none vv>v ${of("i16x8", "extmul_low_i8x16_s extmul_high_i8x16_s extmul_low_i8x16_u extmul_high_i8x16_u")}
  fd00a0 none v>v i32x4.abs i32x4.neg
  fd00a3 none v>i i32x4.all_true i32x4.bitmask
  fd00a7 none v>v ${of("i32x4", "extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u")}
  fd00ab none vi>v i32x4.shl i32x4.shr_s i32x4.shr_u
  fd00ae none vv>v i32x4.add
  fd00b1 none vv>v i32x4.sub
  fd00b5 none vv>v i32x4.mul i32x4.min_s i32x4.min_u i32x4.max_s i32x4.max_u i32x4.dot_i16x8_s
  fd00bc none vv>v ${of("i32x4", "extmul_low_i16x8_s extmul_high_i16x8_s extmul_low_i16x8_u extmul_high_i16x8_u")}
  fd00c0 none v>v i64x2.abs i64x2.neg
  fd00c3 none v>i i64x2.all_true i64x2.bitmask
  fd00c7 none v>v ${of("i64x2", "extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u")}
  fd00cb none vi>v i64x2.shl i64x2.shr_s i64x2.shr_u
  fd00ce none vv>v i64x2.add
  fd00d1 none vv>v i64x2.sub
  fd00d5 none vv>v i64x2.mul ${of("i64x2", "eq ne lt_s gt_s le_s ge_s")}
  fd00dc none vv>v ${of("i64x2", "extmul_low_i32x4_s extmul_high_i32x4_s extmul_low_i32x4_u extmul_high_i32x4_u")}
  fd00e0 none v>v f32x4.abs f32x4.neg
  fd00e3 none v>v f32x4.sqrt
  fd00e4 none vv>v ${of("f32x4", FLOAT_BINARY)}
  fd00ec none v>v f64x2.abs f64x2.neg
  fd00ef none v>v f64x2.sqrt
  fd00f0 none vv>v ${of("f64x2", FLOAT_BINARY)}
  fd00f8 none v>v i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u
  fd00fc none v>v i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u`;

const RELAXED_ROWS = `
  fd0100 none vv>v i8x16.relaxed_swizzle
  fd0101 none v>v ${of("i32x4", "relaxed_trunc_f32x4_s relaxed_trunc_f32x4_u relaxed_trunc_f64x2_s_zero relaxed_trunc_f64x2_u_zero")}
  fd0105 none vvv>v f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd
  fd0109 none vvv>v ${LANES.slice(0, 4)
    .map((lane) => `${lane}.relaxed_laneselect`)
    .join(" ")}
  fd010d none vv>v f32x4.relaxed_min f32x4.relaxed_max f64x2.relaxed_min f64x2.relaxed_max
  fd0111 none vv>v i16x8.relaxed_q15mulr_s i16x8.relaxed_dot_i8x16_i7x16_s
  fd0113 none vvv>v i32x4.relaxed_dot_i8x16_i7x16_add_s`;

/** Rows of SIMD and relaxed SIMD. */
export const VECTOR_ROWS = [
  { feature: "SIMD", rows: SIMD_ROWS },
  { feature: "relaxed SIMD", rows: RELAXED_ROWS },
] as const;

/** The rows of one atomic read-modify-write operation, seven instructions from `first` on; `operands` is how many values it takes. */
function atomicRows(operation: string, index: number): string {
  const first = 0xfe001e + 7 * index;
  const count = operation === "cmpxchg" ? 2 : 1;
  const row = (at: number, type: "i" | "l", names: readonly string[]) =>
    `${(first + at).toString(16)} memarg i${type.repeat(count)}>${type} ${names.join(" ")}`;
  const narrow = (type: string, bits: number) => `${type}.atomic.rmw${bits}.${operation}_u`;
  return [
    row(0, "i", [`i32.atomic.rmw.${operation}`]),
    row(1, "l", [`i64.atomic.rmw.${operation}`]),
    row(2, "i", [narrow("i32", 8), narrow("i32", 16)]),
    row(4, "l", [narrow("i64", 8), narrow("i64", 16), narrow("i64", 32)]),
  ].join("\n");
}

/** Rows of threads. */
export const THREAD_ROWS = `
  fe0000 memarg ii>i memory.atomic.notify
  fe0001 memarg iil>i memory.atomic.wait32
  fe0002 memarg ill>i memory.atomic.wait64
  fe0003 lane > atomic.fence
  fe0010 memarg i>i i32.atomic.load
  fe0011 memarg i>l i64.atomic.load
  fe0012 memarg i>i i32.atomic.load8_u i32.atomic.load16_u
  fe0014 memarg i>l i64.atomic.load8_u i64.atomic.load16_u i64.atomic.load32_u
  fe0017 memarg ii> i32.atomic.store
  fe0018 memarg il> i64.atomic.store
  fe0019 memarg ii> i32.atomic.store8 i32.atomic.store16
  fe001b memarg il> i64.atomic.store8 i64.atomic.store16 i64.atomic.store32
  ${["add", "sub", "and", "or", "xor", "xchg", "cmpxchg"].map(atomicRows).join("\n")}`;
