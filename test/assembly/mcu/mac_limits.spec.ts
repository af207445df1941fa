import { BOTH, clampSums, Limit, maskOf, OFFSET } from "../../../assembly/mcu/mac_limits";
import { vector, zeros } from "../support/memory";

describe("BOTH", () => {
  it("puts a number in both halves of a word", () => {
    expect<i64>(7 * BOTH).toBe(0x0000000700000007);
  });
});

describe("maskOf", () => {
  it("is every bit from 16 + shift on of both halves", () => {
    expect<i64>(maskOf(0)).toBe(0xffff0000ffff0000);
    expect<i64>(maskOf(8)).toBe(0xff000000ff000000);
    expect<i64>(maskOf(15)).toBe(0x8000000080000000);
  });

  it("is nothing when the shift leaves no more than 16 bits", () => {
    expect<i64>(maskOf(16)).toBe(0);
    expect<i64>(maskOf(30)).toBe(0);
  });
});

describe("Limit.of", () => {
  it("is 2^(15 + shift) in both halves, the offset of the lower one taken off", () => {
    expect<i64>(Limit.of(maskOf(0)) + OFFSET).toBe(0x0000800000008000);
    expect<i64>(Limit.of(maskOf(15)) + OFFSET).toBe(0x4000000040000000);
  });
});

describe("Limit.ofOne", () => {
  it("is 2^(15 + shift)", () => {
    expect(Limit.ofOne(i32(maskOf(0)))).toBe(0x8000);
    expect(Limit.ofOne(i32(maskOf(15)))).toBe(0x40000000);
  });
});

describe("maskOf and Limit", () => {
  it("tell of two sums in a word whether one passes i16, at all ends of all shifts", () => {
    expect(wrongAnswers()).toBe(0);
  });
});

describe("clampSums", () => {
  it("keeps sums that fit", () => {
    expect(clamped(32767, 0)).toBe(32767);
    expect(clamped(-32768, 0)).toBe(-32768);
    expect(clamped(8388607, 8)).toBe(8388607);
  });

  it("clamps sums to the greatest and the least that fit", () => {
    expect(clamped(32768, 0)).toBe(32767);
    expect(clamped(-32769, 0)).toBe(-32768);
    expect(clamped(8388608, 8)).toBe(8388607);
    expect(clamped(-8388609, 8)).toBe(-8388608);
    expect(clamped(i32.MAX_VALUE, 15)).toBe(1073741823);
    expect(clamped(i32.MIN_VALUE, 15)).toBe(-1073741824);
  });

  it("clamps `count` sums and no more", () => {
    const t = vector<i32>([70000, -70000, 70000]);
    clampSums(t, 2, 32768);
    expect(load<i32>(t)).toBe(32767);
    expect(load<i32>(t, 4)).toBe(-32768);
    expect(load<i32>(t, 8)).toBe(70000);
  });

  it("does nothing with no sums", () => {
    const t = vector<i32>([70000]);
    clampSums(t, 0, 32768);
    expect(load<i32>(t)).toBe(70000);
  });
});

function clamped(sum: i32, shift: i32): i32 {
  const t = zeros(4);
  store<i32>(t, sum);
  clampSums(t, 1, Limit.ofOne(i32(maskOf(shift))));
  return load<i32>(t);
}

/** Pairs of sums at which the question is not answered as the shifted sums would. */
function wrongAnswers(): i32 {
  let wrong = 0;
  for (let shift = 0; shift <= 30; shift++) {
    const limit = shift < 16 ? i64(1) << (15 + shift) : i64(1) << 31;
    const ends: StaticArray<i64> = [0, 1, -1, limit - 1, limit, -limit, -limit - 1, i32.MAX_VALUE, i32.MIN_VALUE];
    for (let i = 0; i < ends.length; i++) {
      for (let j = 0; j < ends.length; j++) {
        if (ends[i] !== i64(i32(ends[i])) || ends[j] !== i64(i32(ends[j]))) continue;
        const word = ends[i] + OFFSET + (ends[j] << 32);
        const asked = ((word + Limit.of(maskOf(shift))) & maskOf(shift)) !== 0;
        if (asked !== (passes(ends[i] >> shift) || passes(ends[j] >> shift))) wrong++;
      }
    }
  }
  return wrong;
}

function passes(value: i64): bool {
  return value !== i64(i16(value));
}
