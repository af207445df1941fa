// The page of `rivulet train --report`: one file, no script, nothing to load.

import { multiplications, networkOf } from "../../../host/model/network.ts";
import type { Model } from "../../../host/model/types.ts";
import { plotSection, renderPage, tableHtml } from "../../quantize/report/html.ts";
import { plot } from "../../quantize/report/svg.ts";
import { skillCells } from "../../skill.ts";
import type { Result } from "../gru/search.ts";
import type { Footprint } from "../gru/sizes.ts";
import type { Task } from "../task.ts";
import type { OutputFacts } from "./gather.ts";

/** Outputs that are drawn. */
const MOST_DRAWN = 12;

/** What the page is made of. */
export interface PageParts {
  readonly model: Model;
  readonly task: Task;
  /** What the command prints of data and choice, a line each. */
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
  readonly results: readonly Result[];
  readonly facts: readonly OutputFacts[];
  readonly bytes: number;
  /** As a q15 module for wasm3. */
  readonly footprint: Footprint;
}

/** Renders the page. */
export function trainingPage(parts: PageParts): string {
  const { model, lines, warnings, results, facts } = parts;
  const drawn = facts.slice(0, MOST_DRAWN);
  const some = drawn.length < facts.length ? ` The first ${MOST_DRAWN} of ${facts.length} outputs.` : "";
  const [header = [], ...rows] = skillCells(model.spec);
  return renderPage(`Training of ${model.id}`, lines.join(". "), warnings, [
    tableHtml({
      title: "skill",
      note: `Errors over ${model.spec.skill?.rows} held-out rows, in the unit of the readings; nothing was chosen by them.`,
      header,
      rows,
    }),
    ...horizonSection(parts),
    plotSection("forecast and truth", `The end of the held-out rows.${some}`, drawn.map(tracePlot)),
    plotSection("distribution of errors", `Number of held-out steps by error.${some}`, drawn.map(errorPlot)),
    ...hourSection(drawn, some),
    ...(results.length === 0 ? [] : [plotSection("learning", LEARNING, results.map(learningPlot))]),
    tableHtml(costTable(parts)),
    tableHtml({
      title: "provenance",
      note: "What it takes to make the same model again.",
      header: ["", ""],
      rows: [["hash", model.hash], ...Object.entries(model.spec.provenance ?? {})],
    }),
  ]);
}

const LEARNING =
  "Loss by round of every network that was tried: while learning, and on the rows to choose by. 1 is the linear model there.";

const rounded = (value: number) => String(Number(value.toPrecision(3)));

function tracePlot({ name, truth, answers }: OutputFacts): string {
  const series = [
    { name: "truth", className: "f32", values: truth },
    { name: "forecast", className: "q15", values: answers },
  ];
  return plot(series, { title: name, ends: ["", `${truth.length} steps`], xLabel: "held-out steps" });
}

function errorPlot({ name, errors, reach }: OutputFacts): string {
  const series = [{ name: "errors", className: "f32 bars", values: errors }];
  return plot(series, {
    title: name,
    ends: [rounded(-reach), rounded(reach)],
    xLabel: "forecast - truth",
    fromZero: true,
    bars: true,
  });
}

function learningPlot({ plan, rounds, best }: Result): string {
  const series = [
    { name: "learn", className: "f32", values: rounds.map(({ loss }) => loss) },
    { name: "choose", className: "q15", values: rounds.map(({ stop }) => stop) },
  ];
  const title = `GRU of ${plan.hidden}, seed ${plan.seed}: ${rounded(best)}`;
  return plot(series, { title, ends: ["1", `${rounds.length}`], xLabel: "round" });
}

function hourSection(facts: readonly OutputFacts[], some: string): string[] {
  const plots = facts.flatMap(({ name, byHour }) => {
    if (byHour === undefined) return [];
    const series = [{ name: "error", className: "error", values: byHour }];
    return [plot(series, { title: name, ends: ["0", "23"], xLabel: "hour of the day (UTC)", fromZero: true })];
  });
  if (plots.length === 0) return [];
  return [plotSection("error by hour", `Root of the mean squared error.${some}`, plots)];
}

/** Errors of each input that is forecast, by the steps ahead, where there are several. */
function horizonSection({ model, task }: PageParts): string[] {
  const horizons = [...new Set(task.targets.map(({ ahead }) => ahead))];
  if (horizons.length < 2) return [];
  const rmse = model.spec.skill?.table[0]?.rmse ?? [];
  const columns = [...new Set(task.targets.map(({ column }) => column))].slice(0, MOST_DRAWN);
  const plots = columns.map((column) => {
    const values = rmse.filter((_, o) => task.targets[o]?.column === column);
    const title = model.spec.inputs[column]?.name ?? "";
    const ends = [`${horizons[0]}`, `${horizons.at(-1)}`] as const;
    return plot([{ name: "error", className: "error", values }], {
      title,
      ends,
      xLabel: "steps ahead",
      fromZero: true,
    });
  });
  return [plotSection("error by horizon", "Root of the mean squared error.", plots)];
}

function costTable({ model, bytes, footprint }: PageParts) {
  const count = (value: number) => value.toLocaleString("en-US");
  const products = networkOf(model.spec).stages.reduce((sum, stage) => sum + multiplications(stage), 0);
  return {
    title: "size and cost",
    note: "The module is that of rivulet build, of the q15 form, for wasm3.",
    header: ["", "amount"],
    rows: [
      ["model file, bytes", count(bytes)],
      ["multiplications a step", count(products)],
      ["module for a microcontroller, bytes of flash", count(footprint.flash)],
      ["module for a microcontroller, bytes of RAM", count(footprint.ram)],
      ["warm-up, steps", count(model.spec.warmup)],
    ],
  };
}
