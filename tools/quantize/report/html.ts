// A report as one page: no script, no other files, printable.

import { escapeHtml, plot } from "./svg.ts";
import { heldOutText, type Table, tablesOf } from "./tables.ts";
import type { OutputPlots, QuantizationReport } from "./types.ts";

/** Outputs that are drawn; of more, those with the greatest errors. */
const MAX_PLOTS = 12;

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2430; background: #fff; max-width: 62rem; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
h2::first-letter { text-transform: uppercase; }
p { margin: .25rem 0 .6rem; color: #57606a; max-width: 48rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid #e3e7ec; white-space: nowrap; }
th { font-weight: 600; border-bottom-color: #9aa4b0; }
.text { text-align: left; }
.warnings { border-left: 4px solid #b45309; background: #fff7ed; padding: .6rem 1rem .6rem 2rem; margin: 1rem 0; }
.fine { border-left: 4px solid #15803d; background: #f0fdf4; padding: .6rem 1rem; margin: 1rem 0; color: inherit; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; display: block; break-inside: avoid; font-family: inherit; }
svg .title { font-size: 12px; font-weight: 600; fill: #1c2430; }
svg .tick { font-size: 10.5px; fill: #57606a; }
svg .grid { stroke: #e3e7ec; }
svg path { fill: none; stroke-width: 1.3; stroke-linejoin: round; }
svg .f32 { stroke: #1d4ed8; }
svg .q15 { stroke: #d9480f; }
svg path.q15 { stroke-dasharray: 4 2.5; }
svg path.bars { stroke-dasharray: none; }
svg path.f32.bars { fill: #1d4ed82b; }
svg .error { stroke: #b91c1c; }
svg .key { stroke-width: 2.5; }
@media print { body { margin: 0; max-width: none; font-size: 11px; } section { break-inside: avoid; } }
`;

/** Renders a report as a self-contained HTML page. */
export function reportHtml(report: QuantizationReport): string {
  const { f32, q15, warnings, steps } = report;
  const size = `${f32.bytes.toLocaleString("en-US")} → ${q15.bytes.toLocaleString("en-US")} bytes`;
  const calibration = `${steps.calibration.toLocaleString("en-US")} calibration samples`;
  const intro = `From ${f32.id}, ${size}; ${calibration}, held out: ${heldOutText(report)}.`;
  const sections = [...tablesOf(report).map((table) => tableHtml(table)), plotsHtml(report)];
  return renderPage(`Quantization of ${q15.id}`, intro, warnings, sections);
}

/** A page of sections, self-contained. */
export function renderPage(
  heading: string,
  intro: string,
  warnings: readonly string[],
  sections: readonly string[],
): string {
  const title = escapeHtml(heading);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${title}</h1>
<p>${escapeHtml(intro)}</p>
${warningList(warnings)}
${sections.join("\n")}
</body>
</html>
`;
}

function warningList(warnings: readonly string[]): string {
  if (warnings.length === 0) return `<p class="fine">No warnings.</p>`;
  return `<ul class="warnings">\n${warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join("\n")}\n</ul>`;
}

/** A table; columns of words stand left, those of numbers right. */
export function tableHtml({ title, note, header, rows }: Table): string {
  const isText = header.map((_, column) => !rows.some((row) => /^[-–\d]/.test(row[column] ?? "")));
  // A row's first cell is its name, whatever it looks like.
  isText[0] = true;
  const cells = (tag: "th" | "td", texts: readonly string[]) =>
    texts
      .map((text, column) => `<${tag}${isText[column] ? ' class="text"' : ""}>${escapeHtml(text)}</${tag}>`)
      .join("");
  return `<section>
<h2>${escapeHtml(title)}</h2>
<p>${escapeHtml(note)}</p>
<div class="scroll"><table>
<thead><tr>${cells("th", header)}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${cells("td", row)}</tr>`).join("\n")}
</tbody>
</table></div>
</section>`;
}

function plotsHtml({ outputs, plots }: QuantizationReport): string {
  const label = (o: number) => {
    const { name, unit } = outputs[o] ?? { name: "" };
    return unit === undefined ? name : `${name} (${unit})`;
  };
  const drawn = worstOutputs(outputs);
  const some = drawn.length < outputs.length ? ` The ${MAX_PLOTS} outputs with the greatest errors.` : "";
  const errors = drawn.map((o) => errorPlot(label(o), plots.outputs[o] as OutputPlots));
  const traces = drawn.map((o) => tracePlot(label(o), plots.outputs[o] as OutputPlots));
  const histograms = plots.histograms.map(({ title, limit, f32, q15 }) =>
    plot(
      [
        { name: "f32", className: "f32 bars", values: f32 },
        { name: "q15", className: "q15 bars", values: q15 },
      ],
      {
        title,
        ends: [String(Number((-limit).toPrecision(3))), String(Number(limit.toPrecision(3)))],
        xLabel: "weight",
        fromZero: true,
        bars: true,
      },
    ),
  );
  return [
    plotSection("predictions, f32 and q15", `The end of the held-out data.${some}`, traces),
    plotSection(
      "error over time",
      `rms error in stretches of the long run, the calibration data repeated.${some}`,
      errors,
    ),
    plotSection("weights of each layer", "Number of float weights and of dequantized int8 weights.", histograms),
  ].join("\n");
}

/** The outputs to draw, in their order. */
function worstOutputs(outputs: QuantizationReport["outputs"]): number[] {
  return outputs
    .map(({ heldOut }, o) => ({ o, error: heldOut.rmsPercent ?? 0 }))
    .sort((a, b) => b.error - a.error)
    .slice(0, MAX_PLOTS)
    .map(({ o }) => o)
    .sort((a, b) => a - b);
}

function errorPlot(title: string, { error, errorSteps }: OutputPlots): string {
  const ends = ["0", errorSteps.toLocaleString("en-US")] as const;
  const series = { name: "rms error", className: "error", values: error };
  return plot([series], { title, ends, xLabel: "steps", fromZero: true });
}

function tracePlot(title: string, { f32, q15 }: OutputPlots): string {
  const series = [
    { name: "f32", className: "f32", values: f32 },
    { name: "q15", className: "q15", values: q15 },
  ];
  return plot(series, { title, ends: [String(-f32.length), "end"], xLabel: "steps of the held-out data" });
}

/** Plots under a heading. */
export function plotSection(title: string, note: string, plots: readonly string[]): string {
  return `<section>
<h2>${escapeHtml(title)}</h2>
<p>${escapeHtml(note)}</p>
<div class="plots">
${plots.join("\n")}
</div>
</section>`;
}
