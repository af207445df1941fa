import { LAYER_LINEAR, LAYER_RELU, LAYER_SIGMOID, LAYER_SOFTMAX, LAYER_TANH } from "../../../assembly/layout";
import { sigmoidQ15, tanhQ15 } from "../../../assembly/q15/activations";
import { affineQ15, denseQ15, softmaxQ15 } from "../../../assembly/q15/dense";
import { Image } from "../support/image";
import { vector, zeros } from "../support/memory";
import { matrixQ15, denseQ15 as pack } from "../support/pack_q15";
import { integer, integers } from "../support/random";
import { TABLE } from "../support/table";

describe("affineQ15", () => {
  it("is exact over i8 weights, odd columns and blocks of 16 rows", () => {
    expect(affineDifferences(1, 1, false)).toBe(0);
    expect(affineDifferences(3, 16, false)).toBe(0);
    expect(affineDifferences(8, 20, false)).toBe(0);
    expect(affineDifferences(5, 33, false)).toBe(0);
  });

  it("is exact over i16 weights, as the skip has them", () => {
    expect(affineDifferences(1, 1, true)).toBe(0);
    expect(affineDifferences(7, 20, true)).toBe(0);
  });
});

describe("denseQ15, a hidden layer (FORMAT.md 5.4)", () => {
  it("requantizes a linear layer", () => {
    expect(hidden(LAYER_LINEAR, 1000, 0, 16384)).toBe(1000);
    expect(hidden(LAYER_LINEAR, 1000, 2, 16384)).toBe(250);
    expect(hidden(LAYER_LINEAR, 3, 0, 8192)).toBe(2); //  1.5 ->  2
    expect(hidden(LAYER_LINEAR, -3, 0, 8192)).toBe(-1); // -1.5 -> -1
  });

  it("saturates before the multiplier and behind it", () => {
    expect(hidden(LAYER_LINEAR, 1 << 20, 0, 8192)).toBe(16384); // 32767 / 2
    expect(hidden(LAYER_LINEAR, -(1 << 20), 0, 32767)).toBe(-32768);
    expect(hidden(LAYER_LINEAR, 32767, 0, 32767)).toBe(32767);
  });

  it("equals the formula in 64 bits, extremes included", () => {
    expect(requantizeDifferences()).toBe(0);
  });

  it("sets negative values to zero for relu", () => {
    expect(hidden(LAYER_RELU, -5, 0, 16384)).toBe(0);
    expect(hidden(LAYER_RELU, 5, 0, 16384)).toBe(5);
  });

  it("applies the table for tanh and sigmoid", () => {
    for (let v = -32768; v <= 32767; v += 1021) {
      expect(hidden(LAYER_TANH, v, 0, 16384)).toBe(tanhQ15(v, TABLE));
      expect(hidden(LAYER_SIGMOID, v, 0, 16384)).toBe(sigmoidQ15(v, TABLE));
    }
  });
});

describe("denseQ15, the last layer (FORMAT.md 5.5)", () => {
  it("finds the weights, the biases and the input of each of its rows", () => {
    expect(layerDifferences(1, 3)).toBe(0);
    expect(layerDifferences(5, 20)).toBe(0);
    expect(layerDifferences(8, 33)).toBe(0);
  });

  it("passes the sums of a linear layer on", () => {
    expect(last(LAYER_LINEAR, -1234567, 5)).toBe(-1234567);
    expect(last(LAYER_LINEAR, i32.MAX_VALUE, 5)).toBe(i32.MAX_VALUE);
  });

  it("passes the sums of a relu on, negative ones as zero", () => {
    expect(last(LAYER_RELU, 1234567, 5)).toBe(1234567);
    expect(last(LAYER_RELU, -1234567, 5)).toBe(0);
  });

  it("gives tanh and sigmoid in Q23", () => {
    expect(last(LAYER_TANH, 4096, 0)).toBe(tanhQ15(4096, TABLE) << 8);
    expect(last(LAYER_SIGMOID, -4096, 0)).toBe(sigmoidQ15(-4096, TABLE) << 8);
  });

  it("gives a softmax in Q23, one half for two equal classes", () => {
    expect(last(LAYER_SOFTMAX, 77, 0)).toBe(16384 << 8);
  });
});

