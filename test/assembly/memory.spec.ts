import { clear, copy, F32s, I16s, I32s } from "../../assembly/memory";
import { zeros } from "./support/memory";

describe("F32s", () => {
  it("reads what it put, four bytes an element", () => {
    const v = zeros(16);
    F32s.put(v, 2, 1.5);
    expect<f32>(F32s.at(v, 2)).toBe(1.5);
    expect<f32>(load<f32>(v + 8)).toBe(1.5);
    expect<usize>(F32s.bytes(3)).toBe(12);
  });
});

describe("I32s", () => {
  it("reads what it put, four bytes an element", () => {
    const v = zeros(16);
    I32s.put(v, 3, i32.MIN_VALUE);
    expect(I32s.at(v, 3)).toBe(i32.MIN_VALUE);
    expect(load<i32>(v + 12)).toBe(i32.MIN_VALUE);
    expect<usize>(I32s.bytes(3)).toBe(12);
  });
});

describe("I16s", () => {
  it("reads what it put with its sign, two bytes an element", () => {
    const v = zeros(16);
    I16s.put(v, 1, -32768);
    I16s.put(v, 2, 32767);
    expect(I16s.at(v, 1)).toBe(-32768);
    expect(I16s.at(v, 2)).toBe(32767);
    expect(I16s.at(v, 0)).toBe(0);
    expect(I16s.at(v, 3)).toBe(0);
    expect<usize>(I16s.bytes(3)).toBe(6);
  });
});

describe("copy", () => {
  it("copies nothing when there is nothing", () => {
    expect(copied<i16>(0, 32)).toBe(true);
  });

  it("copies any number of elements and nothing behind them", () => {
    for (let bytes = 4; bytes <= 40; bytes += 4) expect(copied<f32>(bytes, 64)).toBe(true, `${bytes} bytes`);
    for (let bytes = 2; bytes <= 40; bytes += 2) expect(copied<i16>(bytes, 64)).toBe(true, `${bytes} bytes`);
  });

  it("moves a window down by any distance, though source and target overlap", () => {
    for (let distance = 4; distance <= 24; distance += 4) {
      expect(copied<f32>(40, distance)).toBe(true, `${distance} bytes down`);
    }
    for (let distance = 2; distance <= 24; distance += 2) {
      expect(copied<i16>(40, distance)).toBe(true, `${distance} bytes down`);
    }
  });
});

describe("clear", () => {
  it("sets its bytes to zero and no others", () => {
    const at = zeros(40);
    memory.fill(at, 0xff, 40);
    clear(at + 8, 24);
    expect<u64>(load<u64>(at)).toBe(u64.MAX_VALUE);
    for (let offset: usize = 8; offset < 32; offset += 8) expect<u64>(load<u64>(at + offset)).toBe(0);
    expect<u64>(load<u64>(at, 32)).toBe(u64.MAX_VALUE);
  });

  it("clears nothing when there is nothing", () => {
    const at = zeros(8);
    store<u64>(at, 7);
    clear(at, 0);
    expect<u64>(load<u64>(at)).toBe(7);
  });
});

/** Whether `copy` moves `bytes` down by `distance` and leaves the rest alone. */
function copied<T>(bytes: i32, distance: i32): bool {
  const to = zeros(160);
  for (let i = 0; i < 160; i++) store<u8>(to + usize(i), u8(i + 1));
  copy<T>(to, to + usize(distance), usize(bytes));
  for (let i = 0; i < 160; i++) {
    const expected = i < bytes ? u8(i + distance + 1) : u8(i + 1);
    if (load<u8>(to + usize(i)) !== expected) return false;
  }
  return true;
}
