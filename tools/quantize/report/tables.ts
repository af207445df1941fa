// The tables of a report, as text and HTML show them.

import { LONGEST_STATE } from "./layers.ts";
import type { LayerReport, OutputError, QuantizationReport, WeightError } from "./types.ts";

/** A table with a header row; all rows have the same number of cells. */
export interface Table {
  readonly title: string;
  /** What the numbers are; one sentence. */
  readonly note: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A number with three significant digits. */
function short(value: number): string {
  return Math.abs(value) >= 1000 && Math.abs(value) < 1e9
    ? Math.round(value).toLocaleString("en-US")
    : String(Number(value.toPrecision(3)));
}

const percentage = (value: number | null) => (value === null ? "–" : `${short(value)} %`);

const share = (part: number, whole: number) =>
  part === 0 ? "0" : `${part.toLocaleString("en-US")} (${percentage((100 * part) / whole)})`;

/** All tables of a report; those without rows are left out. */
export function tablesOf(report: QuantizationReport): Table[] {
  const tables = [outputTable(report), forecastTable(report), driftTable(report), weightTable(report)];
  return [...tables, stateTable(report), saturationTable(report), inputTable(report)].filter(
    ({ rows }) => rows.length > 0,
  );
}

/** Where the held-out data comes from, in words. */
export function heldOutText({ heldOutSource, steps }: QuantizationReport): string {
  const count = `${steps.heldOut.toLocaleString("en-US")} samples`;
  return heldOutSource === "file"
    ? `${count} of a file of their own`
    : `the last ${count} of the calibration data, which the quantizer has seen`;
}

function outputTable(report: QuantizationReport): Table {
  const cells = ({ max, maxPercent, rms, rmsPercent }: OutputError) => [
    short(max),
    percentage(maxPercent),
    short(rms),
    percentage(rmsPercent),
  ];
  return {
    title: "error of q15 against f32",
    note: `In the output's unit and in % of the range of its f32 predictions; held out: ${heldOutText(report)}.`,
    header: ["output", "data", "max", "of range", "rms", "of range"],
    rows: report.outputs.flatMap(({ name, unit, calibration, heldOut }) => [
      [unit === undefined ? name : `${name} (${unit})`, "calibration", ...cells(calibration)],
      ["", "held out", ...cells(heldOut)],
    ]),
  };
}

function forecastTable({ outputs }: QuantizationReport): Table {
  return {
    title: "forecasts",
    note: "Mean absolute error against what the input became, after the warm-up.",
    header: ["output", "data", "of", "steps ahead", "f32", "q15", "increase"],
    rows: outputs.flatMap(({ name, calibration, heldOut }) =>
      [
        { data: "calibration", forecast: calibration.forecast },
        { data: "held out", forecast: heldOut.forecast },
      ].flatMap(({ data, forecast }) =>
        forecast === undefined
          ? []
          : [
              [
                name,
                data,
                forecast.input,
                String(forecast.horizon),
                short(forecast.maeF32),
                short(forecast.maeQ15),
                percentage(forecast.increasePercent),
              ],
            ],
      ),
    ),
  };
}

function driftTable({ outputs }: QuantizationReport): Table {
  const steps = outputs[0]?.drift.steps ?? 0;
  return {
    title: "drift",
    note: `rms error in the first and the last tenth of ${steps.toLocaleString("en-US")} steps, the calibration data repeated.`,
    header: ["output", "first tenth", "last tenth", "ratio"],
    rows: outputs.map(({ name, drift }) => [
      name,
      short(drift.first),
      short(drift.last),
      drift.ratio === null ? "–" : short(drift.ratio),
    ]),
  };
}

function weightTable({ layers, skip }: QuantizationReport): Table {
  const row = (layer: string, { tensor, gate, count, rms, max, snrDb }: WeightError) => [
    layer,
    gate === undefined ? tensor : `${tensor}, gate ${gate}`,
    count.toLocaleString("en-US"),
    short(rms),
    short(max),
    snrDb === null ? "exact" : `${snrDb.toFixed(1)} dB`,
  ];
  return {
    title: "weights",
    note: "Dequantized weights against float ones, in the units of the float weights.",
    header: ["layer", "weights", "count", "rms error", "max error", "SNR"],
    rows: [
      ...layers.flatMap(({ index, kind, weights }) => weights.map((error) => row(`${index} ${kind}`, error))),
      ...(skip ? [row("skip", skip)] : []),
    ],
  };
}

function stateTable({ layers, steps }: QuantizationReport): Table {
  const row = ({ index, size, memory, state }: LayerReport): string[][] => {
    if (memory === undefined || state === undefined) return [];
    const { slowest, longest, median } = memory;
    const unit = `${short(slowest.f32)} → ${short(slowest.q15)} (unit ${slowest.unit})`;
    const tooLong = `${memory.tooLong} of ${size}`;
    return [[String(index), short(state.rms), short(state.max), short(median), short(longest), unit, tooLong]];
  };
  return {
    title: "state and memory",
    note:
      `Error of h (full scale 1) and memory 1 / (1 - z) in steps over ${steps.traced.toLocaleString("en-US")} steps; ` +
      `slowest: the unit that forgets least on average, f32 → q15; coarse: units with a memory above ${LONGEST_STATE}.`,
    header: ["layer", "h rms", "h max", "median memory", "longest", "slowest", "coarse"],
    rows: layers.flatMap(row),
  };
}

function saturationTable({ layers, steps }: QuantizationReport): Table {
  return {
    title: "saturation in layers",
    note:
      `Integers clamped to int16 over ${steps.traced.toLocaleString("en-US")} steps; ` +
      "a pre-activation beyond ±8 costs nothing before a sigmoid or tanh.",
    header: ["layer", "sums", "pre-activations"],
    rows: layers
      .filter(({ saturation }) => saturation.sumCount > 0)
      .map(({ index, kind, saturation }) => [
        `${index} ${kind}`,
        share(saturation.sums, saturation.sumCount),
        share(saturation.preactivations, saturation.preactivationCount),
      ]),
  };
}

function inputTable({ inputs }: QuantizationReport): Table {
  return {
    title: "inputs",
    note: "Values beyond the range, and values that int16 cannot hold, over calibration and held-out data.",
    header: ["input", "range", "beyond range", "saturated"],
    rows: inputs.map(({ name, unit, range, samples, beyondRange, saturated }) => [
      unit === undefined ? name : `${name} (${unit})`,
      range === undefined ? "–" : `${short(range[0])} to ${short(range[1])}`,
      share(beyondRange, samples),
      share(saturated, samples),
    ]),
  };
}
