import { stream_f32, stream_i8, stream_i16 } from "../../../assembly/bench/limits";
import { vector, zeros } from "../support/memory";
import { integers, uniforms } from "../support/random";

/** Rows and columns of the weights. */
const ROWS = 48;
const COLUMNS = 3;

if (ASC_FEATURE_SIMD) {
  describe("stream_f32", () => {
    it("adds W x to 48 sums, as often as it is told", () => {
      const w = uniforms(ROWS * COLUMNS, 1);
      const x = uniforms(COLUMNS, 1);
      const t = zeros(192);
      stream_f32(vector<f32>(w), vector<f32>(x), t, 192 * COLUMNS, 2);
      for (let row = 0; row < ROWS; row++) {
        let sum: f32 = 0;
        for (let pass = 0; pass < 2; pass++) for (let k = 0; k < COLUMNS; k++) sum += w[ROWS * k + row] * x[k];
        expect<f32>(load<f32>(t + usize(4 * row))).toBe(sum);
      }
    });
  });

  describe("stream_i16", () => {
    it("adds W x to 48 sums, as often as it is told", () => {
      const w = integers(2 * ROWS * COLUMNS, -127, 127);
      const x = integers(2 * COLUMNS, -32768, 32767);
      const t = zeros(192);
      stream_i16(halves(w), halves(x), t, 192 * COLUMNS, 2);
      expect(differences(w, x, t, 2)).toBe(0);
    });
  });

  describe("stream_i8", () => {
    it("adds W x to 48 sums, as often as it is told", () => {
      const w = integers(2 * ROWS * COLUMNS, -127, 127);
      const x = integers(2 * COLUMNS, -32768, 32767);
      const t = zeros(192);
      const bytes = zeros(w.length);
      for (let i = 0; i < w.length; i++) store<i8>(bytes + usize(i), i8(w[i]));
      stream_i8(bytes, halves(x), t, 96 * COLUMNS, 2);
      expect(differences(w, x, t, 2)).toBe(0);
    });
  });
}

function halves(values: StaticArray<i32>): usize {
  const at = zeros(2 * values.length);
  for (let i = 0; i < values.length; i++) store<i16>(at + usize(2 * i), i16(values[i]));
  return at;
}

/** Sums that differ from `passes` times W x, W being [pairs][48][2]. */
function differences(w: StaticArray<i32>, x: StaticArray<i32>, t: usize, passes: i32): i32 {
  let count = 0;
  for (let row = 0; row < ROWS; row++) {
    let sum = 0;
    for (let k = 0; k < x.length; k++) sum += w[((k >> 1) * ROWS + row) * 2 + (k & 1)] * x[k];
    if (load<i32>(t + usize(4 * row)) !== passes * sum) count++;
  }
  return count;
}
