import { abi_version, batch, check, reset, run, step } from "../../../assembly/f32/module";
import {
  ABI_VERSION,
  HEADER_CHECKSUM,
  HEADER_MAGIC,
  IMAGE_MAGIC_Q15_I8,
  STATUS_BAD_CHECKSUM,
  STATUS_BAD_MAGIC,
  STATUS_BAD_SIZE,
  STATUS_BAD_TOKEN,
  STATUS_OK,
} from "../../../assembly/layout";
import { Image } from "../support/image";
import { vector, zeros } from "../support/memory";
import { affineF32, GruF32 } from "../support/pack_f32";
import { uniforms } from "../support/random";

describe("abi_version", () => {
  it("is the version of layout.ts", () => {
    expect(abi_version()).toBe(ABI_VERSION);
  });
});

describe("check", () => {
  it("accepts an f32 image", () => {
    const image = gru();
    expect(check(image.address, image.finish())).toBe(STATUS_OK);
  });

  it("says what is wrong with any other", () => {
    const image = gru();
    const bytes = image.finish();
    expect(check(image.address, bytes - 16)).toBe(STATUS_BAD_SIZE);
    image.set(HEADER_CHECKSUM, 0);
    expect(check(image.address, bytes)).toBe(STATUS_BAD_CHECKSUM);
    image.set(HEADER_MAGIC, IMAGE_MAGIC_Q15_I8);
    expect(check(image.address, bytes)).toBe(STATUS_BAD_MAGIC);
  });
});

describe("reset", () => {
  it("clears the state block and nothing behind it", () => {
    const image = gru();
    const state = zeros(48);
    memory.fill(state, 0xff, 48);
    reset(image.address, state);
    expect(memory.compare(state, zeros(32), 32)).toBe(0);
    expect<u64>(load<u64>(state, 32)).toBe(u64.MAX_VALUE);
  });

  it("lets a session start again", () => {
    const image = gru();
    const state = zeros(32);
    const x = vector<f32>([0.5, -0.5]);
    const first = zeros(32);
    const again = zeros(32);
    step(image.address, state, x, first);
    step(image.address, state, x, again);
    expect(memory.compare(first, again, 20) !== 0).toBe(true, "the state matters");
    reset(image.address, state);
    step(image.address, state, x, again);
    expect(memory.compare(first, again, 20)).toBe(0);
  });
});

describe("run", () => {
  it("equals step after step", () => {
    const image = gru();
    const samples = vector<f32>(uniforms(20, 1));
    const predictions = zeros(200);
    const state = zeros(32);
    expect(run(image.address, state, samples, predictions, 10)).toBe(STATUS_OK);
    const other = zeros(32);
    const prediction = zeros(32);
    for (let t = 0; t < 10; t++) {
      step(image.address, other, samples + usize(8 * t), prediction);
      expect(memory.compare(predictions + usize(20 * t), prediction, 20)).toBe(0, `step ${t}`);
    }
    expect(memory.compare(state, other, 32)).toBe(0);
  });

  it("does nothing for a count of zero", () => {
    const state = vector<f32>(uniforms(8, 1));
    const before = zeros(32);
    memory.copy(before, state, 32);
    expect(run(gru().address, state, zeros(16), zeros(32), 0)).toBe(STATUS_OK);
    expect(memory.compare(state, before, 32)).toBe(0);
  });

  it("stops at a bad token and returns its status", () => {
    const image = embedding();
    const predictions = zeros(16);
    expect(run(image.address, zeros(16), vector<i32>([1, 2, 0]), predictions, 3)).toBe(STATUS_BAD_TOKEN);
    expect<f32>(load<f32>(predictions)).toBeGreaterThan(0);
    expect<f32>(load<f32>(predictions, 8)).toBe(0);
  });
});

describe("batch", () => {
  it("advances every session as step does", () => {
    const image = gru();
    const states = vector<u32>([u32(zeros(32)), u32(zeros(32)), u32(zeros(32))]);
    const alone = zeros(96);
    const prediction = zeros(32);
    for (let turn = 0; turn < 4; turn++) {
      const samples = vector<f32>(uniforms(6, 1));
      const predictions = zeros(60);
      expect(batch(image.address, states, samples, predictions, 3)).toBe(STATUS_OK);
      for (let i: usize = 0; i < 3; i++) {
        step(image.address, alone + 32 * i, samples + 8 * i, prediction);
        expect(memory.compare(predictions + 20 * i, prediction, 20)).toBe(0);
        expect(memory.compare(usize(load<u32>(states + 4 * i)), alone + 32 * i, 32)).toBe(0);
      }
    }
  });

  it("stops at a bad token: later sessions stay as they are", () => {
    const image = embedding();
    const last = vector<f32>([0.25]);
    const states = vector<u32>([u32(zeros(16)), u32(zeros(16)), u32(last)]);
    expect(batch(image.address, states, vector<i32>([1, -1, 0]), zeros(16), 3)).toBe(STATUS_BAD_TOKEN);
    expect<f32>(load<f32>(last)).toBe(0.25);
  });
});

describe("a ring of forecasts", () => {
  it("compares each sample with the prediction of the step before, by step, run and batch", () => {
    const image = gru();
    const samples = vector<f32>(uniforms(20, 1));
    // Horizon 1; output 3 forecasts input 1.
    const ring = image.forecasts([1, 1, 4, 12, 0]);
    const state = zeros(64);
    const prediction = zeros(32);
    for (let t = 0; t < 10; t++) {
      const sample = samples + usize(8 * t);
      const before = load<f32>(prediction, 12);
      step(image.address, state, sample, prediction);
      const known = state + usize(ring + 8);
      expect<f32>(load<f32>(known)).toBe(before);
      expect<f32>(load<f32>(known, 4)).toBe(t > 0 ? load<f32>(sample, 4) - before : 0);
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
  const image = Image.f32(2, 5);
  affineF32(image, [0, 0], [1, 1], [0, 0]);
  new GruF32(2, 5, false, 1).pack(image);
  return end(image, [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], 32);
}

/** Two tokens and one GRU unit. */
function embedding(): Image {
  const image = Image.f32(1, 1);
  image.embedding(2, 1);
  image.floats([1]);
  image.floats([2]);
  const layer = new GruF32(1, 1, false, 0);
  layer.W[2] = 1;
  layer.pack(image);
  return end(image, [0], [1], 16);
}

function end(image: Image, zero: StaticArray<f32>, one: StaticArray<f32>, stateBytes: i32): Image {
  image.state(0, stateBytes);
  image.output();
  affineF32(image, zero, one, zero);
  image.finish();
  return image;
}
