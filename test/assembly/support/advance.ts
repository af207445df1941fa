// The functions for GRU layers of assembly/mcu/q15.ts by what they are for.

import { OVER_SHIFT } from "../../../assembly/layout";
import * as mcu from "../../../assembly/mcu/q15";
import { zeros } from "./memory";
import { BYTES, McuLayer, WIDE } from "./pack_mcu";
import { GruQ15 } from "./pack_q15";

/** A packed layer with the memory that it works in. */
export class Advance {
  readonly packed: McuLayer;
  /** Input, i16, as far as the inner loops read. */
  readonly x: usize;
  /** State, likewise, starting as zeros. */
  readonly h: usize;
  /** Work space: sums, the new state, r * h. */
  readonly t: usize;

  constructor(packed: McuLayer) {
    this.packed = packed;
    this.x = zeros(2 * packed.columnsX);
    this.h = zeros(2 * packed.columnsH);
    this.t = zeros(96 + 4 * packed.columnsH);
  }

  /** One time step by the function for layers whose sums are proven to fit, or by that which saturates. */
  step(isProven: bool): void {
    const packed = this.packed;
    const layer = packed.layer;
    const data = packed.tape.address;
    const x = this.x;
    const h = this.h;
    const t = this.t;
    const overX = (2 * packed.columnsX) | (layer.shiftX << OVER_SHIFT);
    const overH = (2 * packed.units) | (layer.shiftH << OVER_SHIFT);
    if (layer.isBefore) {
      if (packed.pack === WIDE) {
        if (isProven) mcu.gru_before_wide(data, x, h, t, overX, overH);
        else mcu.gru_before_wide_sat(data, x, h, t, overX, overH);
      } else if (packed.pack === BYTES) {
        if (isProven) mcu.gru_before_bytes(data, x, h, t, overX, overH);
        else mcu.gru_before_bytes_sat(data, x, h, t, overX, overH);
      } else {
        if (isProven) mcu.gru_before_rows(data, x, h, t, overX, overH);
        else mcu.gru_before_rows_sat(data, x, h, t, overX, overH);
      }
    } else {
      if (packed.pack === WIDE) {
        if (isProven) mcu.gru_after_wide(data, x, h, t, overX, overH);
        else mcu.gru_after_wide_sat(data, x, h, t, overX, overH);
      } else if (packed.pack === BYTES) {
        if (isProven) mcu.gru_after_bytes(data, x, h, t, overX, overH);
        else mcu.gru_after_bytes_sat(data, x, h, t, overX, overH);
      } else {
        if (isProven) mcu.gru_after_rows(data, x, h, t, overX, overH);
        else mcu.gru_after_rows_sat(data, x, h, t, overX, overH);
      }
    }
  }
}

/** h after one step of a layer of 1 unit without weights, from `h`. */
export function stateAfterZeros(pack: i32, isBefore: bool, isProven: bool, h: i32): i32 {
  const layer = new GruQ15(1, 1, isBefore);
  layer.W = new StaticArray<i32>(3);
  layer.b = new StaticArray<i32>(3);
  layer.U = new StaticArray<i32>(3);
  layer.c = new StaticArray<i32>(3);
  const advance = new Advance(new McuLayer(layer, pack));
  store<i16>(advance.h, i16(h));
  advance.step(isProven);
  return i32(load<i16>(advance.h));
}
