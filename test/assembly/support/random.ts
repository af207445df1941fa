let seed: u32 = 1;

/** The next 32 bits of a linear congruential generator: the same in every run. */
function next(): u32 {
  seed = seed * 1664525 + 1013904223;
  return seed;
}

/** A float from -limit to limit. */
export function uniform(limit: f32): f32 {
  return limit * (f32(i32(next()) >> 8) / f32(8388608));
}

/** An integer from `low` to `high`. */
export function integer(low: i32, high: i32): i32 {
  return low + i32((u64(next()) * u64(i64(high) - i64(low) + 1)) >> 32);
}

/** `count` floats from -limit to limit. */
export function uniforms(count: i32, limit: f32): StaticArray<f32> {
  const values = new StaticArray<f32>(count);
  for (let i = 0; i < count; i++) values[i] = uniform(limit);
  return values;
}

/** `count` integers from `low` to `high`. */
export function integers(count: i32, low: i32, high: i32): StaticArray<i32> {
  const values = new StaticArray<i32>(count);
  for (let i = 0; i < count; i++) values[i] = integer(low, high);
  return values;
}
