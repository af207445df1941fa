import { gate, gateSat, Unit, unitBefore, unitBeforeSat, unitReset, unitResetSat } from "../../../assembly/mcu/cell";
import { sat, sigma, T } from "../support/gru_integers";
import { IS_FREE, placeTable } from "../support/mcu_table";
import { vector, zeros } from "../support/memory";
import { integer } from "../support/random";
import { UnitCase } from "../support/unit_case";

placeTable();

/** The greatest |sum| of two products of an i16 and a multiplier. */
const MOST: i32 = 2 * 32768 * 32767;

/** Distances from a whole v, in 2^-14, at which rounding to it begins and ends. */
const EDGES: StaticArray<i32> = [-8193, -8192, 0, 8191, 8192];

describe("the table of a module for a microcontroller", () => {
  it("lies where the specs leave memory free", () => {
    expect(IS_FREE).toBe(true);
  });
});

describe("Unit.part", () => {
  it("is the floor of the shifted sum times the multiplier", () => {
    expect(Unit.part(1000, 3, 2)).toBe(250);
    expect(Unit.part(-1, 3, 2)).toBe(-2);
    expect(Unit.part(-32768, 0, 32767)).toBe(-1073709056);
  });
});

describe("Unit.partBy", () => {
  it("saturates the shifted sum when asked to", () => {
    expect(Unit.partBy(70000, 1, 2, true)).toBe(65534);
    expect(Unit.partBy(-70000, 1, 2, true)).toBe(-65536);
    expect(Unit.partBy(i32.MIN_VALUE, 0, 1, true)).toBe(-32768);
  });

  it("does not otherwise", () => {
    expect(Unit.partBy(70000, 1, 2, false)).toBe(70000);
  });
});

describe("Unit.tanh (FORMAT.md 5.3)", () => {
  it("is zero at zero", () => {
    expect(Unit.tanh(0)).toBe(0);
  });

  it("equals T at every i16", () => {
    let differences = 0;
    for (let v = -32768; v <= 32767; v++) if (i64(Unit.tanh(v)) !== T(v)) differences++;
    expect(differences).toBe(0);
  });

  it("is flat beyond both ends of its part of the table", () => {
    expect(Unit.tanh(-21249)).toBe(-32766);
    expect(Unit.tanh(-32768)).toBe(-32766);
    expect(Unit.tanh(20993)).toBe(32766);
    expect(Unit.tanh(32767)).toBe(32766);
  });
});

describe("Unit.tanhOf", () => {
  it("rounds halves towards +infinity", () => {
    expect(Unit.tanhOf((256 << 14) - 8192)).toBe(2047); // 255.5 -> 256
    expect(Unit.tanhOf((256 << 14) - 8193)).toBe(2039); //       -> 255
  });

  it("equals T at every i16, just before and just after each is rounded to", () => {
    let differences = 0;
    for (let v = -32768; v <= 32767; v++) {
      for (let i = 0; i < 5; i++) {
        const sum = (i64(v) << 14) + EDGES[i];
        if (sum >= -MOST && sum <= MOST && i64(Unit.tanhOf(i32(sum))) !== T(sat((sum + 8192) >> 14))) differences++;
      }
    }
    expect(differences).toBe(0);
  });

  it("is flat up to the ends of any sum of two products", () => {
    expect(Unit.tanhOf(MOST)).toBe(32766);
    expect(Unit.tanhOf(-MOST)).toBe(-32766);
  });

  it("equals T at random sums", () => {
    let differences = 0;
    for (let turn = 0; turn < 100000; turn++) {
      const sum = integer(-MOST, MOST);
      if (i64(Unit.tanhOf(sum)) !== T(sat((i64(sum) + 8192) >> 14))) differences++;
    }
    expect(differences).toBe(0);
  });
});

describe("Unit.blend", () => {
  it("rounds halves towards +infinity", () => {
    expect(blend(0, 16384, 1)).toBe(1); //  0.5 ->  1
    expect(blend(0, 16384, -1)).toBe(0); // -0.5 ->  0
    expect(blend(0, 16384, -3)).toBe(-1); // -1.5 -> -1
  });

  it("does not overflow at the ends of n, z and h", () => {
    expect(blend(32766, 32767, -32768)).toBe(-32766);
    expect(blend(-32766, 32767, 32767)).toBe(32765);
    expect(blend(-32766, 1, 32766)).toBe(-32764);
  });
});

describe("Unit.after", () => {
  it("halves the state when all sums are zero", () => {
    const h = vector<i16>([1000]);
    Unit.after(zeros(96), zeros(48), h, h, 0, 0);
    expect(load<i16>(h)).toBe(500);
  });

  it("computes the integers of FORMAT.md 5.2 from sums that fit, extremes included", () => {
    expect(afterDifferences(4)).toBe(0);
  });
});

describe("Unit.afterOf2", () => {
  it("computes the integers of FORMAT.md 5.2 from sums that fit, extremes included", () => {
    expect(afterDifferences(2)).toBe(0);
  });
});

