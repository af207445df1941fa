// Written by tools/build/activations.mjs, which explains the fits.

// Offsets in CONSTANTS, bytes; four times as far in LANES.

/** Minus zero: the sign bit. */
export const SIGN = 0;
/** Greatest argument of a sigmoid: beyond, it is 1. */
export const GATE_HIGH = 4;
/** Least argument of a sigmoid: below, it is 0. */
export const GATE_LOW = 8;
/** Greatest argument of tanh: beyond, it is 1. */
export const TANH_HIGH = 12;
/** 2 / ln 2. */
export const LOG2E_TWICE = 16;
/** -2 / ln 2. */
export const LOG2E_MINUS = 20;
/** 1.5 * 2^23 + 127. */
export const MAGIC = 24;
/** 1, the first coefficient of both quintics. */
export const ONE = 28;
/** 2^x = 1 + P1 x + .. + P5 x^5 over -1/2..1/2. */
export const P1 = 32;
export const P2 = 36;
export const P3 = 40;
export const P4 = 44;
export const P5 = 48;
/** tanh(x ln 2 / 2) = x (O0 + O1 x^2) / (E0 + x^2) over -1/2..1/2. */
export const O0 = 52;
export const O1 = 56;
export const E0 = 60;
/** Just below 1/2. */
export const HALF = 64;
/** ln 2 / 2 in two parts, the first of 16 bits. */
export const LN2_HIGH = 68;
export const LN2_LOW = 72;
/** e^2x = 1 + C1 x + .. + C5 x^5 over 0..ln 2 / 2. */
export const C1 = 76;
export const C2 = 80;
export const C3 = 84;
export const C4 = 88;
export const C5 = 92;
/** Below, tanh(v) = v - v^3 R(v^2). */
export const SMALL = 96;
/** R(q) = R0 + R1 q + R2 q^2 + R3 q^3. */
export const R0 = 100;
export const R1 = 104;
export const R2 = 108;
export const R3 = 112;

/** The constants. In memory, because V8 rebuilds a v128.const in every turn of a loop. */
// biome-ignore format: one a line
export const CONSTANTS: usize = memory.data<f32>(
  [
    -0.0, // SIGN
    44, // GATE_HIGH
    -44.400001525878906, // GATE_LOW
    10, // TANH_HIGH
    2.885390043258667, // LOG2E_TWICE
    -2.885390043258667, // LOG2E_MINUS
    12583039, // MAGIC
    1, // ONE
    0.6931470036506653, // P1
    0.24022242426872253, // P2
    0.05550733581185341, // P3
    0.009671512991189957, // P4
    0.0013264735462144017, // P5
    7.215023517608643, // O0
    0.05770047754049301, // O1
    20.818157196044922, // E0
    0.4999999701976776, // HALF
    0.3465728759765625, // LN2_HIGH
    7.143033826650935e-7, // LN2_LOW
    2.000011920928955, // C1
    1.999483346939087, // C2
    1.3404392004013062, // C3
    0.6250023245811462, // C4
    0.37341976165771484, // C5
    0.6000000238418579, // SMALL
    0.33332395553588867, // R0
    -0.13309232890605927, // R1
    0.052002519369125366, // R2
    -0.015278982929885387, // R3
  ],
  16,
);

/** The first of them in four lanes: a load without a broadcast. Only in the SIMD build. */
// biome-ignore format: one a line
export const LANES: usize = ASC_FEATURE_SIMD
  ? memory.data<f32>(
      [
        -0.0, -0.0, -0.0, -0.0, // SIGN
        44, 44, 44, 44, // GATE_HIGH
        -44.400001525878906, -44.400001525878906, -44.400001525878906, -44.400001525878906, // GATE_LOW
        10, 10, 10, 10, // TANH_HIGH
        2.885390043258667, 2.885390043258667, 2.885390043258667, 2.885390043258667, // LOG2E_TWICE
        -2.885390043258667, -2.885390043258667, -2.885390043258667, -2.885390043258667, // LOG2E_MINUS
        12583039, 12583039, 12583039, 12583039, // MAGIC
        1, 1, 1, 1, // ONE
        0.6931470036506653, 0.6931470036506653, 0.6931470036506653, 0.6931470036506653, // P1
        0.24022242426872253, 0.24022242426872253, 0.24022242426872253, 0.24022242426872253, // P2
        0.05550733581185341, 0.05550733581185341, 0.05550733581185341, 0.05550733581185341, // P3
        0.009671512991189957, 0.009671512991189957, 0.009671512991189957, 0.009671512991189957, // P4
        0.0013264735462144017, 0.0013264735462144017, 0.0013264735462144017, 0.0013264735462144017, // P5
        7.215023517608643, 7.215023517608643, 7.215023517608643, 7.215023517608643, // O0
        0.05770047754049301, 0.05770047754049301, 0.05770047754049301, 0.05770047754049301, // O1
        20.818157196044922, 20.818157196044922, 20.818157196044922, 20.818157196044922, // E0
      ],
      16,
    )
  : 0;
