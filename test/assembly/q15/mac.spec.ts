import { dotQ15, gateSumsQ15, PAIR_BYTES, rowSumsQ15 } from "../../../assembly/q15/mac";
import { vector, zeros } from "../support/memory";
import { integer, integers } from "../support/random";

describe("PAIR_BYTES", () => {
  it("is 16 rows of two weights, i16 in the SIMD build and i8 in the scalar build", () => {
    expect(PAIR_BYTES).toBe(ASC_FEATURE_SIMD ? 64 : 32);
  });
});

describe("dotQ15", () => {
  it("returns its start when the vector is empty", () => {
    expect(dotQ15<i8>(zeros(4), zeros(4), zeros(0), 7, 2)).toBe(7);
  });

  it("adds the products of pairs of i8 that lie `stride` bytes apart", () => {
    const w = vector<i8>([2, 3, 99, 99, -4, 5]);
    const x = vector<i16>([1, 10, 100, 1000]);
    expect(dotQ15<i8>(w, x, x + 8, 1, 4)).toBe(4633); // 1 + 2 + 30 - 400 + 5000
  });

  it("adds the products of pairs of i16", () => {
    const w = vector<i16>([-32767, 32767, 1, -1]);
    const x = vector<i16>([-1, 1, 7, 5]);
    expect(dotQ15<i16>(w, x, x + 8, 0, 4)).toBe(65536);
  });

  it("reads one element behind an odd vector, for a zero weight", () => {
    const w = vector<i8>([3, 4, 5, 0]);
    const x = vector<i16>([1, 10, 100, 12345]);
    expect(dotQ15<i8>(w, x, x + 6, 0, 2)).toBe(543);
  });

  it("is exact up to the bound of FORMAT.md 5: |bias| + 32768 sum |weight| <= 2^31 - 1", () => {
    const w = vector<i8>([127, 127, 127, 127]);
    const x = vector<i16>([-32768, -32768, -32768, -32768]);
    const least = -32768 * 127 * 4;
    expect(dotQ15<i8>(w, x, x + 8, i32.MIN_VALUE - least, 2)).toBe(i32.MIN_VALUE);
  });
});

if (ASC_FEATURE_SIMD) {
  describe("rowSumsQ15", () => {
    it("returns what it starts from when the vector is empty", () => {
      expect(rowDifferences(0, 64)).toBe(0);
    });

    it("gives the sums of dotQ15 in each of 4 rows", () => {
      expect(rowDifferences(8, 64)).toBe(0);
      expect(rowDifferences(6, 192)).toBe(0);
    });

    it("gives them for an odd vector, whatever follows it", () => {
      expect(rowDifferences(7, 64)).toBe(0);
    });
  });

  describe("gateSumsQ15", () => {
    it("gives the sums of dotQ15 in each of 48 sums, n apart from r and z", () => {
      expect(gateDifferences(2)).toBe(0);
      expect(gateDifferences(10)).toBe(0);
    });

    it("gives them for an odd vector, whatever follows it", () => {
      expect(gateDifferences(1)).toBe(0);
      expect(gateDifferences(9)).toBe(0);
    });

    it("returns what it starts from when the vector is empty", () => {
      expect(gateDifferences(0)).toBe(0);
    });
  });
}

/** A vector of i16 from end to end, with one element more. */
function inputs(columns: i32): usize {
  const x = zeros(2 * columns + 2);
  for (let k = 0; k <= columns; k++) store<i16>(x + usize(2 * k), i16(k === 0 ? -32768 : integer(-32768, 32767)));
  return x;
}

/** Weights i16[pairs][stride / 4][2], those of a column beyond the last being zero. */
function weights(columns: i32, stride: i32): usize {
  const pairs = (columns + 1) >> 1;
  const w = zeros(pairs * stride);
  for (let i = 0; i < (pairs * stride) / 2; i++) {
    const column = 2 * ((2 * i) / stride) + (i & 1);
    store<i16>(w + usize(2 * i), i16(column < columns ? integer(-127, 127) : 0));
  }
  return w;
}

function rowDifferences(columns: i32, stride: i32): i32 {
  const w = weights(columns, stride);
  const x = inputs(columns);
  const b = vector<i32>(integers(4, -1000000, 1000000));
  const t = zeros(16);
  const end = x + usize(2 * columns);
  rowSumsQ15(w, x, end, b, t, usize(stride));
  let differences = 0;
  for (let at: usize = 0; at < 16; at += 4) {
    if (load<i32>(t + at) !== dotQ15<i16>(w + at, x, end, load<i32>(b + at), usize(stride))) differences++;
  }
  return differences;
}

function gateDifferences(columns: i32): i32 {
  const w = weights(columns, 192);
  const x = inputs(columns);
  const n = vector<i32>(integers(16, -1000000, 1000000));
  const rz = vector<i32>(integers(32, -1000000, 1000000));
  const to = zeros(192);
  const end = x + usize(2 * columns);
  gateSumsQ15(w, x, end, n, rz, to);
  let differences = 0;
  for (let at: usize = 0; at < 192; at += 4) {
    const start = at < 64 ? load<i32>(n + at) : load<i32>(rz + at - 64);
    if (load<i32>(to + at) !== dotQ15<i16>(w + at, x, end, start, 192)) differences++;
  }
  return differences;
}
