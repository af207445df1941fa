// Buffers for the kernels. Nothing is freed: as-pect compiles every spec to a module of its own.

/** Zeroed memory at a multiple of 16 bytes, with 64 bytes behind it that a kernel may read or write as padding. */
export function zeros(bytes: i32): usize {
  const at = heap.alloc(usize(bytes + 64));
  memory.fill(at, 0, usize(bytes + 64));
  return at;
}

/** The elements of `values` in padded memory. */
export function vector<T>(values: StaticArray<T>): usize {
  const bytes = values.length * sizeof<T>();
  const at = zeros(bytes);
  memory.copy(at, changetype<usize>(values), usize(bytes));
  return at;
}
