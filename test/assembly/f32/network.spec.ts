import { gruF32 } from "../../../assembly/f32/gru";
import { stepF32 } from "../../../assembly/f32/network";
import {
  LAYER_LINEAR,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_TANH,
  STATUS_BAD_TOKEN,
  STATUS_OK,
} from "../../../assembly/layout";
import { Image } from "../support/image";
import { vector, zeros } from "../support/memory";
import { affineF32, denseF32, GruF32, rowsF32 } from "../support/pack_f32";
import { uniform, uniforms } from "../support/random";

describe("stepF32", () => {
  it("passes a sample through a linear layer", () => {
    const image = begin(2, 1);
    denseF32(image, LAYER_LINEAR, [10, 1], [0.5]);
    expect<f32>(predict(end(image, 1), zeros(16), [3, 4])).toBe(34.5);
  });

  it("normalises the sample and brings the output back to real units", () => {
    const image = Image.f32(2, 1);
    affineF32(image, [-20, -1000], [2, 0.5], [0, 0]); // (v - 20) * 2, (v - 1000) / 2
    denseF32(image, LAYER_LINEAR, [1, 1], [0]);
    image.output();
    affineF32(image, [0], [10], [-5]); // y * 10 - 5
    image.finish();
    expect<f32>(predict(image, zeros(16), [21, 1006])).toBe(45);
  });

  it("passes dense layers on to each other", () => {
    const image = begin(2, 1);
    denseF32(image, LAYER_RELU, [1, 0, 0, 1, 1, -1], [0, 0, 0]); // x0, x1, x0 - x1
    denseF32(image, LAYER_RELU, [1, 2, 4, -1, 0, 0], [0, 0]);
    denseF32(image, LAYER_LINEAR, [1, 10], [3]);
    expect<f32>(predict(end(image, 1), zeros(16), [5, 2])).toBe(24); // 5 + 4 + 12 + 3
  });

  it("applies sigmoid and tanh layers within 2e-6", () => {
    const image = begin(1, 1);
    denseF32(image, LAYER_SIGMOID, [2], [-1]);
    denseF32(image, LAYER_TANH, [1], [0]);
    const y = predict(end(image, 1), zeros(16), [1]);
    expect<f64>(abs(f64(y) - Math.tanh(1 / (1 + Math.exp(-1))))).toBeLessThanOrEqual(2e-6);
  });

  it("writes each of 20 outputs", () => {
    const image = begin(1, 20);
    const b = uniforms(20, 1);
    denseF32(image, LAYER_LINEAR, uniforms(20, 0), b);
    end(image, 20);
    const prediction = zeros(80);
    stepF32(image.address, zeros(16), zeros(16), prediction);
    for (let i = 0; i < 20; i++) expect<f32>(load<f32>(prediction + usize(4 * i))).toBe(b[i]);
  });

  it("feeds each GRU layer with the one before and keeps their states apart", () => {
    expect(stackDifferences(false)).toBe(0);
    expect(stackDifferences(true)).toBe(0);
  });
});

describe("stepF32 with an embedding", () => {
  it("looks the token's row up", () => {
    const image = embedding();
    expect<f32>(predictToken(image, 0)).toBe(1203);
    expect<f32>(predictToken(image, 1)).toBe(4506);
    expect<f32>(predictToken(image, 2)).toBe(7809);
  });

  it("refuses a token outside the vocabulary and leaves state and prediction untouched", () => {
    const image = Image.f32(1, 5);
    image.embedding(2, 3);
    for (let token = 0; token < 2; token++) image.floats(uniforms(3, 1));
    image.state(0, 32);
    new GruF32(3, 5, false, 1).pack(image);
    end(image, 5);
    const tokens: StaticArray<i32> = [2, 1000000, -1, i32.MIN_VALUE];
    for (let i = 0; i < tokens.length; i++) {
      const state = vector<f32>(uniforms(8, 1));
      const before = zeros(32);
      memory.copy(before, state, 32);
      const prediction = zeros(32);
      expect(stepF32(image.address, state, vector<i32>([tokens[i]]), prediction)).toBe(STATUS_BAD_TOKEN);
      expect(memory.compare(state, before, 32)).toBe(0, "state");
      expect(memory.compare(prediction, zeros(32), 32)).toBe(0, "prediction");
    }
  });
});

