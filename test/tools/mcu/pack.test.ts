// The layouts of assembly/mcu/layer.ts by hand.

import { describe, expect, it } from "vitest";
import { packDenseBytes, packGru } from "../../../tools/mcu/pack.ts";
import type { Pack } from "../../../tools/mcu/types.ts";
import { type GruValues, gru, modelOf, stageOf } from "../../support/gru-layer.ts";

/** Gates r, z, n of one unit with one input. */
const ONE: GruValues = {
  W: [1, 2, 3],
  b: [10, 20, 30],
  U: [4, 5, -6],
  c: [40, 50, -60],
  mx: [7, 8, 9],
  mh: [11, 12, 13],
};

const packed = (values: GruValues, reset: "after" | "before", pack: Pack) => {
  const size = values.b.length / 3;
  const sizeIn = values.W.length / values.b.length;
  const layer = gru(size, reset);
  return packGru(modelOf(values, layer, sizeIn), stageOf(layer, sizeIn), pack);
};

const i8 = (...values: readonly number[]) => [...new Uint8Array(Int8Array.from(values).buffer)];
const i16 = (...values: readonly number[]) => [...new Uint8Array(Int16Array.from(values).buffer)];
const i32 = (...values: readonly number[]) => [...new Uint8Array(Int32Array.from(values).buffer)];
const i64 = (...values: readonly number[]) => [...new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer)];
const zeros = (count: number) => new Array<number>(count).fill(0);
/** Four bytes of 128, `count` times: weights of zero. */
const no = (count: number) => new Array<number>(4 * count).fill(128);

/** Four biases of which the lower of each two carries 2^31. */
const offset = (value: number) => i32(value + 2 ** 31, 0, 2 ** 31, 0);

describe("packGru, one unit with one input, reset-after", () => {
  const multipliers = i16(7, 0, 0, 0, 8, 0, 0, 0, 9, 0, 0, 0, 11, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0);
  const b = [10, 20, 30].flatMap(offset);
  const c = [40, 50, -60].flatMap(offset);

  it("wide: a word for each pair of units, eight columns", () => {
    expect(packed(ONE, "after", "wide")).toEqual({
      bytes: Uint8Array.from([
        ...b,
        ...i64(1, 2, 3, 0, 0, 0), // column 0: units 0 and 1 in gates r, z, n, then units 2 and 3
        ...zeros(7 * 48),
        ...c,
        ...i64(4, 5, -6, 0, 0, 0),
        ...zeros(7 * 48),
        ...multipliers,
      ]),
      overX: 16,
      overH: 8,
    });
  });

  it("bytes: each gate by four columns, each weight plus 128", () => {
    expect(packed(ONE, "after", "bytes")).toEqual({
      bytes: Uint8Array.from([
        ...b,
        ...[129, 128, 128, 128, ...no(3)],
        ...[130, 128, 128, 128, ...no(3)],
        ...[131, 128, 128, 128, ...no(3)],
        ...c,
        ...[132, 128, 128, 128, ...no(3)],
        ...[133, 128, 128, 128, ...no(3)],
        ...[122, 128, 128, 128, ...no(3)],
        ...multipliers,
      ]),
      overX: 8,
      overH: 8,
    });
  });

  it("rows: groups of two units, the second of which only pads", () => {
    expect(packed(ONE, "after", "rows")).toEqual({
      bytes: Uint8Array.from([
        ...i32(10, 0, 20, 0, 30, 0),
        ...i8(1, 0, 2, 0, 3, 0, ...zeros(18)),
        ...i32(40, 0, 50, 0, -60, 0),
        ...i8(4, 0, 5, 0, -6, 0, ...zeros(18)),
        ...i16(7, 0, 8, 0, 9, 0, 11, 0, 12, 0, 13, 0),
        ...zeros(120),
      ]),
      overX: 8,
      overH: 8,
    });
  });
});

describe("packGru", () => {
  it("says the shifts in what the kernel must know of x and h", () => {
    const layer = gru(1, "after", [3, 30]);
    const { overX, overH } = packGru(modelOf(ONE, layer, 1), stageOf(layer, 1), "bytes");
    expect([overX, overH]).toEqual([8 + 3 * 2 ** 24, 8 + 30 * 2 ** 24]);
  });
});

