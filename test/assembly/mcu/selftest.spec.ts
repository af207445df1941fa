import { drive_f32 } from "../../../assembly/mcu/f32";
import { affine, affine_bytes, affine16, drive_q15 } from "../../../assembly/mcu/q15";
import { check, drive, selftest } from "../../../assembly/mcu/selftest";
import { stateAfterZeros } from "../support/advance";
import { calls, INPUT, OUTPUT, REFUSED, refuse, STATE } from "../support/counter";
import { placeTable } from "../support/mcu_table";
import { vector, zeros } from "../support/memory";
import { BYTES, Matrix, ROWS, Tape, WIDE } from "../support/pack_mcu";
import { integer } from "../support/random";

// biome-ignore lint/suspicious/noExportsInTest: as-pect.config.js hands it to assembly/mcu/selftest.ts
export { step } from "../support/counter";

placeTable();

describe("selftest", () => {
  it("is 0 when every prediction is the expected one", () => {
    expect(test([1, 2, 3, -3, 4, 5, 12, -12], 2)).toBe(0);
  });

  it("is 0 without steps", () => {
    expect(test([1, 2, 9, 9], 0)).toBe(0);
  });

  it("names the first step that differs, from 1", () => {
    expect(test([1, 2, 4, -3, 4, 5, 12, -12], 2)).toBe(1);
    expect(test([1, 2, 3, -3, 4, 5, 12, 12, 0, 0, 12, -12], 3)).toBe(2);
    expect(test([1, 2, 3, -3, 4, 5, 12, -12, 0, 0, 12, 0], 3)).toBe(3);
  });

  it("tells a difference of any one bit in any output", () => {
    for (let bit = 0; bit < 32; bit++) {
      expect(test([1, 2, 3 ^ (1 << bit), -3], 1)).toBe(1, `output 0, bit ${bit}`);
      expect(test([1, 2, 3, -3 ^ (1 << bit)], 1)).toBe(1, `output 1, bit ${bit}`);
    }
  });

  it("takes a step that is refused for one that differs", () => {
    expect(test([0, 0, 0, 0, REFUSED, 0, 0, 0], 2)).toBe(2);
  });

  it("makes no more steps behind the first that differs", () => {
    const before = calls;
    test([1, 2, 4, -3, 4, 5, 12, -12], 2);
    expect(calls - before).toBe(1);
  });

  it("starts from a fresh state", () => {
    store<i32>(STATE, 1000);
    expect(test([1, 2, 3, -3], 1)).toBe(0);
  });

  it("leaves a fresh state, passed or not", () => {
    test([1, 2, 3, -3], 1);
    expect(load<i32>(STATE)).toBe(0);
    test([1, 2, 4, -3], 1);
    expect(load<i32>(STATE)).toBe(0);
  });
});

describe("drive", () => {
  it("answers the start of FNV-1a over the state alone without steps, and clears it first", () => {
    store<i32>(STATE, 5);
    expect(run<i32>(1, 0, 0)).toBe(hash([0, 0, 0, 0]));
    expect(load<i32>(STATE)).toBe(0);
  });

  it("hashes the status and the prediction of each step, then the state", () => {
    const sum = sampleOf(1, 0) + sampleOf(1, 1);
    expect(run<i32>(1, 1, 0)).toBe(hash([0, sum, -sum, sum, 0, 0, 0]));
  });

  it("hashes the status of a step that is refused, and goes on", () => {
    refuse(0);
    store<i64>(OUTPUT, 0);
    expect(run<i32>(1, 2, 1)).toBe(hash([REFUSED, 0, 0, REFUSED, 0, 0, 0, 0, 0, 0]));
    refuse(REFUSED);
  });

  it("draws values of all magnitudes by xorshift from the seed", () => {
    run<i32>(1, 1, 0);
    expect(load<i32>(INPUT)).toBe(sampleOf(1, 0));
    expect(load<i32>(INPUT, 4)).toBe(sampleOf(1, 1));
    run<i32>(12345, 1, 0);
    expect(load<i32>(INPUT, 4)).toBe(sampleOf(12345, 1));
  });

  it("keeps raw values within -2^30..2^30, and reaches both ends", () => {
    let least = 0;
    let most = 0;
    for (let turn = 0; turn < 1000; turn++) {
      run<i32>(integer(i32.MIN_VALUE, i32.MAX_VALUE), 1, 0);
      least = min(least, load<i32>(INPUT));
      most = max(most, load<i32>(INPUT));
    }
    expect(least).toBe(-(1 << 30));
    expect(most).toBe(1 << 30);
  });

  it("draws real values in units of 2^-16 for f32", () => {
    run<f32>(1, 1, 0);
    expect<f32>(load<f32>(INPUT)).toBe(f32(unclampedOf(1, 0)) / 65536);
    expect<f32>(load<f32>(INPUT, 4)).toBe(f32(unclampedOf(1, 1)) / 65536);
  });

  it("draws tokens below the vocabulary, in both numeric forms", () => {
    for (let seed = 1; seed < 100; seed += 2) {
      run<i32>(seed, 1, 5);
      expect(load<u32>(INPUT)).toBeLessThan(5);
      run<f32>(seed, 1, 5);
      expect(load<u32>(INPUT, 4)).toBeLessThan(5);
    }
  });

  it("takes an even seed for the odd one behind it: xorshift has no way out of 0", () => {
    expect(run<i32>(0, 3, 0)).toBe(run<i32>(1, 3, 0));
  });

  it("gives other hashes for other seeds and other numbers of steps", () => {
    expect(run<i32>(1, 10, 0)).not.toBe(run<i32>(3, 10, 0));
    expect(run<i32>(1, 10, 0)).not.toBe(run<i32>(1, 11, 0));
  });
});