describe("stepF32 with a skip", () => {
  it("weighs column l I + i by input i of window entry l, oldest first, zeros before the first sample", () => {
    const image = skip();
    const state = zeros(64);
    expect<f32>(predict(image, state, [1, 2])).toBe(210000); // newest entry: columns 4 and 5
    expect<f32>(predict(image, state, [3, 4])).toBe(432100);
    expect<f32>(predict(image, state, [5, 6])).toBe(654321);
    expect<f32>(predict(image, state, [7, 8])).toBe(876543);
  });

  it("keeps the window, oldest first, at the start of the state", () => {
    const image = skip();
    const state = zeros(64);
    for (let v: f32 = 0; v < 8; v += 2) predict(image, state, [v, v + 1]);
    for (let i = 0; i < 6; i++) expect<f32>(load<f32>(state + usize(4 * i))).toBe(f32(i + 2));
    expect<u64>(load<u64>(state, 24)).toBe(0, "padding");
  });

  it("puts normalised samples in the window and adds the skip before the output's scale", () => {
    const image = Image.f32(1, 1);
    image.state(2, 16);
    affineF32(image, [-10], [2], [0]);
    denseF32(image, LAYER_LINEAR, [0], [0.5]);
    rowsF32(image, [1, 10], 1, 2, 1);
    image.output();
    affineF32(image, [0], [100], [7]);
    image.finish();
    const state = zeros(16);
    expect<f32>(predict(image, state, [11])).toBe(2057); // (0.5 + 10 * 2) * 100 + 7
    expect<f32>(predict(image, state, [12])).toBe(4257); // (0.5 + 1 * 2 + 10 * 4) * 100 + 7
  });

  it("keeps the states of GRU layers behind the window", () => {
    const image = begin(1, 1);
    image.state(5, 64);
    const record = new GruF32(1, 5, false, 1).pack(image);
    denseF32(image, LAYER_LINEAR, [1, 0, 0, 0, 0], [0]);
    rowsF32(image, [0, 0, 0, 0, 0], 1, 5, 1);
    end(image, 1);
    const state = zeros(64);
    const h = zeros(32);
    const t = zeros(1024);
    for (let step = 0; step < 3; step++) {
      const x = uniforms(1, 1);
      const y = predict(image, state, x);
      gruF32(record, vector<f32>(x), h, t);
      expect<f32>(y).toBe(load<f32>(h));
    }
    expect(memory.compare(state + 32, h, 20)).toBe(0);
  });
});

/** Begins a network whose samples pass as they are. */
function begin(inputs: i32, outputs: i32): Image {
  const image = Image.f32(inputs, outputs);
  affineF32(image, uniforms(inputs, 0), filled(inputs, 1), uniforms(inputs, 0));
  return image;
}

/** Ends a network whose outputs pass as they are. */
function end(image: Image, outputs: i32): Image {
  image.output();
  affineF32(image, uniforms(outputs, 0), filled(outputs, 1), uniforms(outputs, 0));
  image.finish();
  return image;
}

function filled(count: i32, value: f32): StaticArray<f32> {
  const values = new StaticArray<f32>(count);
  for (let i = 0; i < count; i++) values[i] = value;
  return values;
}

/** First output of one step. */
function predict(image: Image, state: usize, sample: StaticArray<f32>): f32 {
  const prediction = zeros(16);
  expect(stepF32(image.address, state, vector<f32>(sample), prediction)).toBe(STATUS_OK);
  return load<f32>(prediction);
}

function predictToken(image: Image, token: i32): f32 {
  const prediction = zeros(16);
  expect(stepF32(image.address, zeros(16), vector<i32>([token]), prediction)).toBe(STATUS_OK);
  return load<f32>(prediction);
}

/** Three rows of three elements, weighed by 1000, 100, 1. */
function embedding(): Image {
  const image = Image.f32(1, 1);
  image.embedding(3, 3);
  image.floats([1, 2, 3]);
  image.floats([4, 5, 6]);
  image.floats([7, 8, 9]);
  denseF32(image, LAYER_LINEAR, [1000, 100, 1], [0]);
  return end(image, 1);
}

/** A layer of no weight and a skip over three samples of two inputs, weighed by powers of ten. */
function skip(): Image {
  const image = begin(2, 1);
  image.state(6, 32);
  denseF32(image, LAYER_LINEAR, [0, 0], [0]);
  rowsF32(image, [1, 10, 100, 1000, 10000, 100000], 1, 6, 1);
  return end(image, 1);
}

/** Outputs and states over 10 steps of two GRU layers that differ from gruF32 layer by layer. */
function stackDifferences(isBefore: bool): i32 {
  const image = begin(3, 18);
  image.state(0, 32 + 80);
  const first = new GruF32(3, 5, isBefore, 1).pack(image);
  const second = new GruF32(5, 18, isBefore, 1).pack(image);
  end(image, 18);
  const state = zeros(112);
  const prediction = zeros(80);
  const x = zeros(16);
  const h1 = zeros(32);
  const h2 = zeros(80);
  const t = zeros(4096);
  let differences = 0;
  for (let step = 0; step < 10; step++) {
    for (let i = 0; i < 3; i++) store<f32>(x + usize(4 * i), uniform(2));
    stepF32(image.address, state, x, prediction);
    gruF32(first, x, h1, t);
    gruF32(second, h1, h2, t);
    if (memory.compare(prediction, h2, 72) !== 0) differences++;
    if (memory.compare(state, h1, 20) !== 0) differences++;
    if (memory.compare(state + 32, h2, 72) !== 0) differences++;
  }
  return differences;
}
