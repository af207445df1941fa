// The functions from which the linker (tools/mcu/link.ts) takes those that a detector needs on a microcontroller. Not a module to run.

// biome-ignore lint/style/useImportType: asc knows no import type
import { PeriodicAlone, PeriodicOne, TimelessAlone, TimelessOne } from "../detect/forms";
import { watch } from "./watch";

export { clear } from "../memory";
export { check } from "./selftest";
export { driveWatch as drive_detect, forget, testWatch as selftest_detect } from "./watch";

/** A row of a detector without a period. */
export function detect(image: usize, state: usize, input: usize, work: usize): void {
  watch<TimelessAlone>(image, state, input, 0, work);
}

/** A row of a detector with a period. */
export function detect_periodic(image: usize, state: usize, input: usize, work: usize): void {
  watch<PeriodicAlone>(image, state, input, 0, work);
}

/** A row of a detector of one channel, without a period. */
export function detect_one(image: usize, state: usize, input: usize, work: usize): void {
  watch<TimelessOne>(image, state, input, 0, work);
}

/** A row of a detector of one channel, with a period. */
export function detect_one_periodic(image: usize, state: usize, input: usize, work: usize): void {
  watch<PeriodicOne>(image, state, input, 0, work);
}
