import {
  LAYER_LINEAR,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_SOFTMAX,
  LAYER_TANH,
  STATUS_BAD_TOKEN,
  STATUS_OK,
} from "../../../assembly/layout";
import { sigmoidQ15, tanhQ15 } from "../../../assembly/q15/activations";
import { gruQ15 } from "../../../assembly/q15/gru";
import { stepQ15 } from "../../../assembly/q15/network";
import { Image } from "../support/image";
import { vector, zeros } from "../support/memory";
import { denseQ15, GruQ15, matrixQ15, rowWords } from "../support/pack_q15";
import { integer, integers } from "../support/random";
import { TABLE } from "../support/table";

const NONE: StaticArray<i32> = [];

describe("stepQ15", () => {
  it("passes a sample through a linear layer and divides it by 4 on the way out: 16384 / 65536", () => {
    const image = begin(2);
    denseQ15(image, LAYER_LINEAR, [100, 10], [4], NONE, 0);
    expect(predict(end(image, [16384], [0], [0]), zeros(16), [3, 4])).toBe(86);
  });

  it("subtracts the input's offset and saturates at the ends of an i16 (FORMAT.md 5.1)", () => {
    expect(input(1005, 1000)).toBe(5);
    expect(input(40000, 0)).toBe(32767);
    expect(input(-40000, 0)).toBe(-32768);
    expect(input(1 << 30, -(1 << 30) + 1)).toBe(32767);
    expect(input(-(1 << 30), 1 << 30)).toBe(-32768);
  });

  it("scales an output by the floor of the 47-bit product and adds its offset (FORMAT.md 5.5)", () => {
    expect(output(65536, 3, 1000)).toBe(1003);
    expect(output(65535, 3, 1000)).toBe(1002);
    expect(output(-1, 1, 1000)).toBe(999);
    expect(output(i32.MAX_VALUE, 32767, 0)).toBe(1073709055);
    expect(output(-i32.MAX_VALUE, 32767, 0)).toBe(-1073709056);
  });

  it("equals the formula of FORMAT.md 5.5 in 64 bits, in each of 20 outputs", () => {
    expect(outputDifferences()).toBe(0);
  });

  it("passes dense layers on to each other", () => {
    const image = begin(2);
    denseQ15(image, LAYER_LINEAR, [1, 0, 0, 1, 1, -1], [0, 0, 0], [16384, 16384, 16384], 0); // x0, x1, x0 - x1
    denseQ15(image, LAYER_RELU, [1, 2, 4, -1, 0, 0], [0, 0], [16384, 16384], 0);
    denseQ15(image, LAYER_LINEAR, [1, 10], [3], NONE, 0);
    expect(predict(end(image, [16384], [0], [0]), zeros(16), [5, 2])).toBe(6); // (5 + 4 + 12 + 3) / 4
  });

  it("brings tanh, sigmoid and softmax outputs to Q23 before the multiplier", () => {
    const y = tanhQ15(2000, TABLE);
    expect(activated(LAYER_TANH, 2000)).toBe(((y << 8) * 128) >> 16);
    const s = sigmoidQ15(-2000, TABLE);
    expect(activated(LAYER_SIGMOID, -2000)).toBe(((s << 8) * 128) >> 16);
    expect(activated(LAYER_SOFTMAX, 123)).toBe(16384);
  });

  it("feeds each GRU layer with the one before and keeps their states apart", () => {
    expect(stackDifferences(false)).toBe(0);
    expect(stackDifferences(true)).toBe(0);
  });
});

describe("stepQ15 with an embedding", () => {
  it("looks the token's row up", () => {
    const image = Image.q15(1, 1);
    image.embedding(3, 9);
    for (let token = 0; token < 3; token++) {
      for (let i = 0; i < 9; i++) image.half(1000 * token + i);
      image.align();
    }
    denseQ15(image, LAYER_LINEAR, [1, 0, 0, 0, 0, 0, 0, 0, 100], [0], NONE, 0);
    end(image, [16384], [0], [0]);
    expect(predict(image, zeros(16), [0])).toBe(200); // (0 + 100 * 8) / 4
    expect(predict(image, zeros(16), [2])).toBe(50700); // (2000 + 100 * 2008) / 4
  });

  it("refuses a token outside the vocabulary and leaves state and prediction untouched", () => {
    const image = Image.q15(1, 5);
    image.embedding(2, 8);
    for (let i = 0; i < 16; i++) image.half(integer(-32768, 32767));
    image.state(0, 16);
    new GruQ15(8, 5, false).pack(image);
    end(image, integers(5, 1, 32767), integers(5, 0, 0), integers(5, 0, 0));
    const tokens: StaticArray<i32> = [2, 1000000, -1, i32.MIN_VALUE];
    for (let i = 0; i < tokens.length; i++) {
      const state = vector<i32>(integers(4, i32.MIN_VALUE, i32.MAX_VALUE));
      const before = zeros(16);
      memory.copy(before, state, 16);
      const prediction = zeros(32);
      expect(stepQ15(image.address, state, vector<i32>([tokens[i]]), prediction)).toBe(STATUS_BAD_TOKEN);
      expect(memory.compare(state, before, 16)).toBe(0, "state");
      expect(memory.compare(prediction, zeros(32), 32)).toBe(0, "prediction");
    }
  });
});

