import { createColors } from "picocolors";
import { alignColumns } from "../columns.ts";
import { joinLines } from "../print.ts";
import type { Comparison, OutputDifference } from "./compare.ts";

/** Outputs shown one by one; of more, the worst. */
const MAX_ROWS = 20;

/** Renders a comparison as text: a line of heading, one line for each output (the worst first when there are many), the verdict. */
export function renderComparison(heading: string, comparison: Comparison, hasColors: boolean): string {
  const { bold, green, red } = createColors(hasColors);
  const { outputs, tolerance, passed } = comparison;
  const hidden = outputs.length - MAX_ROWS;
  const shown = hidden > 0 ? [...outputs].sort((a, b) => b.error - a.error).slice(0, MAX_ROWS) : outputs;
  const failed = outputs.filter((output) => !output.passed).length;
  const verdict = passed
    ? green("passed")
    : red(`FAILED: ${failed} of ${outputs.length} ${outputs.length === 1 ? "output" : "outputs"}`);
  const lines = [
    bold(heading),
    ...alignColumns(shown.map(cells)).map((row) => `  ${row}`),
    ...(hidden > 0 ? [`  and ${hidden} outputs that are closer`] : []),
    `${verdict}, allowed ${tolerance < 1e-3 ? tolerance.toExponential() : tolerance} · max(1, |expected|)`,
  ];
  return joinLines(lines, hasColors);
}

function cells(output: OutputDifference): string[] {
  const { name, unit, max, rms, signal, sequence, step, expected, actual, passed } = output;
  const where = sequence === 0 ? `step ${step}` : `sequence ${sequence} step ${step}`;
  return [
    name,
    `max ${short(max)}${unit === undefined ? "" : ` ${unit}`}`,
    `rms ${short(rms)}`,
    signal > 0 ? `${Number(((100 * rms) / signal).toPrecision(2))} % of the signal` : "",
    `worst at ${where}: expected ${long(expected)}, found ${long(actual)}`,
    passed ? "" : "FAILED",
  ];
}

function short(value: number): string {
  if (!Number.isFinite(value)) return "not a number";
  return value > 0 && value < 1e-3 ? value.toExponential(2) : value.toPrecision(3);
}

const long = (value: number) => String(Number(value.toPrecision(9)));