describe("softmaxQ15 (FORMAT.md 5.6)", () => {
  it("gives everything to a single class", () => {
    expect(softmax([-32768])[0]).toBe(32768);
  });

  it("halves for every octave of 1024", () => {
    const y = softmax([1024, 0]);
    expect(y[0]).toBe(21845); // 2/3
    expect(y[1]).toBe(10922); // 1/3, floor
  });

  it("ends at zero for a class far below the top", () => {
    const y = softmax([-32768, 32767, -32768]);
    expect(y[0]).toBe(0);
    expect(y[1]).toBe(32768);
  });

  it("sums to one but for the floor of each class", () => {
    for (let turn = 0; turn < 20; turn++) {
      const y = softmax(integers(20, -4096, 4096));
      let total = 0;
      for (let i = 0; i < 20; i++) total += y[i];
      expect(total).toBeLessThanOrEqual(32768);
      expect(total).toBeGreaterThan(32768 - 20);
    }
  });

  it("computes the integers of FORMAT.md 5.6", () => {
    expect(softmaxDifferences()).toBe(0);
  });

  it("differs from the softmax of real numbers by at most 1e-4", () => {
    const v = integers(20, -4096, 4096);
    const y = softmax(v);
    let total: f64 = 0;
    for (let i = 0; i < 20; i++) total += 2 ** (f64(v[i]) / 1024);
    let worst: f64 = 0;
    for (let i = 0; i < 20; i++) {
      worst = max(worst, abs(f64(y[i]) / 32768 - 2 ** (f64(v[i]) / 1024) / total));
    }
    expect<f64>(worst).toBeLessThanOrEqual(1e-4);
  });

  it("does not overflow with many equal classes", () => {
    const y = softmax(new StaticArray<i32>(4000));
    expect(y[0]).toBe(8); // 32768 / 4000, floor
    expect(y[3999]).toBe(8);
  });
});

/** y of a hidden layer of 20 rows without weights, its last row with this sum and multiplier. */
function hidden(kind: i32, sum: i32, shift: i32, multiplier: i32): i32 {
  const y = zeros(64);
  denseQ15(rowsOf(kind, sum, shift, multiplier), TABLE, zeros(16), y, zeros(256), false);
  return i32(load<i16>(y, 38));
}

function rowsOf(kind: i32, sum: i32, shift: i32, multiplier: i32): usize {
  const b = integers(20, -100, 100);
  const m = integers(20, 1, 32767);
  b[19] = sum;
  m[19] = multiplier;
  return pack(Image.q15(1, 20), kind, new StaticArray<i32>(20), b, m, shift);
}

/** u of a last layer of two rows without weights, both with this sum. */
function last(kind: i32, sum: i32, shift: i32): i32 {
  const record = pack(Image.q15(1, 2), kind, [0, 0], [sum, sum], [16384, 16384], shift);
  const t = zeros(256);
  denseQ15(record, TABLE, zeros(16), zeros(64), t, true);
  return load<i32>(t, 4);
}

/** Rows of a last linear layer whose sums differ from 64 bits. */
function layerDifferences(sizeIn: i32, size: i32): i32 {
  const w = integers(size * sizeIn, -127, 127);
  const b = integers(size, -1000000, 1000000);
  const x = integers(sizeIn, -32768, 32767);
  const at = zeros(2 * sizeIn);
  for (let k = 0; k < sizeIn; k++) store<i16>(at + usize(2 * k), i16(x[k]));
  const t = zeros(256);
  denseQ15(pack(Image.q15(sizeIn, size), LAYER_LINEAR, w, b, [], 0), TABLE, at, zeros(128), t, true);
  let differences = 0;
  for (let row = 0; row < size; row++) {
    let expected = i64(b[row]);
    for (let k = 0; k < sizeIn; k++) expected += i64(w[row * sizeIn + k]) * i64(x[k]);
    if (i64(load<i32>(t + usize(4 * row))) !== expected) differences++;
  }
  return differences;
}

