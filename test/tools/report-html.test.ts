import { describe, expect, it } from "vitest";
import { quantizeInMemory } from "../../host/quantize/in-memory.ts";
import { reportHtml } from "../../tools/quantize/report/html.ts";
import { report } from "../../tools/quantize/report/measure.ts";
import { escapeHtml, plot } from "../../tools/quantize/report/svg.ts";
import { buildModel, randomF32Model } from "../support/models.ts";
import { mulberry32 } from "../support/random.ts";
import { rangeSamples } from "../support/streams.ts";

function page(): string {
  const { spec, tensors } = randomF32Model({ layers: [6], inputs: 2, outputs: 2 });
  const inputs = spec.inputs.map((input, i) => (i ? input : { ...input, name: `<b>"in" & 'out'</b>` }));
  const outputs = spec.outputs.map((output, i) =>
    i ? output : { name: "</svg><script>alert(1)</script>", unit: "<i>", forecasts: inputs[0]?.name ?? "" },
  );
  const { model } = buildModel({ ...spec, inputs, outputs }, tensors);
  const source = rangeSamples(model.spec, mulberry32(1));
  return reportHtml(report(model, quantizeInMemory(model), source(400), source(100), { driftSteps: 500 }));
}

const VOID = new Set(["meta", "!doctype"]);

/** Names of the elements that are opened and not closed in order. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  for (const [, close, name = "", rest = ""] of html.matchAll(/<(\/?)([!a-z][a-z0-9]*)([^>]*)>/gi)) {
    if (VOID.has(name.toLowerCase()) || rest.endsWith("/")) continue;
    if (close === "") open.push(name);
    else if (open.pop() !== name) return [name];
  }
  return open;
}

describe("reportHtml", () => {
  it("closes what it opens", () => {
    expect(unbalanced(page())).toEqual([]);
  });

  it("escapes names and units", () => {
    const html = page();
    expect(html).not.toContain("<script");
    expect(html).not.toContain("<b>");
    expect(html).not.toContain("<i>");
    expect(html).toContain("&lt;b&gt;&quot;in&quot; &amp; &#39;out&#39;&lt;/b&gt;");
  });

  it("loads nothing from elsewhere", () => {
    expect(page()).not.toMatch(/https?:|src=|href=|url\(|@import/);
  });

  it("draws traces and errors of every output and a histogram of every layer", () => {
    const html = page();
    expect(html.match(/<svg /g)).toHaveLength(2 + 2 + 2);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("reportHtml of many outputs", () => {
  it("draws the twelve with the greatest errors", () => {
    const { model } = randomF32Model({ layers: [4], outputs: 14 });
    const source = rangeSamples(model.spec, mulberry32(2));
    const html = reportHtml(report(model, quantizeInMemory(model), source(50), source(50), { driftSteps: 100 }));
    expect(html.match(/<svg /g)).toHaveLength(12 + 12 + 2);
    expect(html).toContain("The 12 outputs with the greatest errors.");
  });
});

describe("plot", () => {
  const options = { title: "t", ends: ["0", "9"], xLabel: "steps" } as const;

  it("puts the first value at the left and the last at the right", () => {
    const svg = plot([{ name: "a", className: "a", values: [0, 1] }], options);
    expect(svg).toContain('d="M62 176L448 30"');
  });

  it("draws a constant", () => {
    expect(plot([{ name: "a", className: "a", values: [3, 3] }], options)).toContain('d="M62 103L448 103"');
  });

  it("draws a single value", () => {
    expect(plot([{ name: "a", className: "a", values: [3] }], options)).not.toContain("NaN");
  });
});

describe("escapeHtml", () => {
  it("leaves plain text alone", () => {
    expect(escapeHtml("°C → 5")).toBe("°C → 5");
  });
});
