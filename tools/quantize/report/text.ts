import { alignColumns } from "../../columns.ts";
import { joinLines } from "../../print.ts";
import { tablesOf } from "./tables.ts";
import type { QuantizationReport } from "./types.ts";

/** Renders a report as aligned text. */
export function formatReport(report: QuantizationReport): string {
  const { f32, q15, warnings } = report;
  const lines = [`${f32.id} → ${q15.id}, ${f32.bytes} → ${q15.bytes} bytes`];
  for (const { title, header, rows } of tablesOf(report)) {
    lines.push("", title, ...alignColumns([header, ...rows]).map((row) => `  ${row}`));
  }
  lines.push("", warnings.length === 0 ? "no warnings" : "warnings", ...warnings.map((warning) => `  ${warning}`));
  return joinLines(lines);
}
