// `npm run bench:forecast -- ETTh1.csv`: `rivulet train` on a public series, as papers measure it: the first 14,400 hours, 60 % to learn
// from, 20 % to choose by, 20 % held out; mean squared error of all columns, each divided by its deviation in the first part.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Skill } from "../../host/model/types.ts";
import { alignColumns } from "../columns.ts";

const ROWS = 14_400;
const LEARNED = 8640;
const HELD_OUT = 0.2;
/** One hour ahead, and the mean over the 24 hours ahead. */
const HORIZONS = ["1", "1-24"] as const;

/** Standard deviation of every column of numbers over the rows that are learned from. */
function deviations(lines: readonly string[]): number[] {
  const rows = lines.slice(1, 1 + LEARNED).map((line) => line.split(",").slice(1).map(Number));
  return (rows[0] ?? []).map((_, c) => {
    const values = rows.map((row) => row[c] as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  });
}

/** The skill table of a model that forecasts so many hours ahead, and the seconds that it took. */
function train(data: string, folder: string, horizon: string): { skill: Skill; verdict: string; seconds: number } {
  const start = performance.now();
  const output = path.join(folder, `${horizon}.safetensors`);
  const flags = ["--horizon", horizon, "--held-out", `${HELD_OUT}`, "--skip", "96", "--keep-gru", "--json"];
  const text = execFileSync(process.execPath, ["dist/cli.js", "train", data, "-o", output, ...flags]);
  const { skill, verdict } = JSON.parse(text.toString());
  return { skill, verdict, seconds: (performance.now() - start) / 1000 };
}

function main(file: string | undefined): void {
  if (file === undefined) throw new Error("Expected a CSV file: npm run bench:forecast -- ETTh1.csv");
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .slice(0, ROWS + 1);
  const scales = deviations(lines);
  const folder = mkdtempSync(path.join(tmpdir(), "rivulet-forecast-"));
  try {
    const data = path.join(folder, "series.csv");
    writeFileSync(data, `${lines.join("\n")}\n`);
    for (const horizon of HORIZONS) {
      const { skill, verdict, seconds } = train(data, folder, horizon);
      const rows = skill.table.map(({ name, rmse = [] }) => {
        const shares = rmse.map((error, c) => (error / (scales[c % scales.length] as number)) ** 2);
        return [name, (shares.reduce((sum, share) => sum + share, 0) / shares.length).toFixed(4)];
      });
      const head = [`${horizon} ahead`, "MSE"];
      process.stdout.write(
        `${alignColumns([head, ...rows]).join("\n")}\n${verdict}; ${seconds.toFixed(0)} s, ${skill.rows} steps\n\n`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

main(process.argv[2]);