describe("stepQ15 with a skip", () => {
  it("weighs column l I + i by input i of window entry l, oldest first, zeros before the first sample", () => {
    const image = skip();
    const state = zeros(16);
    expect(predict(image, state, [10, 20])).toBe(1050); // (20 * 200 + 10 * 20) / 4: newest entry, columns 4 and 5
    expect(predict(image, state, [30, 40])).toBe(2160); // plus (20 * 2 + 10 * 0) / 4: columns 2 and 3
    expect(predict(image, state, [50, 60])).toBe(3275); // plus (20 * 1 + 10 * 0) / 4: columns 0 and 1
  });

  it("keeps the window, oldest first, at the start of the state", () => {
    const image = skip();
    const state = zeros(32);
    for (let step = 0; step < 4; step++) predict(image, state, [2 * step, 2 * step + 1]);
    for (let i = 0; i < 6; i++) expect(i32(load<i16>(state + usize(2 * i)))).toBe(i + 2);
    expect(load<i32>(state, 12)).toBe(0, "padding");
  });

  it("scales layer and skip apart, each by the floor of its product", () => {
    const image = begin(1);
    image.state(1, 16);
    denseQ15(image, LAYER_LINEAR, [0], [65535], NONE, 0);
    rowWords(image, NONE, 1);
    matrixQ15(image, [32767], 1, 1, true);
    end(image, [3], [5], [100]);
    expect(predict(image, zeros(16), [-1])).toBe(99); // (65535 * 3) >> 16 = 2, (-32767 * 5) >> 16 = -3
  });

  it("sums 20 outputs over an odd window as 64 bits do", () => {
    expect(skipDifferences()).toBe(0);
  });

  it("keeps the states of GRU layers behind the window", () => {
    const image = begin(1);
    image.state(9, 48);
    const record = new GruQ15(1, 5, false).pack(image);
    denseQ15(image, LAYER_LINEAR, [1, 0, 0, 0, 0], [0], NONE, 0);
    rowWords(image, NONE, 1);
    matrixQ15(image, integers(9, 0, 0), 1, 9, true);
    end(image, [32767], [0], [0]);
    const state = zeros(48);
    const h = zeros(32);
    const t = zeros(1024);
    for (let step = 0; step < 3; step++) {
      const raw = integer(-32768, 32767);
      const x = zeros(16);
      store<i16>(x, i16(raw));
      const y = predict(image, state, [raw]);
      gruQ15(record, TABLE, x, h, t);
      expect(y).toBe((i32(load<i16>(h)) * 32767) >> 16);
    }
    expect(memory.compare(state + 32, h, 10)).toBe(0);
  });
});

/** Begins a network whose inputs have no offset. */
function begin(inputs: i32): Image {
  const image = Image.q15(inputs, 1);
  image.words(integers(inputs, 0, 0));
  return image;
}

function end(image: Image, multipliers: StaticArray<i32>, skips: StaticArray<i32>, offsets: StaticArray<i32>): Image {
  image.output();
  image.words(multipliers);
  image.words(skips);
  image.words(offsets);
  image.finish();
  return image;
}

/** First output of one step. */
function predict(image: Image, state: usize, sample: StaticArray<i32>): i32 {
  const prediction = zeros(16);
  expect(stepQ15(image.address, state, vector<i32>(sample), prediction)).toBe(STATUS_OK);
  return load<i32>(prediction);
}

/** x[0] of a raw value. */
function input(raw: i32, offset: i32): i32 {
  const image = Image.q15(1, 1);
  image.words([offset]);
  denseQ15(image, LAYER_LINEAR, [4], [0], NONE, 0);
  return predict(end(image, [16384], [0], [0]), zeros(16), [raw]);
}

/** The output of a linear layer whose sum is `u`. */
function output(u: i32, multiplier: i32, offset: i32): i32 {
  const image = begin(1);
  denseQ15(image, LAYER_LINEAR, [0], [u], NONE, 0);
  return predict(end(image, [multiplier], [0], [offset]), zeros(16), [0]);
}

