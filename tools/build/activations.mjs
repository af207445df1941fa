// Fits the constants of tanh, sigmoid and exp in single precision (assembly/f32/activations.ts): minimax polynomials, then a search over
// the roundings of their coefficients for the least error of the whole evaluation, every operation rounded as the kernels round it.
// `node tools/build/activations.mjs` prints assembly/f32/coefficients.ts; test/runtime/activations.test.ts checks that the committed
// file is what this prints.

import { minimax, powers, searchRoundings, ulps } from "./minimax.mjs";

const f = Math.fround;

/** 1.5 · 2^23 + 127: added to a small number, it leaves the nearest integer, biased as the exponent of an f32, in the lowest bits. */
const MAGIC = 12583039;

/** Just below ½, so that v = 0 has k = 0 also where a tie would round to an even number. */
const HALF = ulps(0.5, -1);

/** Beyond these, e^-2v is 0 and infinite. */
const SIGMOID_HIGH = 44;
const SIGMOID_LOW = f(-44.4);

/** Beyond this, tanh is 1. */
const TANH_LIMIT = 10;

/** R is fitted up to here; tanh(v) leaves v - v³ R(v²) a little below, where the next form takes over without a fall. */
const SMALL_END = 0.62;

const LOG2E = f(2 / Math.LN2);

/** ln 2 / 2 in two parts; the first has 16 bits, so that its product with any k is exact. */
const LN2_HIGH = Math.floor((Math.LN2 / 2) * 2 ** 17) / 2 ** 17;
const LN2_LOW = f(Math.LN2 / 2 - LN2_HIGH);

/** 1 + c1 x + … + c5 x^5 as the kernels add it up. */
function quintic(x, [c1, c2, c3, c4, c5]) {
  const square = f(x * x);
  const low = f(f(x * c1) + 1);
  const middle = f(f(x * c3) + c2);
  const high = f(f(x * c5) + c4);
  return f(f(f(f(high * square) + middle) * square) + low);
}

const points = (low, high, count) => Array.from({ length: count }, (_, i) => f(low + ((high - low) * i) / (count - 1)));
const greatest = (values) => values.reduce((most, value) => Math.max(most, value), 0);

/** e^2x as a quintic over 0..ln 2 / 2. It must not exceed 2 at the end, where the next power of two takes over. */
function fitExp() {
  const fitted = minimax(
    (x) => (x < 1e-5 ? 2 + 2 * x : Math.expm1(2 * x) / x),
    (x) => (x + 1e-9) * Math.exp(-2 * x),
    0,
    Math.LN2 / 2,
    powers(4),
  );
  const grid = points(0, Math.LN2 / 2, 1500).map((x) => [x, Math.exp(2 * x)]);
  const ends = Array.from({ length: 8 }, (_, i) => ulps(f(Math.LN2 / 2), i - 5));
  return searchRoundings(fitted, (c) => {
    if (ends.some((x) => quintic(x, c) > 2)) return 1;
    return greatest(grid.map(([x, y]) => Math.abs(quintic(x, c) / y - 1)));
  });
}

/** 2^x as a quintic over -½..½. */
function fitExp2() {
  const fitted = minimax(
    (x) => (Math.abs(x) < 1e-7 ? Math.LN2 + 0.24 * x : Math.expm1(x * Math.LN2) / x),
    (x) => (Math.abs(x) + 1e-12) * 2 ** -x,
    -0.5,
    0.5,
    powers(4),
  );
  const grid = points(-0.5, 0.5, 1500).map((x) => [x, 2 ** x]);
  return searchRoundings(fitted, (c) => greatest(grid.map(([x, y]) => Math.abs(quintic(x, c) / y - 1))));
}

/** v - v³ R(v²) as tanhF32 computes it. */
function smallTanh(v, [r0, r1, r2, r3]) {
  const q = f(v * v);
  const r = f(f(f(q * q) * f(f(q * r3) + r2)) + f(f(q * r1) + r0));
  return f(v - f(f(v * q) * r));
}

/** R(q) = (1 - tanh(v) / v) / q, q = v², as a cubic. */
function fitSmall() {
  const ratio = (q) => (q === 0 ? 1 : Math.tanh(Math.sqrt(q)) / Math.sqrt(q));
  const fitted = minimax(
    (q) => (q < 1e-3 ? 1 / 3 - (2 / 15) * q + (17 / 315) * q * q - (62 / 2835) * q ** 3 : (1 - ratio(q)) / q),
    (q) => (q + 1e-12) / ratio(q),
    0,
    SMALL_END ** 2,
    powers(3),
  );
  const grid = points(1e-3, SMALL_END, 1500).map((v) => [v, Math.tanh(v)]);
  return searchRoundings(fitted, (c) => greatest(grid.map(([v, y]) => Math.abs(smallTanh(v, c) / y - 1))));
}

/** Where the first form of tanh ends: the next value of the second one is not less. */
function fitSeam(small, exp2) {
  const second = (v) => {
    const t = f(v * LOG2E);
    const k = Math.round(t);
    return f(1 - f(2 / f(f(2 ** k * quintic(f(t - k), exp2)) + 1)));
  };
  for (let v = 0.6; v < SMALL_END; v += 2 ** -12) {
    if (second(f(v)) >= smallTanh(ulps(f(v), -1), small)) return f(v);
  }
  throw new Error("The two forms of tanh meet nowhere");
}

