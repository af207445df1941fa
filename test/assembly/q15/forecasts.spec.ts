import { RING_ROW, RING_STEPS } from "../../../assembly/layout";
import { readingOf, residualsQ15 } from "../../../assembly/q15/forecasts";
import { vector, zeros } from "../support/memory";

/** Horizon 2; output 1 forecasts input 0, output 0 input 1. */
const FORECASTS = vector<i32>([2, 2, 0, 4, 0, 4, 0, 0]);

describe("residualsQ15 (FORMAT.md 7.1)", () => {
  it("knows nothing of the samples before the horizon", () => {
    const ring = zeros(48);
    for (let t = 0; t < 2; t++) {
      step(ring, 5, 6, 7, 8);
      for (let i = 0; i < 4; i++) expect<i32>(value(ring, i)).toBe(0);
    }
  });

  it("compares a sample with the prediction of `horizon` steps before", () => {
    const ring = zeros(48);
    step(ring, 0, 0, 10, 20);
    step(ring, 0, 0, 30, 40);
    step(ring, 1, 2, 50, 60);
    expect<i32>(value(ring, 0)).toBe(20, "expected of input 0");
    expect<i32>(value(ring, 1)).toBe(10, "expected of input 1");
    expect<i32>(value(ring, 2)).toBe(-19, "residual of input 0");
    expect<i32>(value(ring, 3)).toBe(-8, "residual of input 1");
    step(ring, 1, 2, 0, 0);
    expect<i32>(value(ring, 2)).toBe(-39);
    step(ring, 1, 2, 0, 0);
    expect<i32>(value(ring, 2)).toBe(-59, "the row of the first step has been taken again");
  });

  it("saturates the difference at the ends of 32 bits", () => {
    expect(residual(i32.MAX_VALUE, -1)).toBe(i32.MAX_VALUE);
    expect(residual(i32.MIN_VALUE, 1)).toBe(i32.MIN_VALUE);
    expect(residual(0, i32.MIN_VALUE)).toBe(i32.MAX_VALUE);
    expect(residual(-1, i32.MIN_VALUE)).toBe(i32.MAX_VALUE);
    expect(residual(i32.MAX_VALUE, i32.MAX_VALUE)).toBe(0);
  });

  it("counts steps, and rows round the horizon", () => {
    const ring = zeros(48);
    for (let t = 1; t <= 5; t++) {
      step(ring, 0, 0, 0, 0);
      expect(load<u32>(ring, RING_STEPS)).toBe(t);
      expect(load<u32>(ring, RING_ROW)).toBe(t % 2);
    }
  });

  it("stays known when the count is full", () => {
    const ring = zeros(48);
    store<u32>(ring, u32.MAX_VALUE, RING_STEPS);
    step(ring, 0, 0, 0, 7);
    expect(load<u32>(ring, RING_STEPS)).toBe(u32.MAX_VALUE);
    expect(load<u32>(ring, RING_ROW)).toBe(1);
    step(ring, 0, 0, 0, 0);
    step(ring, 9, 0, 0, 0);
    expect<i32>(value(ring, 2)).toBe(2);
  });

  it("writes the ring and nothing behind it", () => {
    const ring = zeros(64);
    for (let t = 0; t < 5; t++) step(ring, 1, 1, 1, 1);
    // 2 counters, 2 expected, 2 residuals, 2 rows of 2
    for (let at: usize = 40; at < 64; at += 4) expect(load<i32>(ring + at)).toBe(0);
  });
});

describe("readingOf", () => {
  it("shifts a raw input to the fraction of the output", () => {
    expect(readingOf(7, 0)).toBe(7);
    expect(readingOf(7, 4)).toBe(112);
    expect(readingOf(-7, 4)).toBe(-112);
  });

  it("rounds down where the output is coarser", () => {
    expect(readingOf(31, -4)).toBe(1);
    expect(readingOf(-1, -4)).toBe(-1);
    expect(readingOf(i32.MIN_VALUE, -31)).toBe(-1);
    expect(readingOf(i32.MAX_VALUE, -31)).toBe(0);
  });

  it("saturates where the output is finer", () => {
    expect(readingOf(1 << 30, 1)).toBe(i32.MAX_VALUE);
    expect(readingOf(-(1 << 30), 1)).toBe(i32.MIN_VALUE);
    expect(readingOf(1, 31)).toBe(i32.MAX_VALUE);
    expect(readingOf(-1, 31)).toBe(i32.MIN_VALUE);
    expect(readingOf(i32.MAX_VALUE, 31)).toBe(i32.MAX_VALUE);
    expect(readingOf(i32.MIN_VALUE, 31)).toBe(i32.MIN_VALUE);
    expect(readingOf(0, 31)).toBe(0);
  });
});

/** The residual of input 0 after predictions of `expected`. */
function residual(reading: i32, expected: i32): i32 {
  const ring = zeros(48);
  step(ring, 0, 0, 0, expected);
  step(ring, 0, 0, 0, 0);
  step(ring, reading, 0, 0, 0);
  return value(ring, 2);
}

function step(ring: usize, a: i32, b: i32, y0: i32, y1: i32): void {
  residualsQ15(FORECASTS, ring, vector<i32>([a, b]), vector<i32>([y0, y1]));
}

/** Word `i` behind the counters: expected of inputs 0 and 1, then their residuals. */
function value(ring: usize, i: i32): i32 {
  return load<i32>(ring + usize(8 + 4 * i));
}