describe("gate", () => {
  it("computes the T of each gate as Unit.after does, from sums that fit", () => {
    expect(gateDifferences(false, false)).toBe(0);
    expect(gateDifferences(true, false)).toBe(0);
  });

  it("saturates any sums", () => {
    expect(gateDifferences(true, true)).toBe(0);
  });

  it("does not take a closed gate r for none", () => {
    const t = zeros(96);
    store<i32>(t, 32767, 48);
    const m = zeros(48);
    store<i16>(m, 16384, 24);
    expect(gate(t, m, 0, 0, 0)).toBe(0);
    expect(gate(t, m, 0, 0, -1)).toBe(32766);
  });
});

describe("unitReset", () => {
  it("is r h, rounded to nearest: half of h when all sums are zero", () => {
    expect(gatedFromZeros(1000)).toBe(500);
    expect(gatedFromZeros(-32768)).toBe(-16384);
    expect(gatedFromZeros(1)).toBe(1); //  0.5 ->  1
    expect(gatedFromZeros(-1)).toBe(0); // -0.5 ->  0
  });

  it("computes the integers of FORMAT.md 5.2 from sums that fit", () => {
    expect(resetDifferences(false, false)).toBe(0);
    expect(resetDifferences(true, false)).toBe(0);
  });

  it("saturates any sums", () => {
    expect(resetDifferences(true, true)).toBe(0);
  });
});

describe("unitBefore", () => {
  it("computes the integers of FORMAT.md 5.2 from sums that fit", () => {
    expect(beforeDifferences(false, false)).toBe(0);
    expect(beforeDifferences(true, false)).toBe(0);
  });

  it("saturates any sums", () => {
    expect(beforeDifferences(true, true)).toBe(0);
  });
});

function blend(n: i32, z: i32, h: i32): i32 {
  const to = zeros(2);
  Unit.blend(to, n, z, h);
  return i32(load<i16>(to));
}

function gatedFromZeros(h: i32): i32 {
  const at = zeros(2);
  store<i16>(at, h);
  unitReset(zeros(32), zeros(16), at, at, 0, 0);
  return i32(load<i16>(at));
}

function blended(n: i64, z: i64, h: i64): i64 {
  return n + ((z * (h - n) + 16384) >> 15);
}

function afterDifferences(stride: i32): i32 {
  const to = zeros(2);
  let differences = 0;
  for (let turn = 0; turn < 4000; turn++) {
    const unit = UnitCase.after(stride, false);
    if (stride === 4) Unit.after(unit.t, unit.m, unit.h, to, unit.shiftX, unit.shiftH);
    else Unit.afterOf2(unit.t, unit.m, unit.h, to, unit.shiftX, unit.shiftH);
    if (i64(load<i16>(to)) !== blended(unit.n, unit.z, unit.state)) differences++;
  }
  return differences;
}

/** T of gate `place` of a unit by `gate` or `gateSat`. */
function gateOf(saturates: bool, unit: UnitCase, place: i32, r: i32): i32 {
  const t = unit.t + usize(16 * place);
  const m = unit.m + usize(8 * place);
  if (saturates) return gateSat(t, m, unit.shiftX, unit.shiftH, r);
  return gate(t, m, unit.shiftX, unit.shiftH, r);
}

function gateDifferences(saturates: bool, isAny: bool): i32 {
  let differences = 0;
  for (let turn = 0; turn < 4000; turn++) {
    const unit = UnitCase.after(4, isAny);
    const r = (gateOf(saturates, unit, 0, -1) + 32769) >> 2;
    const z = (gateOf(saturates, unit, 1, -1) + 32769) >> 1;
    const n = gateOf(saturates, unit, 2, r);
    if (i64(r) !== unit.r14 || i64(z) !== unit.z || i64(n) !== unit.n) differences++;
  }
  return differences;
}

function resetDifferences(saturates: bool, isAny: bool): i32 {
  const to = zeros(2);
  let differences = 0;
  for (let turn = 0; turn < 4000; turn++) {
    const unit = new UnitCase(4);
    unit.set(0, false, isAny, 32767);
    unit.set(1, true, isAny, 32767);
    if (saturates) unitResetSat(unit.t, unit.m, unit.h, to, unit.shiftX, unit.shiftH);
    else unitReset(unit.t, unit.m, unit.h, to, unit.shiftX, unit.shiftH);
    const r14 = sigma(sat((unit.part(0, false) + unit.part(1, true) + 8192) >> 14)) >> 1;
    if (i64(load<i16>(to)) !== (r14 * unit.state + 8192) >> 14) differences++;
  }
  return differences;
}

function beforeDifferences(saturates: bool, isAny: bool): i32 {
  const to = zeros(2);
  let differences = 0;
  for (let turn = 0; turn < 4000; turn++) {
    const unit = new UnitCase(4);
    for (let place = 0; place < 4; place++) unit.set(place, (place & 1) === 1, isAny, 32767);
    if (saturates) unitBeforeSat(unit.t, unit.m, unit.h, to, unit.shiftX, unit.shiftH);
    else unitBefore(unit.t, unit.m, unit.h, to, unit.shiftX, unit.shiftH);
    const z = sigma(sat((unit.part(0, false) + unit.part(1, true) + 8192) >> 14));
    const n = T(sat((unit.part(2, false) + unit.part(3, true) + 8192) >> 14));
    if (i64(load<i16>(to)) !== blended(n, z, unit.state)) differences++;
  }
  return differences;
}
