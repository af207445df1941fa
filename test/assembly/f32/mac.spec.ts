import { dotF32, gateSumsF32, narrowSumF32, rowSumF32, rowSumsF32 } from "../../../assembly/f32/mac";
import { vector, zeros } from "../support/memory";
import { uniforms } from "../support/random";

describe("dotF32", () => {
  it("returns its start when the vector is empty", () => {
    expect<f32>(dotF32(zeros(4), zeros(4), zeros(0), 7, 4)).toBe(7);
  });

  it("adds the products of weights that lie `stride` bytes apart", () => {
    const w = vector<f32>([2, 99, 3, 99, 4, 99]);
    const x = vector<f32>([10, 100, 1000]);
    expect<f32>(dotF32(w, x, x + 12, 1, 8)).toBe(4321);
  });

  it("adds in ascending k: single precision is not associative", () => {
    const one = vector<f32>([1, 1, 1]);
    const x = vector<f32>([1e8, -1e8, 1]);
    expect<f32>(dotF32(one, x, x + 12, 0, 4)).toBe(1);
    const y = vector<f32>([1, 1e8, -1e8]);
    expect<f32>(dotF32(one, y, y + 12, 0, 4)).toBe(0);
  });

  it("does not fuse multiplication and addition", () => {
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24: the last term is lost when the product is rounded.
    const a = vector<f32>([1.000244140625]);
    expect<f32>(dotF32(a, a, a + 4, -1, 4)).toBe(0.00048828125);
  });
});

describe("rowSumF32", () => {
  it("returns its start when the vector is empty", () => {
    expect<f32>(rowSumF32(zeros(4), zeros(4), zeros(0), 7, 4)).toBe(7);
  });

  it("adds the products of weights that lie `stride` bytes apart", () => {
    const w = vector<f32>([1, 99, 2, 99, 3, 99, 4, 99, 5, 99, 6, 99]);
    const x = vector<f32>([1, 10, 100, 1000, 10000, 100000]);
    expect<f32>(rowSumF32(w, x, x + 24, 0.5, 8)).toBe(654321.5);
  });

  it("keeps four sums, k modulo 4, and adds (s0 + s1) + (s2 + s3)", () => {
    const one = vector<f32>([1, 1, 1, 1, 1, 1, 1, 1]);
    const x = vector<f32>([1e8, 1, -1, 1, -1e8, 1, 1, 1]); // s0 = 0, s1 = 2, s2 = 0, s3 = 2
    expect<f32>(rowSumF32(one, x, x + 32, 0, 4)).toBe(4);
    const y = vector<f32>([1e8, -1e8, 1, 0]);
    expect<f32>(rowSumF32(one, y, y + 16, 0, 4)).toBe(1);
    const z = vector<f32>([0, 1, 1e8, -1e8]);
    expect<f32>(rowSumF32(one, z, z + 16, 0, 4)).toBe(1);
  });

  it("adds the columns behind the last four to the first sum", () => {
    const one = vector<f32>([1, 1, 1, 1, 1]);
    const x = vector<f32>([1e8, 1, 0, 0, -1e8]);
    expect<f32>(rowSumF32(one, x, x + 20, 0, 4)).toBe(1);
  });
});

if (ASC_FEATURE_SIMD) {
  describe("narrowSumF32", () => {
    it("gives the bits of rowSumF32 for every length", () => {
      for (let size = 0; size < 20; size++) {
        const w = changetype<usize>(uniforms(size, 1));
        const x = changetype<usize>(uniforms(size, 1));
        const end = x + usize(4 * size);
        expect<f32>(narrowSumF32(w, x, end, 0.1)).toBe(rowSumF32(w, x, end, 0.1, 4), `${size} columns`);
      }
    });
  });

  describe("rowSumsF32", () => {
    it("gives the bits of rowSumF32 in each of 4 rows, for any number of columns", () => {
      for (let columns = 0; columns <= 9; columns++) {
        expect(rowDifferences(columns, 64)).toBe(0, `${columns} columns`);
        expect(rowDifferences(columns, 192)).toBe(0, `${columns} columns`);
      }
    });

    it("may write where it starts from", () => {
      const t = vector<f32>(uniforms(4, 1));
      const w = vector<f32>(uniforms(4, 1));
      const x = vector<f32>([2]);
      const expected = rowSumF32(w + 12, x, x + 4, load<f32>(t, 12), 64);
      rowSumsF32(w, x, x + 4, t, t, 64);
      expect<f32>(load<f32>(t, 12)).toBe(expected);
    });
  });

  describe("gateSumsF32", () => {
    it("gives the bits of dotF32 in each of 48 sums, n apart from r and z", () => {
      expect(gateDifferences(1)).toBe(0);
      expect(gateDifferences(9)).toBe(0);
    });

    it("returns what it starts from when the vector is empty", () => {
      expect(gateDifferences(0)).toBe(0);
    });
  });
}

function rowDifferences(columns: i32, stride: i32): i32 {
  const w = vector<f32>(uniforms((columns * stride) / 4, 1));
  const x = vector<f32>(uniforms(columns, 1));
  const b = vector<f32>(uniforms(4, 1));
  const t = zeros(16);
  const end = x + usize(4 * columns);
  rowSumsF32(w, x, end, b, t, usize(stride));
  let differences = 0;
  for (let at: usize = 0; at < 16; at += 4) {
    if (load<f32>(t + at) !== rowSumF32(w + at, x, end, load<f32>(b + at), usize(stride))) differences++;
  }
  return differences;
}

function gateDifferences(columns: i32): i32 {
  const w = vector<f32>(uniforms(48 * columns, 1));
  const x = vector<f32>(uniforms(columns, 1));
  const n = vector<f32>(uniforms(16, 1));
  const rz = vector<f32>(uniforms(32, 1));
  const toN = zeros(64);
  const toRz = zeros(128);
  const end = x + usize(4 * columns);
  gateSumsF32(w, x, end, n, rz, toN, toRz);
  let differences = 0;
  for (let at: usize = 0; at < 192; at += 4) {
    const start = at < 64 ? load<f32>(n + at) : load<f32>(rz + at - 64);
    const sum = at < 64 ? load<f32>(toN + at) : load<f32>(toRz + at - 64);
    if (sum !== dotF32(w + at, x, end, start, 192)) differences++;
  }
  return differences;
}
