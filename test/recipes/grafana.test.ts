// docs/recipes/grafana/: files for a Grafana that cannot be had here, against the types that it publishes.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";
import { installGrafanaSchema } from "./programs.ts";

const FILE = "docs/recipes/grafana/dashboards/rivulet.json";
/** Types of JSON: an enum is one of its texts. */
const HEAD = `import type { Dashboard } from "@grafana/schema";
type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
`;

let folder: string;
beforeAll(() => {
  folder = installGrafanaSchema();
});

/** What the compiler says of a dashboard. */
function problemsOf(dashboard: object): string[] {
  const file = path.join(folder, "dashboard.ts");
  writeFileSync(file, `${HEAD}export const dashboard: Plain<Dashboard> = ${JSON.stringify(dashboard)};\n`);
  const program = ts.createProgram([file], {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
}

describe("The dashboard for Grafana", () => {
  const dashboard = JSON.parse(readFileSync(FILE, "utf8"));
  // Beyond what all annotations have, those of InfluxDB have fields of their own.
  for (const annotation of dashboard.annotations.list) {
    annotation.target = { refId: annotation.target.refId };
  }

  it("has the fields that Grafana's types have", () => {
    expect(problemsOf(dashboard)).toEqual([]);
  });

  it("would not have a wrong one unnoticed", () => {
    const [panel] = dashboard.panels;
    const wrong = { ...dashboard, panels: [{ ...panel, gridPos: { ...panel.gridPos, w: "12" } }] };
    expect(problemsOf(wrong).join()).toMatch(/not assignable/);
  });
});