describe("drive_q15", () => {
  it("is drive of raw values", () => {
    expect(drive_q15(7, 20, INPUT, 8, OUTPUT, 8, STATE, 16, 0)).toBe(run<i32>(7, 20, 0));
  });
});

describe("drive_f32", () => {
  it("is drive of real values", () => {
    expect(drive_f32(7, 20, INPUT, 8, OUTPUT, 8, STATE, 16, 0)).toBe(run<f32>(7, 20, 0));
  });
});

describe("gru_after_… and gru_before_…", () => {
  it("halve the state of a layer without weights, in every pack, proven to fit or not", () => {
    for (let pack = WIDE; pack <= ROWS; pack++) {
      expect(stateAfterZeros(pack, false, true, 16384)).toBe(8192);
      expect(stateAfterZeros(pack, false, false, 16384)).toBe(8192);
      expect(stateAfterZeros(pack, true, true, 16384)).toBe(8192);
      expect(stateAfterZeros(pack, true, false, 16384)).toBe(8192);
    }
  });
});

describe("affine", () => {
  it("reads weights of i8", () => {
    const data = vector<i8>([10, 0, 0, 0, 1, -2, 3, -4]);
    const t = zeros(4);
    const x = vector<i16>([1, 10, 100, 1000]);
    affine(data, x, x + 8, t, 1);
    expect(load<i32>(t)).toBe(-3709); // 10 + 1 - 20 + 300 - 4000
  });
});

describe("affine16", () => {
  it("reads weights of i16", () => {
    const data = vector<i16>([10, 0, 1000, -2, 3, -4]);
    const t = zeros(4);
    const x = vector<i16>([1, 10, 100, 1000]);
    affine16(data, x, x + 8, t, 1);
    expect(load<i32>(t)).toBe(-2710); // 10 + 1000 - 20 + 300 - 4000
  });
});

describe("affine_bytes", () => {
  it("reads weights of i8 plus 128, rows by four", () => {
    const tape = new Tape(64);
    for (let row = 0; row < 4; row++) tape.bias(row === 1 ? 10 : 0, row, BYTES);
    tape.weights(new Matrix([5, 0, 0, 0, 1, -2, 3, -4], 2, 4), BYTES, 0, 0, 0, 4, 4);
    const t = zeros(16);
    const x = vector<i16>([1, 10, 100, 1000]);
    affine_bytes(tape.address, x, x + 8, t, 4);
    expect(load<i32>(t)).toBe(5);
    expect(load<i32>(t, 4)).toBe(-3709);
    expect(load<i32>(t, 8)).toBe(0);
  });
});

describe("check", () => {
  it("knows the CRC-32 of nine digits, in two parts", () => {
    // "1234" and "5678" of "123456789", whose CRC-32 is 0xcbf43926; that of the first eight is 0x9ae0daaf.
    const words = vector<i32>([0x34333231, 7, 0x38373635]);
    expect(check(words, words + 4, words + 8, words + 12, ~0x9ae0daaf)).toBe(0);
    expect(check(words, words + 4, words + 8, words + 12, ~0x9ae0daae)).toBe(1);
  });

  it("goes on to the end where both parts are one", () => {
    const words = vector<i32>([0x34333231, 0x38373635]);
    expect(check(words, words + 8, words + 8, words + 8, ~0x9ae0daaf)).toBe(0);
  });
});

/** selftest over words of samples (two) and predictions (two). */
function test(words: StaticArray<i32>, steps: i32): i32 {
  return selftest(vector<i32>(words), steps, INPUT, 8, OUTPUT, 8, STATE, 16);
}

function run<V>(seed: i32, steps: i32, vocabulary: i32): i32 {
  return drive<V>(seed, steps, INPUT, 8, OUTPUT, 8, STATE, 16, vocabulary);
}

/** FNV-1a over words, rotated. */
function hash(words: StaticArray<i32>): i32 {
  let h: u32 = 2166136261;
  for (let i = 0; i < words.length; i++) h = rotl<u32>((h ^ u32(words[i])) * 16777619, 5);
  return i32(h);
}

function xorshift(s: u32): u32 {
  s ^= s << 13;
  s ^= s >> 17;
  return s ^ (s << 5);
}

/** Value `index` that a seed draws, before its limits: each takes two random numbers, the second tells its magnitude. */
function unclampedOf(seed: u32, index: i32): i32 {
  let value: u32 = 0;
  let random = seed;
  for (let i = 0; i <= index; i++) {
    value = xorshift(random);
    random = xorshift(value);
  }
  return i32(value) >> i32(random & 31);
}

function sampleOf(seed: u32, index: i32): i32 {
  return max(min(unclampedOf(seed, index), 1 << 30), -(1 << 30));
}