describe("packGru, one unit with one input, reset-before", () => {
  it("wide: gate r, then z and n; four columns", () => {
    expect(packed(ONE, "before", "wide")).toEqual({
      bytes: Uint8Array.from([
        ...[...offset(10), ...i64(1, 0), ...zeros(3 * 16)],
        ...[...offset(40), ...i64(4, 0), ...zeros(3 * 16)],
        ...i16(7, 0, 0, 0, 11, 0, 0, 0),
        ...[...offset(20), ...i64(2, 0), ...zeros(3 * 16)],
        ...[...offset(50), ...i64(5, 0), ...zeros(3 * 16)],
        ...[...offset(30), ...i64(3, 0), ...zeros(3 * 16)],
        ...[...offset(-60), ...i64(-6, 0), ...zeros(3 * 16)],
        ...i16(8, 0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 0, 13, 0, 0, 0),
      ]),
      overX: 8,
      overH: 8,
    });
  });

  it("bytes", () => {
    expect(packed(ONE, "before", "bytes").bytes).toEqual(
      Uint8Array.from([
        ...[...offset(10), 129, 128, 128, 128, ...no(3)],
        ...[...offset(40), 132, 128, 128, 128, ...no(3)],
        ...i16(7, 0, 0, 0, 11, 0, 0, 0),
        ...[...offset(20), 130, 128, 128, 128, ...no(3)],
        ...[...offset(50), 133, 128, 128, 128, ...no(3)],
        ...[...offset(30), 131, 128, 128, 128, ...no(3)],
        ...[...offset(-60), 122, 128, 128, 128, ...no(3)],
        ...i16(8, 0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 0, 13, 0, 0, 0),
      ]),
    );
  });

  it("rows: groups of four units", () => {
    expect(packed(ONE, "before", "rows").bytes).toEqual(
      Uint8Array.from([
        ...[...i32(10, 0, 0, 0), ...i8(1, ...zeros(15)), ...i32(40, 0, 0, 0), ...i8(4, ...zeros(15))],
        ...i16(7, 0, 0, 0, 11, 0, 0, 0),
        ...[...i32(20, 0, 0, 0), ...i8(2, ...zeros(15)), ...i32(50, 0, 0, 0), ...i8(5, ...zeros(15))],
        ...[...i32(30, 0, 0, 0), ...i8(3, ...zeros(15)), ...i32(-60, 0, 0, 0), ...i8(-6, ...zeros(15))],
        ...i16(8, 0, 0, 0, 12, 0, 0, 0, 9, 0, 0, 0, 13, 0, 0, 0),
      ]),
    );
  });
});

/** Five units with two inputs, every number another. */
const FIVE: GruValues = {
  W: Array.from({ length: 30 }, (_, i) => i - 127),
  b: Array.from({ length: 15 }, (_, i) => 1000 * i - 7000),
  U: Array.from({ length: 75 }, (_, i) => 127 - i),
  c: Array.from({ length: 15 }, (_, i) => 50 - 100 * i),
  mx: Array.from({ length: 15 }, (_, i) => 200 + i),
  mh: Array.from({ length: 15 }, (_, i) => 300 + i),
};

const lower = (view: DataView, at: number): number => view.getInt32(at, true);
const upper = (view: DataView, at: number): number =>
  Number((view.getBigInt64(at, true) - BigInt(lower(view, at))) >> 32n);

/** Where a group starts, and c in it, by pack: W has 8 or 4 columns, U 8. */
const PLACES: Readonly<Record<Pack, { units: number; group: number; c: number; step: number }>> = {
  wide: { units: 4, group: 48 + 8 * 48 + 48 + 8 * 48 + 48, c: 48 + 8 * 48, step: 8 },
  bytes: { units: 4, group: 48 + 48 + 48 + 96 + 48, c: 48 + 48, step: 4 },
  rows: { units: 2, group: 24 + 24 + 24 + 48 + 24, c: 24 + 24, step: 4 },
};

/** The weight of a gate, unit of its group and column in weights of so many columns. */
type Reader = (view: DataView, start: number, unit: number, gate: number, column: number, columns: number) => number;

const READERS: Readonly<Record<Pack, Reader>> = {
  wide(view, start, unit, gate, column) {
    const at = start + 48 * column + 24 * (unit >> 1) + 8 * gate;
    return unit & 1 ? upper(view, at) : lower(view, at);
  },
  bytes: (view, start, unit, gate, column, columns) =>
    view.getUint8(start + 4 * columns * gate + 16 * (column >> 2) + 4 * unit + (column & 3)) - 128,
  rows: (view, start, unit, gate, column) => view.getInt8(start + 6 * column + 2 * gate + unit),
};