function outputDifferences(): i32 {
  let differences = 0;
  for (let turn = 0; turn < 50; turn++) {
    const image = begin(1);
    const u = integers(20, -i32.MAX_VALUE, i32.MAX_VALUE);
    const m = integers(20, 1, 32767);
    const offset = integers(20, -(1 << 29), 1 << 29);
    denseQ15(image, LAYER_LINEAR, integers(20, 0, 0), u, NONE, 0);
    end(image, m, integers(20, 0, 0), offset);
    const prediction = zeros(80);
    stepQ15(image.address, zeros(16), zeros(16), prediction);
    for (let i = 0; i < 20; i++) {
      const expected = ((i64(u[i]) * i64(m[i])) >> 16) + i64(offset[i]);
      if (i64(load<i32>(prediction + usize(4 * i))) !== expected) differences++;
    }
  }
  return differences;
}

/** The second output of a last layer of two rows, its multiplier 128: (y << 8) * 128 / 65536 = y / 2; softmax: y. */
function activated(kind: i32, v: i32): i32 {
  const image = begin(1);
  denseQ15(image, kind, [0, 0], [v, v], [16384, 16384], 0);
  const multiplier = kind === LAYER_SOFTMAX ? 256 : 128;
  end(image, [1, multiplier], [0, 0], [0, 0]);
  const prediction = zeros(16);
  stepQ15(image.address, zeros(16), zeros(16), prediction);
  return load<i32>(prediction, 4);
}

/** A layer of no weight and a skip over three samples of two inputs. */
function skip(): Image {
  const image = begin(2);
  image.state(6, 16);
  denseQ15(image, LAYER_LINEAR, [0, 0], [0], NONE, 0);
  rowWords(image, NONE, 1);
  matrixQ15(image, [0, 1, 0, 2, 20, 200], 1, 6, true);
  return end(image, [1], [16384], [0]);
}

function skipDifferences(): i32 {
  const image = Image.q15(1, 20);
  image.words([0]);
  image.state(7, 16);
  denseQ15(image, LAYER_LINEAR, integers(20, 0, 0), integers(20, 0, 0), NONE, 0);
  const w = integers(140, -9000, 9000);
  rowWords(image, NONE, 20);
  matrixQ15(image, w, 20, 7, true);
  const m = integers(20, 0, 32767);
  end(image, integers(20, 1, 32767), m, integers(20, 0, 0));
  const state = zeros(16);
  const prediction = zeros(80);
  const window = new StaticArray<i32>(7);
  let differences = 0;
  for (let step = 0; step < 20; step++) {
    for (let l = 0; l < 6; l++) window[l] = window[l + 1];
    window[6] = integer(-32768, 32767);
    stepQ15(image.address, state, vector<i32>([window[6]]), prediction);
    for (let row = 0; row < 20; row++) {
      let sum: i64 = 0;
      for (let l = 0; l < 7; l++) sum += i64(w[7 * row + l]) * i64(window[l]);
      if (i64(load<i32>(prediction + usize(4 * row))) !== (sum * i64(m[row])) >> 16) differences++;
    }
  }
  return differences;
}

/** Outputs and states over 10 steps of two GRU layers that differ from gruQ15 layer by layer. */
function stackDifferences(isBefore: bool): i32 {
  const image = Image.q15(3, 18);
  image.words([0, 0, 0]);
  image.state(0, 16 + 48);
  const first = new GruQ15(3, 5, isBefore).pack(image);
  const second = new GruQ15(5, 18, isBefore).pack(image);
  const m = integers(18, 1, 32767);
  end(image, m, integers(18, 0, 0), integers(18, 7, 7));
  const state = zeros(64);
  const prediction = zeros(80);
  const x = zeros(16);
  const h1 = zeros(32);
  const h2 = zeros(64);
  const t = zeros(4096);
  let differences = 0;
  for (let step = 0; step < 10; step++) {
    const raw = integers(3, -32768, 32767);
    for (let i = 0; i < 3; i++) store<i16>(x + usize(2 * i), i16(raw[i]));
    stepQ15(image.address, state, vector<i32>(raw), prediction);
    gruQ15(first, TABLE, x, h1, t);
    gruQ15(second, TABLE, h1, h2, t);
    if (memory.compare(state, h1, 10) !== 0) differences++;
    if (memory.compare(state + 16, h2, 36) !== 0) differences++;
    for (let i = 0; i < 18; i++) {
      const expected = ((i64(load<i16>(h2 + usize(2 * i))) * 256 * i64(m[i])) >> 16) + 7;
      if (i64(load<i32>(prediction + usize(4 * i))) !== expected) differences++;
    }
  }
  return differences;
}
