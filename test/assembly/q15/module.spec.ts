import {
  ABI_VERSION,
  HEADER_CHECKSUM,
  HEADER_MAGIC,
  IMAGE_MAGIC_Q15_I8,
  IMAGE_MAGIC_Q15_I16,
  STATUS_BAD_CHECKSUM,
  STATUS_BAD_MAGIC,
  STATUS_BAD_SIZE,
  STATUS_BAD_TOKEN,
  STATUS_OK,
} from "../../../assembly/layout";
import { abi_version, batch, check, reset, run, step } from "../../../assembly/q15/module";
import { Image } from "../support/image";
import { vector, zeros } from "../support/memory";
import { GruQ15 } from "../support/pack_q15";
import { integers } from "../support/random";

describe("abi_version", () => {
  it("is the version of layout.ts", () => {
    expect(abi_version()).toBe(ABI_VERSION);
  });
});

describe("check", () => {
  it("accepts a q15 image for this build", () => {
    const image = gru();
    expect(check(image.address, image.finish())).toBe(STATUS_OK);
  });

  it("refuses a q15 image for the other build", () => {
    const image = gru();
    image.set(HEADER_MAGIC, ASC_FEATURE_SIMD ? IMAGE_MAGIC_Q15_I8 : IMAGE_MAGIC_Q15_I16);
    expect(check(image.address, image.finish())).toBe(STATUS_BAD_MAGIC);
  });

  it("says what is wrong with a damaged one", () => {
    const image = gru();
    const bytes = image.finish();
    expect(check(image.address, bytes - 16)).toBe(STATUS_BAD_SIZE);
    image.set(HEADER_CHECKSUM, 0);
    expect(check(image.address, bytes)).toBe(STATUS_BAD_CHECKSUM);
  });
});

describe("reset", () => {
  it("clears the state block and nothing behind it", () => {
    const image = gru();
    const state = zeros(32);
    memory.fill(state, 0xff, 32);
    reset(image.address, state);
    expect(memory.compare(state, zeros(16), 16)).toBe(0);
    expect<u64>(load<u64>(state, 16)).toBe(u64.MAX_VALUE);
  });
});

describe("run", () => {
  it("equals step after step", () => {
    const image = gru();
    const samples = vector<i32>(integers(20, -32768, 32767));
    const predictions = zeros(200);
    const state = zeros(16);
    expect(run(image.address, state, samples, predictions, 10)).toBe(STATUS_OK);
    const other = zeros(16);
    const prediction = zeros(32);
    for (let t = 0; t < 10; t++) {
      step(image.address, other, samples + usize(8 * t), prediction);
      expect(memory.compare(predictions + usize(20 * t), prediction, 20)).toBe(0, `step ${t}`);
    }
    expect(memory.compare(state, other, 16)).toBe(0);
  });

  it("does nothing for a count of zero", () => {
    const state = vector<i32>([1, 2, 3, 4]);
    expect(run(gru().address, state, zeros(16), zeros(32), 0)).toBe(STATUS_OK);
    expect(load<i32>(state, 12)).toBe(4);
  });

  it("stops at a bad token and returns its status", () => {
    const image = embedding();
    const predictions = zeros(16);
    expect(run(image.address, zeros(16), vector<i32>([1, 2, 0]), predictions, 3)).toBe(STATUS_BAD_TOKEN);
    expect(load<i32>(predictions)).toBeGreaterThan(0);
    expect(load<i32>(predictions, 8)).toBe(0);
  });
});

describe("batch", () => {
  it("advances every session as step does", () => {
    const image = gru();
    const states = vector<u32>([u32(zeros(16)), u32(zeros(16)), u32(zeros(16))]);
    const alone = zeros(48);
    const prediction = zeros(32);
    for (let turn = 0; turn < 4; turn++) {
      const samples = vector<i32>(integers(6, -32768, 32767));
      const predictions = zeros(60);
      expect(batch(image.address, states, samples, predictions, 3)).toBe(STATUS_OK);
      for (let i: usize = 0; i < 3; i++) {
        step(image.address, alone + 16 * i, samples + 8 * i, prediction);
        expect(memory.compare(predictions + 20 * i, prediction, 20)).toBe(0);
        expect(memory.compare(usize(load<u32>(states + 4 * i)), alone + 16 * i, 16)).toBe(0);
      }
    }
  });

  it("stops at a bad token: later sessions stay as they are", () => {
    const image = embedding();
    const last = vector<i32>([77]);
    const states = vector<u32>([u32(zeros(16)), u32(zeros(16)), u32(last)]);
    expect(batch(image.address, states, vector<i32>([1, -1, 0]), zeros(16), 3)).toBe(STATUS_BAD_TOKEN);
    expect(load<i32>(last)).toBe(77);
  });
});

describe("a ring of forecasts", () => {
  it("compares each sample with the prediction of the step before, by step, run and batch", () => {
    const image = gru();
    const samples = vector<i32>(integers(20, -100000, 100000));
    // Horizon 1; output 3 forecasts input 1.
    const ring = image.forecasts([1, 1, 4, 12, 0]);
    const state = zeros(64);
    const prediction = zeros(32);
    for (let t = 0; t < 10; t++) {
      const sample = samples + usize(8 * t);
      const before = load<i32>(prediction, 12);
      step(image.address, state, sample, prediction);
      const known = state + usize(ring + 8);
      expect<i32>(load<i32>(known)).toBe(before);
      expect<i32>(load<i32>(known, 4)).toBe(t > 0 ? load<i32>(sample, 4) - before : 0);
    }
    const other = zeros(64);
    run(image.address, other, samples, zeros(200), 10);
    expect(memory.compare(state, other, 64)).toBe(0);
    const third = zeros(64);
    const states = vector<u32>([u32(third)]);
    for (let t = 0; t < 10; t++) batch(image.address, states, samples + usize(8 * t), prediction, 1);
    expect(memory.compare(state, third, 64)).toBe(0);
  });
});

/** Two inputs, one GRU layer of 5 units, which are the outputs. */
function gru(): Image {
  const image = Image.q15(2, 5);
  image.words([0, 0]);
  new GruQ15(2, 5, false).pack(image);
  return end(image, 5);
}

/** Two tokens and one GRU unit. */
function embedding(): Image {
  const image = Image.q15(1, 1);
  image.embedding(2, 1);
  image.words([1000]);
  image.words([2000]);
  const layer = new GruQ15(1, 1, false);
  layer.W = [0, 0, 100];
  layer.b = [0, 0, 0];
  layer.c = [0, 0, 0];
  layer.mx = [1, 1, 16384];
  layer.pack(image);
  return end(image, 1);
}

function end(image: Image, outputs: i32): Image {
  image.state(0, 16);
  image.output();
  image.words(integers(outputs, 32767, 32767));
  image.words(integers(outputs, 0, 0));
  image.words(integers(outputs, 0, 0));
  image.finish();
  return image;
}
