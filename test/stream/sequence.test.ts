import { describe, expect, it } from "vitest";
import { crc32 } from "../../host/runtime/crc32.ts";
import { createSeenValues, withoutSeenValues } from "../../host/stream/sequence.ts";

const seen = (values: readonly number[], window = 4) => {
  const made = createSeenValues(window);
  for (const value of values) made.add(value);
  return made;
};
const STATE = Uint8Array.of(1, 2, 3);

describe("createSeenValues", () => {
  it("takes the first value, and each that is later than all, as the next", () => {
    expect(seen([]).look(-5)).toBe("next");
    expect(seen([1, 2]).look(2.5)).toBe("next");
  });

  it("knows a value again wherever it stands in the window", () => {
    for (const value of [1, 2, 4, 7]) expect(seen([4, 1, 7, 2]).look(value)).toBe("duplicate");
  });

  it("takes a value that was passed over as late, once", () => {
    const made = seen([1, 2, 4]);
    expect(made.look(3)).toBe("late");
    made.add(3);
    expect(made.look(3)).toBe("duplicate");
    expect(made.look(5)).toBe("next");
  });

  it("forgets the earliest values, which are late from then on", () => {
    const made = seen([1, 2, 3, 4, 5]);
    expect(made.look(1)).toBe("late");
    expect(made.look(2)).toBe("duplicate");
  });
});

describe("join and split", () => {
  it("carry the values before the state of the device", () => {
    const bytes = seen([3, 1, 2]).join(STATE);
    const made = createSeenValues(4);
    expect(made.split(bytes)).toEqual(STATE);
    expect([1, 2, 3].map((value) => made.look(value))).toEqual(["duplicate", "duplicate", "duplicate"]);
    expect(withoutSeenValues(bytes)).toEqual(STATE);
  });

  it("read a state that has none, and forget what they had", () => {
    const made = seen([1, 2]);
    expect(made.split(STATE)).toEqual(STATE);
    expect(made.look(1)).toBe("next");
    expect(withoutSeenValues(STATE)).toEqual(STATE);
  });

  it("keep the latest values when the window has become shorter", () => {
    const made = createSeenValues(2);
    made.split(seen([1, 2, 3, 4]).join(STATE));
    expect([2, 3].map((value) => made.look(value))).toEqual(["late", "duplicate"]);
  });

  it("refuse damage anywhere in the values", () => {
    const bytes = seen([1, 2]).join(STATE);
    for (let at = 4; at < bytes.length - STATE.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ 1;
      expect(() => withoutSeenValues(damaged)).toThrow("The values that were seen are damaged");
    }
    for (let length = 4; length < bytes.length - STATE.length; length++) {
      expect(() => withoutSeenValues(bytes.slice(0, length))).toThrow("are damaged");
    }
  });

  it("refuse values that do not rise, whatever their checksum says", () => {
    const bytes = seen([1, 2]).join(STATE);
    const view = new DataView(bytes.buffer);
    view.setFloat64(8, 5, true);
    view.setUint32(24, crc32(bytes.subarray(0, 24)), true);
    expect(() => createSeenValues(4).split(bytes)).toThrow("although their checksum matches");
  });
});
