import { residualsF32 } from "../../../assembly/f32/forecasts";
import { RING_ROW, RING_STEPS } from "../../../assembly/layout";
import { vector, zeros } from "../support/memory";

/** Horizon 2; output 1 forecasts input 0, output 0 input 1. */
const FORECASTS = vector<i32>([2, 2, 0, 4, 0, 4, 0, 0]);

describe("residualsF32 (FORMAT.md 7.1)", () => {
  it("knows nothing of the samples before the horizon", () => {
    const ring = zeros(48);
    for (let t = 0; t < 2; t++) {
      step(ring, 5, 6, 7, 8);
      for (let i = 0; i < 4; i++) expect<f32>(value(ring, i)).toBe(0);
    }
  });

  it("compares a sample with the prediction of `horizon` steps before", () => {
    const ring = zeros(48);
    step(ring, 0, 0, 10, 20);
    step(ring, 0, 0, 30, 40);
    step(ring, 1, 2, 50, 60);
    expect<f32>(value(ring, 0)).toBe(20, "expected of input 0");
    expect<f32>(value(ring, 1)).toBe(10, "expected of input 1");
    expect<f32>(value(ring, 2)).toBe(-19, "residual of input 0");
    expect<f32>(value(ring, 3)).toBe(-8, "residual of input 1");
    step(ring, 1, 2, 0, 0);
    expect<f32>(value(ring, 2)).toBe(-39);
    step(ring, 1, 2, 0, 0);
    expect<f32>(value(ring, 2)).toBe(-59, "the row of the first step has been taken again");
  });

  it("rounds the difference once", () => {
    const ring = zeros(48);
    step(ring, 0, 0, 0, 0.1);
    step(ring, 0, 0, 0, 0);
    step(ring, 0.3, 0, 0, 0);
    expect<f32>(value(ring, 2)).toBe(f32(0.3) - f32(0.1));
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
    expect<f32>(value(ring, 2)).toBe(2);
  });

  it("writes the ring and nothing behind it", () => {
    const ring = zeros(64);
    for (let t = 0; t < 5; t++) step(ring, 1, 1, 1, 1);
    // 2 counters, 2 expected, 2 residuals, 2 rows of 2
    for (let at: usize = 40; at < 64; at += 4) expect(load<i32>(ring + at)).toBe(0);
  });
});

function step(ring: usize, a: f32, b: f32, y0: f32, y1: f32): void {
  residualsF32(FORECASTS, ring, vector<f32>([a, b]), vector<f32>([y0, y1]));
}

/** Word `i` behind the counters: expected of inputs 0 and 1, then their residuals. */
function value(ring: usize, i: i32): f32 {
  return load<f32>(ring + usize(8 + 4 * i));
}
