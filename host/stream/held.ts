import { PayloadError } from "./payload.ts";

/** Bytes of one held value: u32 index of the input, f64 value, f64 time. */
export const HELD_BYTES = 20;

/** The last value of each input of a device that may be missing from a message, and the time of it. */
export interface HeldValues {
  /** Values that are held. */
  readonly count: number;
  /**
   * Answers the sample with its gaps (NaN) filled; the same sample when no input may be missing, else an array that is
   * reused by the next call.
   *
   * @throws {PayloadError} when a value is missing that is not held, or held for too long
   */
  complete(sample: ArrayLike<number>, time: number): ArrayLike<number>;
  /** Holds the values that are in a sample; answers whether there are any. */
  keep(sample: ArrayLike<number>, time: number): boolean;
  /** Forgets all values. */
  clear(): void;
  /** Writes the held values, little-endian, `count * HELD_BYTES` bytes. */
  write(view: DataView, offset: number): void;
  /** Replaces the held values; those of inputs that may no longer be missing are left out. */
  read(view: DataView, offset: number, count: number): void;
}

/**
 * Creates held values, none of them known.
 *
 * @param names  of the inputs
 * @param maxAges  per input, ms; undefined: it may not be missing
 */
export function createHeldValues(names: readonly string[], maxAges: readonly (number | undefined)[]): HeldValues {
  const filled = new Float64Array(names.length);
  const indices = [...names.keys()].filter((index) => maxAges[index] !== undefined);
  const held = new Map<number, { readonly value: number; readonly time: number }>();

  const standIn = (index: number, time: number): number => {
    const last = held.get(index);
    const maxAge = maxAges[index] ?? 0;
    // A clock that was set back makes no value young.
    if (last !== undefined && Math.abs(time - last.time) <= maxAge) return last.value;
    const found =
      last === undefined
        ? "the device has no earlier value of it"
        : `its last value is ${(time - last.time) / 1000} s old, at most ${maxAge / 1000} s are allowed`;
    throw new PayloadError("missing_field", `Input "${names[index]}" is missing, and ${found}`);
  };

  return {
    get count() {
      return held.size;
    },
    complete(sample, time) {
      // A sample of another length is the model's to refuse.
      if (indices.length === 0 || sample.length !== filled.length) return sample;
      filled.set(sample);
      for (const index of indices) {
        if (Number.isNaN(filled[index])) filled[index] = standIn(index, time);
      }
      return filled;
    },
    keep(sample, time) {
      let isKept = false;
      for (const index of indices) {
        const value = sample[index] as number;
        if (Number.isNaN(value)) continue;
        held.set(index, { value, time });
        isKept = true;
      }
      return isKept;
    },
    clear: () => held.clear(),
    write(view, offset) {
      // In the order of the inputs, whatever came first: equal states are equal bytes.
      for (const [place, index] of indices.filter((one) => held.has(one)).entries()) {
        const { value, time } = held.get(index) as { value: number; time: number };
        const at = offset + HELD_BYTES * place;
        view.setUint32(at, index, true);
        view.setFloat64(at + 4, value, true);
        view.setFloat64(at + 12, time, true);
      }
    },
    read(view, offset, count) {
      held.clear();
      for (let at = offset; at < offset + HELD_BYTES * count; at += HELD_BYTES) {
        const index = view.getUint32(at, true);
        if (maxAges[index] === undefined) continue;
        held.set(index, { value: view.getFloat64(at + 4, true), time: view.getFloat64(at + 12, true) });
      }
    },
  };
}
