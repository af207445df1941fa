// The table of the conformance matrix.

/** What happened in one runtime: by name of the module, the steps it ran and what it answered. */
export interface Column {
  readonly runtime: string;
  readonly steps: number;
  /** Hash, or what went wrong; absent when it was not run. */
  readonly cells: ReadonlyMap<string, number | string>;
  /** Why the runtime was skipped. */
  readonly skipped?: string;
}

/** Hashes as they are printed. */
const hex = (hash: number): string => (hash >>> 0).toString(16).padStart(8, "0");

/**
 * Draws runtime x module x steps x hash: a row for every module with the hashes that were expected, a column for every runtime with the steps
 * after which it had the expected hash, or the hash it had instead.
 *
 * @param expected  hash by module and steps
 */
export function drawMatrix(
  modules: readonly string[],
  columns: readonly Column[],
  expected: (module: string, steps: number) => number,
): string {
  const lengths = [...new Set(columns.map(({ steps }) => steps))].sort((a, b) => a - b);
  const ran = columns.filter(({ skipped }) => skipped === undefined);
  const head = ["module", ...lengths.map((steps) => `hash after ${steps}`), ...ran.map(({ runtime }) => runtime)];
  const rows = modules.map((module) => [
    module,
    ...lengths.map((steps) => hex(expected(module, steps))),
    ...ran.map(({ steps, cells }) => {
      const cell = cells.get(module);
      if (cell === undefined) return "-";
      if (typeof cell === "string") return "error";
      return cell === expected(module, steps) ? `${steps}` : hex(cell);
    }),
  ]);
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const skips = columns.flatMap(({ runtime, skipped }) =>
    skipped === undefined ? [] : [`SKIPPED ${runtime}: ${skipped}`],
  );
  return [...lines, ...skips].join("\n");
}
