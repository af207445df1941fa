import { blend, gruQ15 } from "../../../assembly/q15/gru";
import { extreme, stepInIntegers } from "../support/gru_integers";
import { Image } from "../support/image";
import { zeros } from "../support/memory";
import { GruQ15 } from "../support/pack_q15";
import { integer, integers } from "../support/random";
import { TABLE } from "../support/table";

/** Sizes on both sides of a block of 16 units and of a vector of 8; odd ones have a padded last pair of columns. */
const SIZES: StaticArray<i32> = [1, 5, 16, 20];

describe("gruQ15", () => {
  it("keeps a zero state when every weight is zero", () => {
    expect(stateAfterZeros(false, 0)).toBe(0);
    expect(stateAfterZeros(true, 0)).toBe(0);
  });

  it("halves the state when every weight is zero: z is one half and n zero", () => {
    expect(stateAfterZeros(false, 16384)).toBe(8192);
    expect(stateAfterZeros(true, 16384)).toBe(8192);
  });

  it("rounds the new state to nearest, halves towards +infinity", () => {
    expect(stateAfterZeros(false, 1)).toBe(1); //  0.5 ->  1
    expect(stateAfterZeros(false, -1)).toBe(0); // -0.5 ->  0
    expect(stateAfterZeros(false, -3)).toBe(-1); // -1.5 -> -1
  });

  it("computes the integers of FORMAT.md 5.2 (reset-after)", () => {
    for (let i = 0; i < SIZES.length; i++) {
      expect(differences(new GruQ15(3, SIZES[i], false))).toBe(0, `H = ${SIZES[i]}`);
      expect(differences(new GruQ15(2, SIZES[i], false))).toBe(0, `H = ${SIZES[i]}`);
    }
  });

  it("computes the integers of FORMAT.md 5.2 (reset-before)", () => {
    for (let i = 0; i < SIZES.length; i++) {
      expect(differences(new GruQ15(3, SIZES[i], true))).toBe(0, `H = ${SIZES[i]}`);
      expect(differences(new GruQ15(2, SIZES[i], true))).toBe(0, `H = ${SIZES[i]}`);
    }
  });

  it("saturates as FORMAT.md 5.2 does when sums and multipliers are at their greatest", () => {
    for (let shift = 0; shift <= 30; shift += 5) {
      expect(differences(extreme(20, shift, false))).toBe(0, `shift ${shift}, reset-after`);
      expect(differences(extreme(20, shift, true))).toBe(0, `shift ${shift}, reset-before`);
    }
  });

  it("tells reset-after from reset-before", () => {
    const layer = new GruQ15(1, 5, false);
    const after = integers(5, 8000, 16000);
    const before = StaticArray.fromArray<i32>(after.slice<Array<i32>>());
    const x = zeros(16);
    stepInIntegers(layer, x, after, false);
    stepInIntegers(layer, x, before, true);
    expect(after[0] !== before[0] || after[1] !== before[1] || after[2] !== before[2]).toBe(true);
  });
});

describe("blend", () => {
  it("keeps almost h where z is at its greatest and takes almost n where it is at its least", () => {
    expect(blend(-32766, 32767, 32766)).toBe(32764);
    expect(blend(-32766, 1, 32766)).toBe(-32764);
  });

  it("does not overflow at the ends of h", () => {
    expect(blend(32766, 32767, -32768)).toBe(-32766);
    expect(blend(-32766, 32767, 32767)).toBe(32765);
  });
});

/** h after one step of a layer of 1 unit without weights, from `h`. */
function stateAfterZeros(isBefore: bool, h: i32): i32 {
  const layer = new GruQ15(1, 1, isBefore);
  layer.W = new StaticArray<i32>(3);
  layer.b = new StaticArray<i32>(3);
  layer.U = new StaticArray<i32>(3);
  layer.c = new StaticArray<i32>(3);
  const state = zeros(16);
  store<i16>(state, i16(h));
  gruQ15(layer.pack(Image.q15(1, 1)), TABLE, zeros(16), state, zeros(1024));
  return i32(load<i16>(state));
}

/** Number of states over 20 steps that differ from FORMAT.md 5.2 computed in 64 bits. */
function differences(layer: GruQ15): i32 {
  const record = layer.pack(Image.q15(layer.sizeIn, layer.size));
  const x = zeros(64);
  const h = zeros(64);
  const t = zeros(4096);
  const expected = new StaticArray<i32>(layer.size);
  let count = 0;
  for (let step = 0; step < 20; step++) {
    // What follows an odd x may be anything.
    for (let k = 0; k <= layer.sizeIn; k++) store<i16>(x + usize(2 * k), i16(integer(-32768, 32767)));
    gruQ15(record, TABLE, x, h, t);
    stepInIntegers(layer, x, expected, layer.isBefore);
    for (let i = 0; i < layer.size; i++) if (i32(load<i16>(h + usize(2 * i))) !== expected[i]) count++;
  }
  return count;
}
