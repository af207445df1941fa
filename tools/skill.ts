// The skill table of a model in words.

import type { ModelSpec, Skill, SkillRow } from "../host/model/types.ts";

/** Outputs that have a column of their own; of more, the mean over all. */
const MOST_COLUMNS = 6;

const short = (value: number | undefined): string => (value === undefined ? "–" : String(Number(value.toPrecision(4))));

interface Skilled {
  readonly skill?: Skill | undefined;
  readonly outputs: ModelSpec["outputs"];
}

/** The skill table of a model as rows of cells, the heading first; empty where there is none. */
export function skillCells({ skill, outputs }: Skilled): string[][] {
  if (skill === undefined) return [];
  const has = (key: keyof SkillRow) => skill.table.some((row) => row[key] !== undefined);
  const columns: [string, (row: SkillRow) => string][] = [];
  for (const key of ["mae", "rmse"] as const) {
    if (!has(key)) continue;
    const title = key.toUpperCase();
    if (outputs.length > MOST_COLUMNS) columns.push([`${title}, mean`, (row) => short(mean(row[key]))]);
    else
      for (const [o, { name }] of outputs.entries()) columns.push([`${title} ${name}`, (row) => short(row[key]?.[o])]);
  }
  if (has("accuracy")) columns.push(["accuracy", ({ accuracy }) => short(accuracy)]);
  if (has("cross_entropy")) columns.push(["cross-entropy", (row) => short(row.cross_entropy)]);
  return [
    ["", ...columns.map(([title]) => title)],
    ...skill.table.map((row) => [row.name, ...columns.map(([, cell]) => cell(row))]),
  ];
}

const mean = (values: readonly number[] | undefined): number | undefined =>
  values && values.reduce((sum, value) => sum + value, 0) / values.length;