describe.each<Pack>(["wide", "bytes", "rows"])("packGru, five units with two inputs, reset-after, %s", (pack) => {
  const { bytes, overX, overH } = packed(FIVE, "after", pack);
  const view = new DataView(bytes.buffer);
  const place = PLACES[pack];
  const units = Array.from({ length: 8 }, (_, unit) => unit);
  const startOf = (unit: number) => Math.floor(unit / place.units) * place.group;
  const biasBytes = 12 * place.units;

  it("pads units to groups and columns to what the inner loop takes at once", () => {
    expect({ overX, overH, length: bytes.length }).toEqual({
      overX: 2 * place.step,
      overH: 16,
      length: (8 / place.units) * place.group,
    });
  });

  it("has every weight in its place, and zeros where it pads", () => {
    const weight = (unit: number, offset: number, gate: number, column: number, columns: number) =>
      READERS[pack](view, startOf(unit) + offset + biasBytes, unit % place.units, gate, column, columns);
    for (const unit of units) {
      for (const gate of [0, 1, 2]) {
        for (let k = 0; k < place.step; k++) {
          const w = unit < 5 && k < 2 ? FIVE.W[(gate * 5 + unit) * 2 + k] : 0;
          expect(weight(unit, 0, gate, k, place.step), `W ${gate} ${unit} ${k}`).toBe(w);
        }
        for (let k = 0; k < 8; k++) {
          const u = unit < 5 && k < 5 ? FIVE.U[(gate * 5 + unit) * 5 + k] : 0;
          expect(weight(unit, place.c, gate, k, 8), `U ${gate} ${unit} ${k}`).toBe(u);
        }
      }
    }
  });

  it("has every bias and multiplier in its place, and zeros where it pads", () => {
    for (const unit of units) {
      for (const gate of [0, 1, 2]) {
        const of = (values: readonly number[]) => (unit < 5 ? values[gate * 5 + unit]! : 0);
        const index = gate * place.units + (unit % place.units);
        const carried = pack !== "rows" && unit % 2 === 0 ? 2 ** 31 : 0;
        const bias = (offset: number) => view.getInt32(startOf(unit) + offset + 4 * index, true) + carried;
        const multipliers = startOf(unit) + place.group - biasBytes;
        const multiplier = (at: number) => view.getInt16(multipliers + 2 * at, true);
        expect(bias(0) | 0, `b ${gate} ${unit}`).toBe(of(FIVE.b));
        expect(bias(place.c) | 0, `c ${gate} ${unit}`).toBe(of(FIVE.c));
        expect(multiplier(index), `mx ${gate} ${unit}`).toBe(of(FIVE.mx));
        expect(multiplier(3 * place.units + index), `mh ${gate} ${unit}`).toBe(of(FIVE.mh));
      }
    }
  });
});

describe("packDenseBytes", () => {
  it("pads rows and columns to four", () => {
    const expected = [...i32(10 + 2 ** 31, 0, 2 ** 31, 0), 131, 128, 128, 128, ...no(3)];
    expect(packDenseBytes([10], [3], 1)).toEqual(Uint8Array.from(expected));
  });

  it("stores rows by groups of four, each by fours of columns", () => {
    const weights = Array.from({ length: 25 }, (_, i) => i);
    const bytes = packDenseBytes([1, 2, 3, 4, -5], weights, 5);
    expect([...bytes.subarray(0, 32)]).toEqual(i32(1 + 2 ** 31, 2, 3 + 2 ** 31, 4, -5 + 2 ** 31, 0, 2 ** 31, 0));
    const first = [128, 129, 130, 131, 133, 134, 135, 136, 138, 139, 140, 141, 143, 144, 145, 146];
    const second = [132, 128, 128, 128, 137, 128, 128, 128, 142, 128, 128, 128, 147, 128, 128, 128];
    expect([...bytes.subarray(32, 64)]).toEqual([...first, ...second]);
    expect([...bytes.subarray(64)]).toEqual([148, 149, 150, 151, ...no(3), 152, 128, 128, 128, ...no(3)]);
  });
});
