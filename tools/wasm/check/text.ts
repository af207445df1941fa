// A report of the checker in lines for people. Names come from the file: control characters in them do not reach the terminal.

import { createColors } from "picocolors";
import { alignColumns } from "../../columns.ts";
import { joinLines } from "../../print.ts";
import type { CheckedProperty, CheckReport } from "../check.ts";
import type { FunctionMeasures, Measures } from "./measure.ts";
import type { Finding } from "./subject.ts";

/** Findings of one property that are told one by one. */
const MAX_FINDINGS = 5;

/** Renders a report of the checker as text: a line per property, what breaks it below, then the measurements. */
export function renderCheck(report: CheckReport, hasColors: boolean): string {
  const { bold, green, red, yellow } = createColors(hasColors);
  const { properties, sections, measures, bytes, memoryBytes } = report;
  const marks = { ok: green("ok    "), failed: red("FAILED"), unknown: yellow("?     ") };
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : ["", bold(title), ...alignColumns(rows).map((row) => `  ${row}`)];
  const failed = properties.filter(({ status }) => status !== "ok").length;
  const verdict = report.isSound ? green("sound") : red(`${failed} of ${properties.length} properties not shown`);
  const lines = [
    `${bold(report.isIntegerOnly ? "integer module" : "float module")}  ${count(bytes)} bytes  ${verdict}`,
    "",
    bold("properties"),
    ...properties.flatMap((property) => [
      `  ${marks[property.status]}  ${property.title}`,
      ...findingLines(property).map((line) => `          ${line}`),
    ]),
    ...section("size", [
      ...sections.map((item) => [item.name, `${count(item.bytes)} bytes`]),
      ["total", `${count(bytes)} bytes`],
      ...(memoryBytes === undefined ? [] : [["linear memory in use", `${count(memoryBytes)} bytes`]]),
    ]),
    ...(measures === undefined ? [] : section("stack", stackRows(measures))),
    ...(measures === undefined ? [] : section("functions", functionRows(measures.functions))),
  ];
  return joinLines(lines, hasColors);
}

function findingLines({ findings }: CheckedProperty): string[] {
  const shown = findings.slice(0, MAX_FINDINGS).map(findingLine);
  return findings.length > shown.length ? [...shown, `and ${findings.length - shown.length} more`] : shown;
}

/** The message with its place; messages of malformed modules end with theirs already. */
function findingLine({ message, offset, function: name }: Finding): string {
  const places = [
    ...(name === undefined ? [] : [`in ${name}`]),
    ...(offset === undefined || message.endsWith(`at byte ${offset}`) ? [] : [`at byte ${offset}`]),
  ];
  return [message, ...places].join(", ").replace(/\p{Cc}/gu, "�");
}

const stackRows = ({ run, depth, slots, operands }: Measures) => [
  ["longest run", `${count(run)} operations`],
  ["call depth", `${count(depth)} functions`],
  ["locals and operands", `${count(slots)} slots of 32 bits`],
  ["operand stack, wasm3", `${count(operands.wasm3)} bytes`],
  ["operand stack, WAMR", `${count(operands.wamr)} bytes`],
];

const functionRows = (functions: readonly FunctionMeasures[]) =>
  functions.map((item) => [
    item.name.replace(/\p{Cc}/gu, "�"),
    `${count(item.bytes)} bytes`,
    `run ${count(item.run)}, with calls ${count(item.runWithCalls)}`,
    `locals ${count(item.locals)}`,
    `stack ${count(item.stack)}`,
    `${count(item.slots)} slots`,
  ]);

const count = (value: number) => value.toLocaleString("en-US");
