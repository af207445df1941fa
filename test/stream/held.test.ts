import { describe, expect, it } from "vitest";
import { createHeldValues, HELD_BYTES } from "../../host/stream/held.ts";
import { PayloadError } from "../../host/stream/payload.ts";

const gap = Number.NaN;
const setUp = (maxAges: (number | undefined)[] = [undefined, 1000, 5000]) => createHeldValues(["a", "b", "c"], maxAges);

/** The bytes of held values. */
function bytesOf(held: ReturnType<typeof setUp>, offset = 0): Uint8Array {
  const bytes = new Uint8Array(offset + HELD_BYTES * held.count);
  held.write(new DataView(bytes.buffer), offset);
  return bytes;
}

describe("createHeldValues", () => {
  it("holds the values of inputs that may be missing", () => {
    const held = setUp();
    expect(held.count).toBe(0);
    held.keep([1, 2, gap], 0);
    expect(held.count).toBe(1);
    held.keep([1, gap, 3], 0);
    expect(held.count).toBe(2);
    expect([...Array.from(held.complete([4, gap, gap], 0))]).toEqual([4, 2, 3]);
    expect([...Array.from(held.complete([gap, 5, gap], 0))]).toEqual([gap, 5, 3]);
  });

  it("answers the sample itself when no input may be missing, or its length is the model's to refuse", () => {
    const sample = [1, gap, 3];
    expect(setUp([]).complete(sample, 0)).toBe(sample);
    const short = [1, gap];
    expect(setUp().complete(short, 0)).toBe(short);
  });

  it("lets a value stand in as long as it may", () => {
    const held = setUp();
    held.keep([1, 2, 3], 10_000);
    expect([...Array.from(held.complete([1, gap, gap], 11_000))]).toEqual([1, 2, 3]);
    expect(() => held.complete([1, gap, 3], 11_001)).toThrow(
      'Input "b" is missing, and its last value is 1.001 s old, at most 1 s are allowed',
    );
    expect(() => held.complete([1, 2, gap], 15_500)).toThrow(
      'Input "c" is missing, and its last value is 5.5 s old, at most 5 s are allowed',
    );
  });

  it("refuses with a reason what it does not hold", () => {
    const refuse = () => setUp().complete([1, gap, 3], 0);
    expect(refuse).toThrow(PayloadError);
    expect(refuse).toThrow(
      expect.objectContaining({
        reason: "missing_field",
        message: 'Input "b" is missing, and the device has no earlier value of it',
      }),
    );
  });

  it("writes index, value and time in the order of the inputs", () => {
    const held = setUp();
    held.keep([gap, gap, 3], 7);
    held.keep([gap, 2, gap], 8);
    const view = new DataView(bytesOf(held, 4).buffer);
    expect([view.getUint32(4, true), view.getFloat64(8, true), view.getFloat64(16, true)]).toEqual([1, 2, 8]);
    expect([view.getUint32(24, true), view.getFloat64(28, true), view.getFloat64(36, true)]).toEqual([2, 3, 7]);
    expect(view.byteLength).toBe(44);
  });

  it("reads what it wrote in place of what it held, but for inputs that may not be missing any more", () => {
    const held = setUp();
    held.keep([gap, 2, 3], 7);
    const view = new DataView(bytesOf(held, 4).buffer);
    const again = setUp();
    again.keep([gap, 9, 9], 9);
    again.read(view, 4, 2);
    expect(bytesOf(again)).toEqual(bytesOf(held));
    again.read(view, 4, 1);
    expect(again.count).toBe(1);
    const fewer = setUp([undefined, undefined, 5000]);
    fewer.read(view, 4, 2);
    expect(fewer.count).toBe(1);
    expect([...Array.from(fewer.complete([1, 1, gap], 7))]).toEqual([1, 1, 3]);
    again.read(view, 4, 0);
    expect(again.count).toBe(0);
  });
});
