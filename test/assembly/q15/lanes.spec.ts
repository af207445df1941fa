import { sat16, sigmoidQ15, tanhQ15 } from "../../../assembly/q15/activations";
import { Lanes16 } from "../../../assembly/q15/lanes";
import { zeros } from "../support/memory";
import { integer } from "../support/random";
import { TABLE } from "../support/table";

/** Values at which integer arithmetic goes wrong first. */
const EXTREMES: StaticArray<i32> = [-32768, -32767, -32766, -16384, -1, 0, 1, 16383, 16384, 32766, 32767];

/** Memory to take vectors apart in. */
const LANES = zeros(16);

if (ASC_FEATURE_SIMD) {
  describe("Lanes16", () => {
    it("gives tanhQ15 in each of eight lanes, for every i16", () => {
      expect(tanhDifferences()).toBe(0);
    });

    it("gives sigmoidQ15 from tanh, for every i16", () => {
      expect(sigmoidDifferences()).toBe(0);
    });

    it("keeps h where z is at its most and takes n where z is at its least", () => {
      expect(blend(-32766, 32767, 32766)).toBe(32764); // -32766 + ((32767 * 65532 + 16384) >> 15)
      expect(blend(-32766, 1, 32766)).toBe(-32764);
      expect(blend(1000, 16384, 1000)).toBe(1000);
    });

    it("blends as h' = n + ((z (h - n) + 16384) >> 15) does, extremes included", () => {
      expect(blendDifferences()).toBe(0);
    });

    it("requantizes as sat16((p mp + q mq + 8192) >> 14) in 64 bits does, extremes included", () => {
      expect(preactDifferences()).toBe(0);
    });

    it("rounds a pre-activation's halves towards +infinity", () => {
      expect(preact(1, 8192, 0, 0)).toBe(1); //  0.5 ->  1
      expect(preact(-1, 8192, 0, 0)).toBe(0); // -0.5 ->  0
      expect(preact(-3, 8192, 0, 0)).toBe(-1); // -1.5 -> -1
    });

    it("narrows accumulators as sat16(acc >> shift) does, at every shift", () => {
      expect(narrowDifferences()).toBe(0);
    });

    it("has a vector of zeros", () => {
      expect(isEqual(Lanes16.zero(), i16x8.splat(0))).toBe(true);
    });

    it("interleaves the lanes of two vectors", () => {
      const a = i16x8(0, 1, 2, 3, 4, 5, 6, 7);
      const b = i16x8(10, 11, 12, 13, 14, 15, 16, 17);
      expect(isEqual(Lanes16.low(a, b), i16x8(0, 10, 1, 11, 2, 12, 3, 13))).toBe(true);
      expect(isEqual(Lanes16.high(a, b), i16x8(4, 14, 5, 15, 6, 16, 7, 17))).toBe(true);
    });
  });
}

function isEqual(a: v128, b: v128): bool {
  return !v128.any_true(v128.xor(a, b));
}

function lane(v: v128, i: i32): i32 {
  v128.store(LANES, v);
  return i32(load<i16>(LANES + usize(2 * i)));
}

/** Eight consecutive values. */
function from(v: i32): v128 {
  return i16x8.add(i16x8.splat(i16(v)), i16x8(0, 1, 2, 3, 4, 5, 6, 7));
}

function tanhDifferences(): i32 {
  let differences = 0;
  for (let v = -32768; v <= 32760; v += 8) {
    const y = Lanes16.tanh(from(v), TABLE);
    for (let i = 0; i < 8; i++) if (lane(y, i) !== tanhQ15(v + i, TABLE)) differences++;
  }
  return differences;
}

function sigmoidDifferences(): i32 {
  let differences = 0;
  for (let v = -32768; v <= 32760; v += 8) {
    const y = Lanes16.sigmoidOfTanh(Lanes16.tanh(from(v), TABLE));
    for (let i = 0; i < 8; i++) if (lane(y, i) !== sigmoidQ15(v + i, TABLE)) differences++;
  }
  return differences;
}

function blend(n: i32, z: i32, h: i32): i32 {
  return lane(Lanes16.blend(i16x8.splat(i16(n)), i16x8.splat(i16(z)), i16x8.splat(i16(h))), 5);
}

function blendDifferences(): i32 {
  const at = zeros(48);
  let differences = 0;
  for (let turn = 0; turn < 20000; turn++) {
    for (let i = 0; i < 8; i++) {
      const isExtreme = (turn & 1) === 0;
      const n = isExtreme ? min(max(EXTREMES[integer(0, 10)], -32766), 32766) : integer(-32766, 32766);
      store<i16>(at + usize(2 * i), i16(n));
      store<i16>(at + usize(2 * i), i16(isExtreme ? max(EXTREMES[integer(0, 10)], 1) : integer(1, 32767)), 16);
      store<i16>(at + usize(2 * i), i16(isExtreme ? EXTREMES[integer(0, 10)] : integer(-32768, 32767)), 32);
    }
    const y = Lanes16.blend(v128.load(at), v128.load(at, 16), v128.load(at, 32));
    for (let i = 0; i < 8; i++) {
      const n = i64(load<i16>(at + usize(2 * i)));
      const z = i64(load<i16>(at + usize(2 * i), 16));
      const h = i64(load<i16>(at + usize(2 * i), 32));
      if (lane(y, i) !== i32(n + ((z * (h - n) + 16384) >> 15))) differences++;
    }
  }
  return differences;
}

/** sat16((p mp + q mq + 8192) >> 14) in two of eight lanes; i32.MIN_VALUE when they differ from each other. */
function preact(p: i32, mp: i32, q: i32, mq: i32): i32 {
  const y = Lanes16.preact(i16x8.splat(i16(p)), i16x8.splat(i16(q)), i16x8.splat(i16(mp)), i16x8.splat(i16(mq)));
  return lane(y, 1) === lane(y, 6) ? lane(y, 6) : i32.MIN_VALUE;
}

function preactDifferences(): i32 {
  let differences = 0;
  for (let turn = 0; turn < 40000; turn++) {
    const isExtreme = (turn & 1) === 0;
    const p = isExtreme ? EXTREMES[integer(0, 10)] : integer(-32768, 32767);
    const q = isExtreme ? EXTREMES[integer(0, 10)] : integer(-32768, 32767);
    const mp = isExtreme ? max(EXTREMES[integer(0, 10)], 1) : integer(1, 32767);
    const mq = isExtreme ? max(EXTREMES[integer(0, 10)], 1) : integer(1, 32767);
    const v = (i64(p) * i64(mp) + i64(q) * i64(mq) + 8192) >> 14;
    if (preact(p, mp, q, mq) !== i32(max<i64>(min<i64>(v, 32767), -32768))) differences++;
  }
  return differences;
}

function narrowDifferences(): i32 {
  const acc = zeros(32);
  let differences = 0;
  for (let shift = 0; shift <= 30; shift++) {
    for (let turn = 0; turn < 100; turn++) {
      for (let i = 0; i < 8; i++) {
        const value = turn > 0 ? integer(i32.MIN_VALUE, i32.MAX_VALUE) : i & 1 ? i32.MIN_VALUE : i32.MAX_VALUE;
        store<i32>(acc + usize(4 * i), value);
      }
      const y = Lanes16.narrow(acc, shift);
      for (let i = 0; i < 8; i++) {
        if (lane(y, i) !== sat16(load<i32>(acc + usize(4 * i)) >> shift)) differences++;
      }
    }
  }
  return differences;
}
