import { createColors } from "picocolors";
import type { DetectorFile } from "../../host/detect/file.ts";
import { blocksOf } from "../../host/detect/parameters.ts";
import { usualErrorOf } from "../../host/detect/real.ts";
import type { DetectorTestResult } from "../../host/detect/selftest.ts";
import { alignColumns } from "../columns.ts";
import { joinLines } from "../print.ts";

/** Everything that `rivulet inspect` tells of a detector. */
export type DetectorReport = ReturnType<typeof describeDetector>;

/** Collects what a detector holds. */
export function describeDetector({ spec, parameters, id }: DetectorFile, selftest: DetectorTestResult | undefined) {
  const { seasonality, channels } = parameters;
  return {
    id,
    channels: spec.inputs.map((input, c) => {
      const channel = channels[c] as (typeof channels)[number];
      const unit = 2 ** -input.fraction;
      return {
        ...input,
        residual: channel.residual,
        middle: channel.offset * unit,
        spread: (2 ** (27 + channel.shift) / channel.multiplier) * unit,
        error: usualErrorOf(channel, input.fraction),
        ...(channel.range && { range: channel.range.map((raw) => raw * unit) }),
      };
    }),
    blocks: blocksOf(parameters),
    interval: spec.interval,
    alarmsPerWeek: spec.alarmsPerWeek,
    rows: spec.rows,
    period: seasonality?.period,
    slots: seasonality?.slots,
    isClocked: seasonality?.seen !== undefined,
    selftest,
    provenance: spec.provenance,
  };
}

/** The rows about a detector, for the section of a model or of a file of its own. */
export function detectorRows(report: DetectorReport): string[][] {
  const { channels, blocks, alarmsPerWeek, interval, period, slots, rows } = report;
  return [
    ...channels.map(({ name, unit = "", residual, middle, spread, error, range, skill }) => [
      name,
      unit,
      `usually ${short(middle)} ± ${short(spread)}${range ? `, range ${short(range[0])} to ${short(range[1])}` : ""}`,
      `residual of ${residual === "model" ? "the model" : "AR(8)"}, ± ${short(error)}${skill === undefined ? "" : `, skill ${short(skill)}`}`,
    ]),
    ["scores", "", blocks.join(", ")],
    ["false alarms", "", `${short(alarmsPerWeek)} a week accepted`],
    ...(interval === undefined ? [] : [["interval", "", `${short(interval)} s between rows`]]),
    ...(period === undefined ? [] : [["period", "", `${period} rows in ${slots} slots`]]),
    ["calibrated", "", `${rows.toLocaleString("en-US")} rows`],
  ];
}

/** Renders the report of a detector alone as aligned text. */
export function renderDetector(report: DetectorReport, hasColors: boolean): string {
  const { bold } = createColors(hasColors);
  const section = (title: string, rows: readonly (readonly string[])[]) => [
    "",
    bold(title),
    ...alignColumns(rows).map((row) => `  ${row}`),
  ];
  const lines = [
    `${bold(report.id)}  detector`,
    ...section("detector", detectorRows(report)),
    ...section("self-test", [detectorVerdict(report.selftest, hasColors)]),
    ...section("provenance", Object.entries(report.provenance ?? {})),
  ];
  return joinLines(lines, hasColors);
}

/** Cells that tell how the test vectors came out. */
export function detectorVerdict(selftest: DetectorTestResult | undefined, hasColors: boolean): string[] {
  const { green, red } = createColors(hasColors);
  if (selftest === undefined) return ["none"];
  return [selftest.passed ? green("passed") : red("FAILED"), `${selftest.rows} rows`, "must be exact"];
}

const short = (value: number | undefined): string => String(Number((value ?? 0).toPrecision(4)));
