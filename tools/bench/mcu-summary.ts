// The first table of docs/microcontrollers.md: what a model takes of a Cortex-M4, in a line for each way to run it.

import type { BoardRow } from "./mcu-qemu.ts";

const CORE = "Cortex-M4";
const WAYS = ["wasm2c", "wasm3, wide", "wasm3, bytes"] as const;

/** The head and the lines of the summary; empty where no board of that core was measured. */
export function summaryRows(boards: readonly BoardRow[]): {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const found = boards.filter(({ core, engine }) => core === CORE && WAYS.some((way) => way === engine));
  const sizes = [...new Set(found.map(({ H }) => H))].sort((a, b) => a - b);
  const count = (value: number): string => value.toLocaleString("en-US");
  const rows = sizes.flatMap((size) =>
    WAYS.flatMap((way) =>
      found
        .filter(({ H, engine }) => H === size && engine === way)
        .map(({ H, engine, instructions, flash, linear, heap, stack }) => [
          `${H}`,
          engine,
          count(instructions),
          count(flash),
          count(linear + heap + stack),
        ]),
    ),
  );
  return { head: ["units", "way", "instructions a step", "flash B", "RAM B"], rows };
}
