import { candidateF32, gateF32 } from "../../../assembly/f32/activations";
import { gruF32 } from "../../../assembly/f32/gru";
import { Image } from "../support/image";
import { zeros } from "../support/memory";
import { GruF32 } from "../support/pack_f32";
import { uniform } from "../support/random";

/** Sizes on both sides of a block of 16 units and of a vector of 4. */
const SIZES: StaticArray<i32> = [1, 5, 16, 20];

describe("gruF32", () => {
  it("keeps a zero state when every weight is zero", () => {
    expect<f64>(largestState(new GruF32(2, 5, false, 0))).toBe(0);
    expect<f64>(largestState(new GruF32(2, 5, true, 0))).toBe(0);
  });

  it("halves the state when every weight is zero: z is one half and n zero", () => {
    const layer = new GruF32(1, 1, false, 0);
    const h = zeros(16);
    store<f32>(h, 0.5);
    gruF32(layer.pack(Image.f32(1, 1)), zeros(16), h, zeros(1024));
    expect<f32>(load<f32>(h)).toBe(0.25);
  });

  it("keeps h where z is one", () => {
    const layer = new GruF32(1, 1, false, 0);
    layer.b[1] = 100;
    const h = zeros(16);
    store<f32>(h, 0.5);
    gruF32(layer.pack(Image.f32(1, 1)), zeros(16), h, zeros(1024));
    expect<f32>(load<f32>(h)).toBe(0.5);
  });

  it("follows the reset-after equations of FORMAT.md 4 within 1e-6", () => {
    for (let i = 0; i < SIZES.length; i++) {
      expect<f64>(worstError(new GruF32(3, SIZES[i], false, 0.7))).toBeLessThanOrEqual(1e-6, `H = ${SIZES[i]}`);
    }
  });

  it("follows the reset-before equations of FORMAT.md 4 within 1e-6", () => {
    for (let i = 0; i < SIZES.length; i++) {
      expect<f64>(worstError(new GruF32(3, SIZES[i], true, 0.7))).toBeLessThanOrEqual(1e-6, `H = ${SIZES[i]}`);
    }
  });

  it("adds in the order of FORMAT.md 4, to the last bit (reset-after)", () => {
    for (let i = 0; i < SIZES.length; i++) {
      expect(differences(new GruF32(1 + i, SIZES[i], false, 2))).toBe(0, `H = ${SIZES[i]}`);
    }
  });

  it("adds in the order of FORMAT.md 4, to the last bit (reset-before)", () => {
    for (let i = 0; i < SIZES.length; i++) {
      expect(differences(new GruF32(1 + i, SIZES[i], true, 2))).toBe(0, `H = ${SIZES[i]}`);
    }
  });

  it("tells reset-after from reset-before", () => {
    const layer = new GruF32(1, 5, false, 1);
    const after = new StaticArray<f64>(5);
    const before = new StaticArray<f64>(5);
    for (let i = 0; i < 5; i++) after[i] = before[i] = 0.5;
    const x = zeros(16);
    stepInDouble(layer, x, after, false);
    stepInDouble(layer, x, before, true);
    expect<f64>(abs(after[0] - before[0])).toBeGreaterThan(1e-3);
  });

  it("stays within -1..1 whatever the weights", () => {
    expect<f64>(largestState(new GruF32(2, 20, false, 1000))).toBeLessThanOrEqual(1);
    expect<f64>(largestState(new GruF32(2, 20, true, 1000))).toBeLessThanOrEqual(1);
  });

  it("passes NaN in a sample on to the state", () => {
    const layer = new GruF32(2, 5, false, 1);
    const x = zeros(16);
    store<f32>(x, NaN, 4);
    const h = zeros(32);
    gruF32(layer.pack(Image.f32(2, 5)), x, h, zeros(1024));
    for (let i = 0; i < 5; i++) expect<f32>(load<f32>(h + usize(4 * i))).toBeNaN();
  });
});

/** Largest |h| over 20 steps of random samples from a zero state. */
function largestState(layer: GruF32): f64 {
  const record = layer.pack(Image.f32(layer.sizeIn, layer.size));
  const x = zeros(64);
  const h = zeros(128);
  const t = zeros(4096);
  let largest: f64 = 0;
  for (let step = 0; step < 20; step++) {
    draw(x, layer.sizeIn);
    gruF32(record, x, h, t);
    for (let i = 0; i < layer.size; i++) largest = max(largest, abs(f64(load<f32>(h + usize(4 * i)))));
  }
  return largest;
}

/** Largest difference from the equations in double precision over 20 steps. */
function worstError(layer: GruF32): f64 {
  const record = layer.pack(Image.f32(layer.sizeIn, layer.size));
  const x = zeros(64);
  const h = zeros(128);
  const t = zeros(4096);
  const expected = new StaticArray<f64>(layer.size);
  let worst: f64 = 0;
  for (let step = 0; step < 20; step++) {
    draw(x, layer.sizeIn);
    gruF32(record, x, h, t);
    stepInDouble(layer, x, expected, layer.isBefore);
    for (let i = 0; i < layer.size; i++) worst = max(worst, abs(f64(load<f32>(h + usize(4 * i))) - expected[i]));
  }
  return worst;
}

