import { gru_naive } from "../../../assembly/bench/naive";
import { extreme, stepInIntegers } from "../support/gru_integers";
import { zeros } from "../support/memory";
import { Tape } from "../support/pack_mcu";
import { GruQ15 } from "../support/pack_q15";
import { integer } from "../support/random";
import { TABLE } from "../support/table";

describe("gru_naive", () => {
  it("computes the integers of FORMAT.md 5.2, of any size", () => {
    for (let size = 1; size < 8; size++) {
      expect(differences(new GruQ15(size & 3 || 5, size, false))).toBe(0, `H = ${size}`);
    }
  });

  it("saturates as FORMAT.md 5.2 does", () => {
    for (let shift = 0; shift <= 30; shift += 5)
      expect(differences(extreme(6, shift, false))).toBe(0, `shift ${shift}`);
  });
});

/** Number of states over 20 steps that differ. */
function differences(layer: GruQ15): i32 {
  const tape = new Tape(1 << 12);
  for (let row = 0; row < layer.b.length; row++) tape.word(layer.b[row]);
  for (let row = 0; row < layer.c.length; row++) tape.word(layer.c[row]);
  for (let row = 0; row < layer.mx.length; row++) tape.half(layer.mx[row]);
  for (let row = 0; row < layer.mh.length; row++) tape.half(layer.mh[row]);
  for (let i = 0; i < layer.W.length; i++) tape.byte(layer.W[i]);
  for (let i = 0; i < layer.U.length; i++) tape.byte(layer.U[i]);
  const x = zeros(2 * layer.sizeIn + 2);
  const h = zeros(2 * layer.size + 2);
  // What stands behind a vector is no part of it.
  store<i16>(x + usize(2 * layer.sizeIn), 32767);
  store<i16>(h + usize(2 * layer.size), 32767);
  const t = zeros(24 * layer.size);
  const expected = new StaticArray<i32>(layer.size);
  let count = 0;
  for (let step = 0; step < 20; step++) {
    for (let k = 0; k < layer.sizeIn; k++) store<i16>(x + usize(2 * k), i16(integer(-32768, 32767)));
    gru_naive(tape.address, TABLE, x, h, t, layer.sizeIn, layer.size, layer.shiftX, layer.shiftH);
    stepInIntegers(layer, x, expected, false);
    for (let i = 0; i < layer.size; i++) if (i32(load<i16>(h + usize(2 * i))) !== expected[i]) count++;
  }
  return count;
}
