// Element access in linear memory by base address and index.
// @inline static methods, because a decorated free function is a syntax error to every formatter.

import { RING_ROW, RING_STEPS } from "./layout";

/** f32 vectors. */
export class F32s {
  @inline static at(base: usize, i: i32): f32 {
    return load<f32>(base + F32s.bytes(i));
  }

  @inline static put(base: usize, i: i32, value: f32): void {
    store<f32>(base + F32s.bytes(i), value);
  }

  @inline static bytes(count: i32): usize {
    return usize(count) << 2;
  }
}

/** i32 vectors. */
export class I32s {
  @inline static at(base: usize, i: i32): i32 {
    return load<i32>(base + I32s.bytes(i));
  }

  @inline static put(base: usize, i: i32, value: i32): void {
    store<i32>(base + I32s.bytes(i), value);
  }

  @inline static bytes(count: i32): usize {
    return usize(count) << 2;
  }
}

/** i16 vectors. */
export class I16s {
  @inline static at(base: usize, i: i32): i32 {
    return i32(load<i16>(base + I16s.bytes(i)));
  }

  @inline static put(base: usize, i: i32, value: i32): void {
    store<i16>(base + I16s.bytes(i), value);
  }

  @inline static bytes(count: i32): usize {
    return usize(count) << 1;
  }
}

/** The counters of a ring of forecasts. */
export class Ring {
  /** Counts one more step, and turns to the row of the next. */
  @inline static advance(ring: usize, horizon: u32): void {
    const steps = load<u32>(ring, RING_STEPS);
    store<u32>(ring, steps + u32(steps !== u32.MAX_VALUE), RING_STEPS);
    const row = load<u32>(ring, RING_ROW) + 1;
    store<u32>(ring, row === horizon ? 0 : row, RING_ROW);
  }
}

/**
 * Copies `bytes` element by element, upwards in address order; `to` may overlap `from` from below. memory.copy is not in the MVP, and
 * its polyfill costs 1.6 KB.
 */
export function copy<T>(to: usize, from: usize, bytes: usize): void {
  const end = to + bytes;
  while (to < end) {
    store<T>(to, load<T>(from));
    to += sizeof<T>();
    from += sizeof<T>();
  }
}

/** Clears `bytes`, a multiple of 8. */
export function clear(at: usize, bytes: usize): void {
  while (bytes > 0) {
    bytes -= 8;
    store<i64>(at + bytes, 0);
  }
}