/** Rows whose sums differ from 64 bits. */
function affineDifferences(sizeIn: i32, size: i32, isWide: bool): i32 {
  const limit = isWide ? 1000 : 127;
  const w = integers(size * sizeIn, -limit, limit);
  const b = integers(size, -1000000, 1000000);
  const x = zeros(2 * sizeIn + 2);
  for (let k = 0; k <= sizeIn; k++) store<i16>(x + usize(2 * k), i16(integer(-32768, 32767)));
  // Written behind the table of an image of its own.
  const image = Image.q15(1, 1);
  const packed = image.open(0, sizeIn, size, 0, 0) + 32;
  matrixQ15(image, w, size, sizeIn, isWide);
  const start = zeros(192);
  for (let row = 0; row < size; row++) store<i32>(start + usize(4 * row), b[row]);
  const t = zeros(192);
  if (isWide || ASC_FEATURE_SIMD) affineQ15<i16>(start, packed, x, t, sizeIn, size);
  else affineQ15<i8>(start, packed, x, t, sizeIn, size);
  let differences = 0;
  for (let row = 0; row < size; row++) {
    let expected = i64(b[row]);
    for (let k = 0; k < sizeIn; k++) expected += i64(w[row * sizeIn + k]) * i64(load<i16>(x + usize(2 * k)));
    if (i64(load<i32>(t + usize(4 * row))) !== expected) differences++;
  }
  return differences;
}

function requantizeDifferences(): i32 {
  const ends: StaticArray<i32> = [i32.MAX_VALUE, -i32.MAX_VALUE, 32767, 32768, -32768, -32769, 0, 1, -1];
  let differences = 0;
  for (let turn = 0; turn < 300; turn++) {
    const sum = turn < 100 ? ends[integer(0, 8)] : integer(-i32.MAX_VALUE, i32.MAX_VALUE);
    const shift = integer(0, 30);
    const m = turn & 1 ? 32767 : integer(1, 32767);
    const v = (sat(i64(sum) >> shift) * i64(m) + 8192) >> 14;
    if (i64(hidden(LAYER_LINEAR, sum, shift, m)) !== sat(v)) differences++;
  }
  return differences;
}

function sat(value: i64): i64 {
  return max<i64>(min<i64>(value, 32767), -32768);
}

/** y of FORMAT.md 5.6. */
function softmax(v: StaticArray<i32>): StaticArray<i32> {
  const t = vector<i32>(v);
  softmaxQ15(t, v.length);
  const y = new StaticArray<i32>(v.length);
  for (let i = 0; i < v.length; i++) y[i] = load<i32>(t + usize(4 * i)) >> 8;
  return y;
}

function softmaxDifferences(): i32 {
  let differences = 0;
  for (let turn = 0; turn < 500; turn++) {
    const limit = turn & 1 ? 32767 : 3000;
    const v = integers(1 + (turn % 20), -limit - 1, limit);
    const y = softmax(v);
    let top = v[0];
    for (let i = 1; i < v.length; i++) top = max(top, v[i]);
    const e = new StaticArray<u64>(v.length);
    let sum: u64 = 0;
    for (let i = 0; i < v.length; i++) {
      const d = i64(top - v[i]);
      const f = (d & 1023) << 5;
      const p = 32768 - ((f * (22664 - ((f * (7582 - ((f * 1304) >> 15))) >> 15))) >> 15);
      e[i] = u64(p >> min<i64>(d >> 10, 31));
      sum += e[i];
    }
    for (let i = 0; i < v.length; i++) if (u64(y[i]) !== (e[i] << 15) / sum) differences++;
  }
  return differences;
}
