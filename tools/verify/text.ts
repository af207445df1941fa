import { createColors } from "picocolors";
import { alignColumns } from "../columns.ts";
import { joinLines } from "../print.ts";
import type { Comparison, OutputDifference } from "./compare.ts";

/** Outputs shown one by one; of more, the worst. */
const MAX_ROWS = 20;

/** Renders a comparison as text: a line of heading, one line for each output (the worst first when there are many), the verdict. */
export function renderComparison(heading: string, comparison: Comparison, hasColors: boolean): string {
  const { bold, green, red } = createColors(hasColors);
  const { outputs, passed } = comparison;
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
    ...sourceLines(outputs),
    `${verdict}, ${ruleOf(comparison)}`,
  ];
  return joinLines(lines, hasColors);
}

/** What the differences were held against. */
function ruleOf({ tolerance, outputs }: Comparison): string {
  if (tolerance !== undefined) {
    return `allowed ${tolerance < 1e-3 ? tolerance.toExponential() : tolerance} · max(1, |expected|)`;
  }
  const worst = Math.max(...outputs.map(({ error }) => error));
  const explained = "what rounding in single precision explains";
  if (worst <= 1) return `at most ${Number((100 * worst).toPrecision(2))} % of ${explained}`;
  return `up to ${Number.isFinite(worst) ? Number(worst.toPrecision(2)) : "any number of"} times ${explained}`;
}

/** The source's own error, where the reference has its answers in double precision. */
function sourceLines(outputs: readonly OutputDifference[]): string[] {
  const measured = outputs.flatMap(({ name, max, source }) => (source ? [{ name, max, source }] : []));
  const [first] = measured.sort((a, b) => b.source.max - a.source.max);
  if (first === undefined) return [];
  const { name, max, source } = first;
  const line = `compared with the source's float64; its own float32 is off by max ${short(source.max)}, rms ${short(source.rms)} on ${name}`;
  return [max < source.max ? `${line}, more than the model is` : line];
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
