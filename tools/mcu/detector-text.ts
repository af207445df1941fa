// What `rivulet build` prints of a detector alone.

import { createColors } from "picocolors";
import type { DetectorFile } from "../../host/detect/file.ts";
import { alignColumns } from "../columns.ts";
import { hasColors, type Io } from "../io.ts";
import { joinLines } from "../print.ts";
import type { CheckReport } from "../wasm/check.ts";
import type { BuiltModule } from "./build.ts";
import { PROOF_ROWS } from "./detector.ts";
import { memoryNeed } from "./fit.ts";
import { memoryRows } from "./text.ts";

/** What is told of a build. */
export interface DetectorText {
  readonly file: DetectorFile;
  readonly built: BuiltModule;
  readonly report: CheckReport;
  /** Where the module was written. */
  readonly path: string;
  /** Further files written. */
  readonly files: readonly string[];
}

/** Renders a build as text. */
export function renderDetectorBuild({ file, built, report, path, files }: DetectorText, io: Io): string {
  const colors = hasColors(io);
  const { bold } = createColors(colors);
  const { wasm, program, target } = built;
  const channels = file.parameters.channels.length;
  return joinLines(
    [
      `${bold(path)}: ${file.id} for ${target}, a detector of ${channels} ${channels === 1 ? "channel" : "channels"}, ${count(wasm.length)} bytes`,
      `proven: ${report.properties.length} properties, ${program.vectors.steps} rows of the self-test, ${PROOF_ROWS} rows as on the host`,
      ...files.map((each) => `also written: ${each}`),
      "",
      bold("linear memory"),
      ...alignColumns(memoryRows(built)).map((row) => `  ${row}`),
    ],
    colors,
  );
}

/** The plan of a build as plain data, for --json. */
export function detectorJson({ file, built, report, path, files }: DetectorText) {
  const { program, wasm, target } = built;
  return {
    detector: file.id,
    path,
    files,
    target,
    moduleBytes: wasm.length,
    input: program.input,
    output: program.output,
    state: program.state,
    constants: program.constants,
    memoryBytes: program.memoryBytes,
    memory: memoryNeed(built),
    longestRun: report.measures?.run,
  };
}

const count = (value: number): string => value.toLocaleString("en-US");
