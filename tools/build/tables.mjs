// Fits the constants of the q15 form: the interpolated tanh table and the base-2 exponential (FORMAT.md 5.3, 5.6).
// `node tools/build/tables.mjs` prints host/model/tables.ts; test/model/tables-text.test.ts checks that the committed file is what this prints.

const LIMIT = 32766; // keeps sigmoid within 1..32767, so that 32768 - z fits an i16
const SEGMENT = 256;

/** The value of one table entry at `frac` (0..255), exactly as the kernels compute it. */
const interpolate = (base, slope, frac) => base + ((slope * frac) >> 8);

/** Largest absolute error of an entry over its segment, in Q15 units. */
function worstError(base, slope, targets) {
  let worst = 0;
  for (let frac = 0; frac < SEGMENT; frac++)
    worst = Math.max(worst, Math.abs(interpolate(base, slope, frac) - targets[frac]));
  return worst;
}

/** The pair (base, slope) with the smallest worst error, subject to `base >= floor` and, for segment 0, base = 0. */
function fitSegment(first, floor) {
  const targets = Array.from({ length: SEGMENT }, (_, i) =>
    Math.max(-LIMIT, Math.min(LIMIT, 32768 * Math.tanh((first + i) / 4096))),
  );
  const rise = targets[SEGMENT - 1] - targets[0];
  let best = null;
  for (let slope = Math.max(0, Math.floor(rise) - 12); slope <= rise + 24; slope++) {
    const centre = Math.round(targets[0]);
    for (let base = centre - 12; base <= centre + 12; base++) {
      if (base < floor || Math.abs(base) > LIMIT || Math.abs(interpolate(base, slope, SEGMENT - 1)) > LIMIT) continue;
      if (first === 0 && base !== 0) continue;
      const error = worstError(base, slope, targets);
      if (best === null || error < best.error) best = { base, slope, error };
    }
  }
  if (best === null) throw new Error(`No entry fits segment ${first}`);
  return best;
}

/** 256 pairs [base, slope] in the order of the unsigned high byte of v: 0..127, then -128..-1. */
export function fitTanh() {
  const bySegment = new Map();
  let floor = -LIMIT;
  for (let segment = -128; segment < 128; segment++) {
    // Segment -1 must not rise above T(0) = 0.
    const entry = fitSegment(segment * SEGMENT, floor);
    bySegment.set(segment, entry);
    floor = interpolate(entry.base, entry.slope, SEGMENT - 1);
    if (segment === -1 && floor > 0) throw new Error("Table is not monotone at zero");
  }
  const pairs = [];
  for (let byte = 0; byte < 256; byte++) {
    const { base, slope } = bySegment.get(byte < 128 ? byte : byte - 256);
    pairs.push([base, slope]);
  }
  return pairs;
}

/** 2^-x in Q15 for x = f / 32768, by the cubic with coefficients a, b, c (all Q15). */
export const exp2Cubic = (f, [a, b, c]) => 32768 - ((f * (a - ((f * (b - ((f * c) >> 15))) >> 15))) >> 15);

/** Coefficients of the cubic that minimise the worst relative error of 2^-x over 0 <= x < 1. */
export function fitExp2() {
  let best = null;
  for (let c = 1100; c <= 1800; c += 2) {
    for (let b = 7200; b <= 7960; b += 2) {
      for (let a = 16384 + b - c - 2; a <= 16384 + b - c + 2; a++) {
        let worst = 0;
        for (let f = 0; f < 32768; f += 1024) {
          worst = Math.max(worst, Math.abs(exp2Cubic(f, [a, b, c]) / 2 ** (15 - f / 32768) - 1));
          if (best !== null && worst >= best.worst) break;
        }
        if (best === null || worst < best.worst) best = { worst, coefficients: [a, b, c] };
      }
    }
  }
  return best.coefficients;
}

function print() {
  const pairs = fitTanh();
  const lines = [];
  for (let i = 0; i < 256; i += 8)
    lines.push(
      `  ${pairs
        .slice(i, i + 8)
        .flat()
        .join(", ")},`,
    );
  console.log(`// Written by tools/build/tables.mjs, which explains the fit. Normative: FORMAT.md 5.3 and 5.6.

/** 256 pairs (base, slope) of the tanh table, indexed by the high byte of v. */
// biome-ignore format: eight pairs a line
export const TANH_TABLE: readonly number[] = [
${lines.join("\n")}
];

/** Coefficients A, B, C of the cubic for 2^-x, Q15. */
export const EXP2_COEFFICIENTS: readonly [number, number, number] = [${fitExp2().join(", ")}];`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) print();
