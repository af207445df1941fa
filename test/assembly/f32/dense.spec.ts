import { activateF32, affineF32, softmaxF32 } from "../../../assembly/f32/dense";
import { rowSumF32 } from "../../../assembly/f32/mac";
import { blocks } from "../../../assembly/image";
import {
  LAYER_LINEAR,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_SOFTMAX,
  LAYER_TANH,
  RECORD_SIZE,
} from "../../../assembly/layout";
import { Image } from "../support/image";
import { vector, zeros } from "../support/memory";
import { denseF32 } from "../support/pack_f32";
import { uniform, uniforms } from "../support/random";

describe("affineF32", () => {
  it("computes b + W x", () => {
    const y = dense(LAYER_LINEAR, [1, 2, 3, 4, 5, 6], [10, 20], [100, 10, 1]);
    expect<f32>(y[0]).toBe(133);
    expect<f32>(y[1]).toBe(476);
  });

  it("equals rowSumF32 row by row to the last bit, across blocks of 16", () => {
    expect(rowDifferences(1, 1)).toBe(0);
    expect(rowDifferences(9, 1)).toBe(0);
    expect(rowDifferences(7, 2)).toBe(0);
    expect(rowDifferences(3, 16)).toBe(0);
    expect(rowDifferences(7, 20)).toBe(0);
    expect(rowDifferences(2, 33)).toBe(0);
  });

  it("adds to y when y is where it starts from, as the skip does", () => {
    const image = Image.f32(1, 1);
    const w = denseF32(image, LAYER_LINEAR, [3], [0]) + RECORD_SIZE + 64;
    const y = vector<f32>([5]);
    affineF32(y, w, vector<f32>([2]), y, 1, 1);
    expect<f32>(load<f32>(y)).toBe(11);
  });
});

describe("activateF32", () => {
  it("leaves a linear layer as it is", () => {
    expect<f32>(activated(LAYER_LINEAR, -1.5)).toBe(-1.5);
  });

  it("sets negative values to zero for relu", () => {
    expect<f32>(activated(LAYER_RELU, -1.5)).toBe(0);
    expect<f32>(activated(LAYER_RELU, 1.5)).toBe(1.5);
  });

  it("applies tanh within 1.2e-7", () => {
    expect<f64>(abs(f64(activated(LAYER_TANH, 0.75)) - Math.tanh(0.75))).toBeLessThanOrEqual(1.2e-7);
  });

  it("applies the logistic function to rows that come halved", () => {
    const y = dense(LAYER_SIGMOID, [2], [0.5], [1]);
    expect<f64>(abs(f64(y[0]) - 1 / (1 + Math.exp(-2.5)))).toBeLessThanOrEqual(1e-7);
  });

  it("normalises a softmax", () => {
    const y = dense(LAYER_SOFTMAX, [0, 0], [0, 0], [1]);
    expect<f32>(y[0]).toBe(0.5);
    expect<f32>(y[1]).toBe(0.5);
  });
});

describe("softmaxF32", () => {
  it("sums to one within 3e-7", () => {
    expect<f64>(abs(sum(softmax(uniforms(20, 10))) - 1)).toBeLessThanOrEqual(3e-7);
    expect<f64>(abs(sum(softmax(uniforms(200, 80))) - 1)).toBeLessThanOrEqual(3e-7);
  });

  it("equals exp(y) / sum exp(y) within 2e-7", () => {
    const logits = uniforms(20, 5);
    const y = softmax(logits);
    let total: f64 = 0;
    for (let i = 0; i < 20; i++) total += Math.exp(f64(logits[i]));
    let worst: f64 = 0;
    for (let i = 0; i < 20; i++) worst = max(worst, abs(f64(y[i]) - Math.exp(f64(logits[i])) / total));
    expect<f64>(worst).toBeLessThanOrEqual(2e-7);
  });

  it("does not overflow with great logits", () => {
    const y = softmax([3e38, -3e38, 3e38]);
    expect<f32>(y[0]).toBe(0.5);
    expect<f32>(y[2]).toBe(0.5);
    expect<f32>(y[1]).toBe(0);
  });

  it("does not vanish with logits that are all below -87, where exp is 0", () => {
    const y = softmax([-1000, -1001, -1000]);
    const e = Math.exp(-1);
    expect<f64>(abs(f64(y[0]) - 1 / (2 + e))).toBeLessThanOrEqual(2e-7);
    expect<f64>(abs(f64(y[1]) - e / (2 + e))).toBeLessThanOrEqual(2e-7);
    expect<f32>(y[2]).toBe(y[0]);
  });

  it("gives one to a single class", () => {
    expect<f32>(softmax([-42])[0]).toBe(1);
  });
});

/** Outputs of a dense layer. */
function dense(kind: i32, w: StaticArray<f32>, b: StaticArray<f32>, x: StaticArray<f32>): StaticArray<f32> {
  const size = b.length;
  const data = denseF32(Image.f32(x.length, size), kind, w, b) + RECORD_SIZE;
  const y = zeros(64 * blocks(size));
  affineF32(data, data + usize(64 * blocks(size)), vector<f32>(x), y, x.length, size);
  activateF32(y, size, kind, 0, 0);
  return read(y, size);
}

function read(y: usize, size: i32): StaticArray<f32> {
  const values = new StaticArray<f32>(size);
  for (let i = 0; i < size; i++) values[i] = load<f32>(y + usize(4 * i));
  return values;
}

function rowDifferences(sizeIn: i32, size: i32): i32 {
  const w = uniforms(size * sizeIn, 1);
  const b = uniforms(size, 1);
  const x = uniforms(sizeIn, 1);
  const y = dense(LAYER_LINEAR, w, b, x);
  let differences = 0;
  for (let row = 0; row < size; row++) {
    const first = changetype<usize>(w) + usize(4 * row * sizeIn);
    const columns = changetype<usize>(x);
    if (y[row] !== rowSumF32(first, columns, columns + usize(4 * sizeIn), b[row], 4)) differences++;
  }
  return differences;
}

/** The last of five values after the activation; the others are random. */
function activated(kind: i32, value: f32): f32 {
  const y = zeros(64);
  for (let i = 0; i < 4; i++) store<f32>(y + usize(4 * i), uniform(1));
  store<f32>(y, value, 16);
  activateF32(y, 5, kind, 0, 0);
  return load<f32>(y, 16);
}

function softmax(logits: StaticArray<f32>): StaticArray<f32> {
  const y = vector<f32>(logits);
  softmaxF32(y, logits.length);
  return read(y, logits.length);
}

function sum(values: StaticArray<f32>): f64 {
  let total: f64 = 0;
  for (let i = 0; i < values.length; i++) total += f64(values[i]);
  return total;
}
