// The page of `rivulet detect --report`: one file, which loads nothing.

import { PAGE_SCRIPT, PAGE_STYLE } from "../../../build/report.ts";
import type { PageAlarm, PageData } from "./data.ts";

/** What stands in the text of a page. */
export interface PageTexts {
  readonly title: string;
  readonly lines: readonly string[];
  /** x in words. */
  readonly place: (x: number) => string;
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

/** JSON that can stand in a script element. */
const toJson = (data: PageData): string => JSON.stringify(data).replaceAll("<", "\\u003c");

/** Renders a page. */
export function pageHtml(data: PageData, { title, lines, place }: PageTexts): string {
  const each = data.rowsPerPoint === 1 ? "" : ` Each point is the least and the greatest of ${data.rowsPerPoint} rows.`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"/>
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
${lines.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n")}
<h2>Alarms</h2>
${tableOf(data.alarms, place)}
<h2>Readings</h2>
<p>Drag to zoom, turn the wheel to zoom around the pointer, drag with Shift to pan, double-click for <button type="button" id="whole">the whole</button>.${each}</p>
<div id="plots"></div>
<script type="application/json" id="data">${toJson(data)}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function tableOf(alarms: readonly PageAlarm[], place: (x: number) => string): string {
  if (alarms.length === 0) return "<p>None.</p>";
  const rows = alarms.map(
    ({ from, to, rows: count, peak, cause }) =>
      `<tr data-from="${from}" data-to="${to}"><td class="time">${place(from)}</td><td class="time">${place(to)}</td><td class="number">${count}</td><td class="number">${peak.toFixed(1)}</td><td>${escapeHtml(cause)}</td></tr>`,
  );
  return `<div class="alarms"><table>
<thead><tr><th>from</th><th>to</th><th class="number">rows</th><th class="number">score</th><th>cause</th></tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table></div>`;
}