/** Number of states over 20 steps whose bits differ from single precision in the order of FORMAT.md 4. */
function differences(layer: GruF32): i32 {
  const record = layer.pack(Image.f32(layer.sizeIn, layer.size));
  const x = zeros(64);
  const h = zeros(128);
  const t = zeros(4096);
  const expected = new StaticArray<f32>(layer.size);
  let count = 0;
  for (let step = 0; step < 20; step++) {
    draw(x, layer.sizeIn);
    gruF32(record, x, h, t);
    stepInSingle(layer, x, expected);
    for (let i = 0; i < layer.size; i++) {
      if (load<u32>(h + usize(4 * i)) !== reinterpret<u32>(expected[i])) count++;
    }
  }
  return count;
}

function draw(x: usize, count: i32): void {
  for (let i = 0; i < count; i++) store<f32>(x + usize(4 * i), uniform(2));
}

/** bias + W x of a row, in double precision. */
function sum(bias: f64, w: StaticArray<f32>, row: i32, x: StaticArray<f64>): f64 {
  for (let k = 0; k < x.length; k++) bias += f64(w[row * x.length + k]) * x[k];
  return bias;
}

function sigmoid(a: f64): f64 {
  return 1 / (1 + Math.exp(-a));
}

function stepInDouble(layer: GruF32, sample: usize, h: StaticArray<f64>, isBefore: bool): void {
  const H = layer.size;
  const x = new StaticArray<f64>(layer.sizeIn);
  for (let k = 0; k < x.length; k++) x[k] = f64(load<f32>(sample + usize(4 * k)));
  const r = new StaticArray<f64>(H);
  const rh = new StaticArray<f64>(H);
  const next = new StaticArray<f64>(H);
  for (let i = 0; i < H; i++) {
    r[i] = sigmoid(sum(sum(f64(layer.b[i]) + f64(layer.c[i]), layer.W, i, x), layer.U, i, h));
    rh[i] = r[i] * h[i];
  }
  for (let i = 0; i < H; i++) {
    const row = 2 * H + i;
    const z = sigmoid(sum(sum(f64(layer.b[H + i]) + f64(layer.c[H + i]), layer.W, H + i, x), layer.U, H + i, h));
    const nx = sum(f64(layer.b[row]), layer.W, row, x);
    const nh = sum(f64(layer.c[row]), layer.U, row, isBefore ? rh : h);
    const n = Math.tanh(isBefore ? nx + nh : nx + r[i] * nh);
    next[i] = (1 - z) * n + z * h[i];
  }
  for (let i = 0; i < H; i++) h[i] = next[i];
}

/** sum + W x of a row, k ascending. */
function sumF32(start: f32, w: StaticArray<f32>, row: i32, x: StaticArray<f32>): f32 {
  for (let k = 0; k < x.length; k++) start += w[row * x.length + k] * x[k];
  return start;
}

/** sum + U rh of a row: four sums, k modulo 4, the columns behind the last four in the first. */
function splitSumF32(start: f32, w: StaticArray<f32>, row: i32, x: StaticArray<f32>): f32 {
  const sums: StaticArray<f32> = [start, 0, 0, 0];
  const whole = x.length & ~3;
  for (let k = 0; k < x.length; k++) sums[k < whole ? k & 3 : 0] += w[row * x.length + k] * x[k];
  return sums[0] + sums[1] + (sums[2] + sums[3]);
}

function gateOf(layer: GruF32, row: i32, x: StaticArray<f32>, h: StaticArray<f32>): f32 {
  const a = sumF32(sumF32(layer.b[row] + layer.c[row], layer.W, row, x), layer.U, row, h);
  return gateF32(f32(0.5) * a);
}

function stepInSingle(layer: GruF32, sample: usize, h: StaticArray<f32>): void {
  const H = layer.size;
  const x = new StaticArray<f32>(layer.sizeIn);
  for (let k = 0; k < x.length; k++) x[k] = load<f32>(sample + usize(4 * k));
  const rh = new StaticArray<f32>(H);
  const next = new StaticArray<f32>(H);
  for (let i = 0; i < H; i++) rh[i] = gateOf(layer, i, x, h) * h[i];
  for (let i = 0; i < H; i++) {
    const row = 2 * H + i;
    let a: f32;
    if (layer.isBefore) a = splitSumF32(sumF32(layer.b[row] + layer.c[row], layer.W, row, x), layer.U, row, rh);
    else a = sumF32(layer.b[row], layer.W, row, x) + gateOf(layer, i, x, h) * sumF32(layer.c[row], layer.U, row, h);
    const n = candidateF32(a);
    next[i] = n + gateOf(layer, H + i, x, h) * (h[i] - n);
  }
  for (let i = 0; i < H; i++) h[i] = next[i];
}