/** tanh(v), v >= 0, as candidateF32 computes it: (2^t - 1) / (2^t + 1), 2^t = 2^k (even + odd) / (even - odd). */
function candidate(v, [o0, o1, e0]) {
  const t = f(Math.min(v, TANH_LIMIT) * LOG2E);
  const k = Math.round(t);
  const x = f(t - k);
  const square = f(x * x);
  const even = f(square + e0);
  const odd = f(x * f(f(square * o1) + o0));
  const scale = 2 ** k;
  const top = f(f(f(scale - 1) * even) + f(f(scale + 1) * odd));
  const twice = f(2 * f(even - odd));
  return top < twice ? f(top / f(top + twice)) : f(1 - f(twice / f(top + twice)));
}

/** o0, o1, e0 with tanh(x ln 2 / 2) = x (o0 + o1 x²) / (e0 + x²) over -½..½: linear in all three once multiplied out. */
function fitCandidate() {
  const tanh = (x) => Math.tanh((x * Math.LN2) / 2);
  const near = 10 / Math.LN2 ** 2; // e0 of the continued fraction
  const fitted = minimax(
    (x) => tanh(x) * x * x,
    (x) => 1 / (tanh(x) * (near + x * x)),
    1e-3,
    0.5,
    [(x) => x, (x) => x ** 3, (x) => -tanh(x)],
  );
  const grid = [...points(1e-3, 0.8, 3000), ...points(0.8, 4, 1000)].map((v) => [v, Math.tanh(v)]);
  return searchRoundings(fitted, (c) => greatest(grid.map(([v, y]) => Math.abs(candidate(v, c) / y - 1))));
}

/** Names, values and meanings of the constants; the first ones are those that the SIMD build has for four lanes, too. */
function fitAll() {
  const numbered = (letter, first, values, meaning) =>
    values.map((value, i) => [`${letter}${first + i}`, value, i === 0 ? meaning : undefined]);
  const [exp2, small, [o0, o1, e0]] = [fitExp2(), fitSmall(), fitCandidate()];
  const laneConstants = [
    ["SIGN", "-0.0", "Minus zero: the sign bit"],
    ["GATE_HIGH", SIGMOID_HIGH, "Greatest argument of a sigmoid: beyond, it is 1"],
    ["GATE_LOW", SIGMOID_LOW, "Least argument of a sigmoid: below, it is 0"],
    ["TANH_HIGH", TANH_LIMIT, "Greatest argument of tanh: beyond, it is 1"],
    ["LOG2E_TWICE", LOG2E, "2 / ln 2"],
    ["LOG2E_MINUS", -LOG2E, "-2 / ln 2"],
    ["MAGIC", MAGIC, "1.5 * 2^23 + 127"],
    ["ONE", 1, "1, the first coefficient of both quintics"],
    ...numbered("P", 1, exp2, "2^x = 1 + P1 x + .. + P5 x^5 over -1/2..1/2"),
    ...numbered("O", 0, [o0, o1], "tanh(x ln 2 / 2) = x (O0 + O1 x^2) / (E0 + x^2) over -1/2..1/2"),
    ["E0", e0],
  ];
  const others = [
    ["HALF", HALF, "Just below 1/2"],
    ["LN2_HIGH", LN2_HIGH, "ln 2 / 2 in two parts, the first of 16 bits"],
    ["LN2_LOW", LN2_LOW],
    ...numbered("C", 1, fitExp(), "e^2x = 1 + C1 x + .. + C5 x^5 over 0..ln 2 / 2"),
    ["SMALL", fitSeam(small, exp2), "Below, tanh(v) = v - v^3 R(v^2)"],
    ...numbered("R", 0, small, "R(q) = R0 + R1 q + R2 q^2 + R3 q^3"),
  ];
  return { laneConstants, others };
}

function print() {
  const { laneConstants, others } = fitAll();
  const all = [...laneConstants, ...others];
  const offsets = all.flatMap(([name, , meaning], i) => [
    ...(meaning === undefined ? [] : [`/** ${meaning}. */`]),
    `export const ${name} = ${4 * i};`,
  ]);
  const scalars = all.map(([name, value]) => `    ${value}, // ${name}`);
  const lanes = laneConstants.map(([name, value]) => `        ${Array(4).fill(value).join(", ")}, // ${name}`);
  console.log(`// Written by tools/build/activations.mjs, which explains the fits.

// Offsets in CONSTANTS, bytes; four times as far in LANES.

${offsets.join("\n")}

/** The constants. In memory, because V8 rebuilds a v128.const in every turn of a loop. */
// biome-ignore format: one a line
export const CONSTANTS: usize = memory.data<f32>(
  [
${scalars.join("\n")}
  ],
  16,
);

/** The first of them in four lanes: a load without a broadcast. Only in the SIMD build. */
// biome-ignore format: one a line
export const LANES: usize = ASC_FEATURE_SIMD
  ? memory.data<f32>(
      [
${lanes.join("\n")}
      ],
      16,
    )
  : 0;`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) print();
