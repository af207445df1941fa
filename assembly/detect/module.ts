// Entry of the detector's module. Addresses are bytes in the exported memory; the host chooses them at or above `__heap_base`.

import { ABI_VERSION } from "../layout";
import { detectRow } from "./detector";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Periodic, Timeless } from "./forms";
import { IMAGE_PERIOD, STATE_ROW, STATE_STARTED } from "./layout";

// @ts-expect-error: tsc does not know that asc exports a global of its own
export { __heap_base };

/** Version of these functions. */
export function abi_version(): i32 {
  return ABI_VERSION;
}

/**
 * Takes a row (FORMAT.md 8).
 *
 * @param raw  i32[C]
 * @param residuals  i32[C] of the model that the detector is in; 0 while they are not known, or without one
 * @param work  work space, whose first words are the verdict
 * @param row  number of the row, 0 to 2^53 - 1, greater than the one before
 */
export function detect(
  image: usize,
  state: usize,
  raw: usize,
  residuals: usize,
  work: usize,
  row: f64,
  isWarmup: bool,
): void {
  const number = u64(row);
  const isFirst = load<u8>(state, STATE_STARTED) === 0;
  const missed = isFirst ? number : number - load<u64>(state, STATE_ROW) - 1;
  store<u64>(state, number, STATE_ROW);
  const period = load<u32>(image, IMAGE_PERIOD);
  // No gap before the first row.
  const gap = u32(min<u64>(missed, u32.MAX_VALUE));
  if (period === 0) {
    detectRow<Timeless>(image, state, raw, residuals, work, gap, 0, isWarmup);
    return;
  }
  const skip = missed === 0 ? 0 : u32(missed % u64(period));
  detectRow<Periodic>(image, state, raw, residuals, work, gap, skip, isWarmup);
}
