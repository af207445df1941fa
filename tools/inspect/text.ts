import { createColors } from "picocolors";
import { alignColumns } from "../columns.ts";
import { joinLines } from "../print.ts";
import { skillCells } from "../skill.ts";
import { detectorRows, detectorVerdict } from "./detector.ts";
import type { ModelReport } from "./report.ts";

/** Renders a report as aligned text. */
export function renderReport(report: ModelReport, hasColors: boolean): string {
  const { bold, green, red } = createColors(hasColors);
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : ["", bold(title), ...alignColumns(rows).map((row) => `  ${row}`)];
  const { selftest, anomalies } = report;
  const verdict = selftest?.passed ? green("passed") : red("FAILED");

  const lines = [
    `${bold(report.id)}  ${report.numeric}  ${count(report.bytes)} bytes`,
    ...section("inputs", report.inputs.map(signalCells)),
    ...section(
      "outputs",
      report.outputs.map((output) => [...signalCells(output), forecast(output, report.horizon)]),
    ),
    ...section("network", networkRows(report)),
    ...section(
      "tensors",
      report.tensors.map(({ name, dtype, shape, bytes }) => [
        name,
        `${dtype}[${shape.join("][")}]`,
        `${count(bytes)} bytes`,
      ]),
    ),
    ...section("cost", [
      ["multiplications per step", count(report.multiplications)],
      ["weights in memory", `${count(report.imageBytes)} bytes, once`],
      ["state", `${count(report.stateBytes)} bytes for each session`],
    ]),
    ...section("use", useRows(report)),
    ...section(
      "self-test",
      selftest === undefined
        ? [["none"]]
        : [[verdict, `${count(selftest.steps)} steps`, `largest error ${short(selftest.worst)}`, tolerance(selftest)]],
    ),
    ...section(
      "detector",
      anomalies === undefined
        ? []
        : [
            ...detectorRows(anomalies),
            ["self-test", "", detectorVerdict(anomalies.selftest, hasColors).join(", ")],
            ...Object.entries(anomalies.provenance ?? {}).map(([key, value]) => [key, "", value]),
          ],
    ),
    ...section(`skill, errors over ${count(report.skill?.rows ?? 0)} held-out rows`, skillCells(report)),
    ...section("provenance", [["hash", report.hash], ...Object.entries(report.provenance ?? {})]),
  ];
  return joinLines(lines, hasColors);
}

type Signal = ModelReport["inputs"][number];

function signalCells(signal: Partial<Signal> & { readonly name: string }): string[] {
  const { name, unit, range, fraction, offset, scale } = signal;
  const parts = [
    range && `range ${short(range[0])} to ${short(range[1])}`,
    fraction !== undefined && `fraction ${fraction}`,
    offset !== undefined && scale !== undefined && `offset ${short(offset)}, scale ${short(scale)}`,
  ];
  return [name, unit ?? "", parts.filter(Boolean).join(", ")];
}

function forecast({ forecasts }: { readonly forecasts?: string }, horizon: number): string {
  return forecasts === undefined ? "" : `${forecasts}, ${horizon} ${horizon === 1 ? "step" : "steps"} ahead`;
}

function networkRows({ embedding, layers, skip, inputs, outputs }: ModelReport): string[][] {
  return [
    ...(embedding ? [["embedding", `${embedding.vocabulary} → ${embedding.size}`]] : []),
    ...layers.map((layer) => [
      layer.kind,
      `${layer.inputs} → ${layer.size}`,
      layer.kind === "gru" ? `reset-${layer.reset}${layer.gates === "hard" ? ", hard gates" : ""}` : layer.activation,
      `${count(layer.multiplications)} multiplications`,
    ]),
    ...(skip
      ? [
          [
            "skip",
            `${skip.length} × ${inputs.length} → ${outputs.length}`,
            "linear",
            `${count(skip.multiplications)} multiplications`,
          ],
        ]
      : []),
  ];
}

function useRows({ interval, warmup, detector }: ModelReport): string[][] {
  return [
    ...(interval === undefined ? [] : [["interval", `${short(interval)} s between samples`]]),
    ...(warmup === 0 ? [] : [["warm-up", `${count(warmup)} steps`]]),
    ...(detector === undefined ? [] : [["detector", JSON.stringify(detector)]]),
  ];
}

function tolerance({ tolerance: bound }: { readonly tolerance?: number | undefined }): string {
  return bound === undefined ? "must be exact" : `allowed ${short(bound)}`;
}

const count = (value: number) => value.toLocaleString("en-US");
const short = (value: number) => String(Number(value.toPrecision(6)));
