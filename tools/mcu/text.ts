// What `rivulet build` prints: the memory plan, section by section, and what a step costs.

import { createColors } from "picocolors";
import type { Model } from "../../host/model/types.ts";
import { alignColumns } from "../columns.ts";
import { joinLines } from "../print.ts";
import type { OperandStack } from "../wasm/check/operands.ts";
import type { CheckReport } from "../wasm/check.ts";
import type { BuiltModule } from "./build.ts";
import { CODE_BYTES, estimateSteps, WAMR_FAST_MORE } from "./costs.ts";
import { memoryNeed, warningsOf } from "./fit.ts";
import { PROOF_STEPS } from "./prove.ts";
import type { Target } from "./types.ts";

/** What is told of a build. */
export interface BuildText {
  readonly model: Model;
  readonly built: BuiltModule;
  readonly report: CheckReport;
  /** Where the module was written. */
  readonly path: string;
  /** Further files written. */
  readonly files: readonly string[];
  readonly hasColors: boolean;
}

/** Renders a build as text. */
export function renderBuild({ model, built, report, path, files, hasColors }: BuildText): string {
  const { bold, yellow } = createColors(hasColors);
  const { program, wasm, target, pack } = built;
  const section = (title: string, rows: readonly (readonly string[])[]) =>
    rows.length === 0 ? [] : ["", bold(title), ...alignColumns(rows).map((row) => `  ${row}`)];
  const weights = program.numeric === "q15" ? `, weights ${pack}` : "";
  const estimates = estimateSteps(model, built);
  const lines = [
    `${bold(path)}: ${model.id} for ${target}, ${program.numeric}${weights}, ${count(wasm.length)} bytes`,
    `proven: ${report.properties.length} properties, ${program.vectors.steps} self-test steps, ${PROOF_STEPS} random steps as on the host`,
    ...files.map((file) => `also written: ${file}`),
    ...warningsOf(built).map((warning) => `${yellow("warning")}: ${warning}`),
    ...section("linear memory", memoryRows(built)),
    ...section("memory", needRows(built, report)),
    ...section(
      "instructions per step, estimated",
      estimates.length === 0
        ? [[`not measured for ${target}, ${program.numeric}${weights}`]]
        : estimates.map(({ name, instructions }) => [name, count(instructions)]),
    ),
  ];
  return joinLines(lines, hasColors);
}

/** The plan of a build as plain data, for --json. */
export function buildJson({ model, built, report, path, files }: Omit<BuildText, "hasColors">) {
  const { program, wasm, target, pack } = built;
  const place = ({ address, bytes }: { readonly address: number; readonly bytes: number }) => ({ address, bytes });
  return {
    model: model.id,
    hash: model.hash,
    path,
    files,
    target,
    numeric: program.numeric,
    ...(program.numeric === "q15" && { pack }),
    moduleBytes: wasm.length,
    input: place(program.input),
    output: place(program.output),
    state: place(program.state),
    modelHash: place(program.modelHash),
    memoryBytes: program.memoryBytes,
    memory: memoryNeed(built),
    regions: program.regions.map(({ name, address, bytes, data }) => ({
      name,
      address,
      bytes,
      flash: data !== undefined,
    })),
    selftestSteps: program.vectors.steps,
    longestRun: report.measures?.run,
    operandStack: report.measures?.operands,
    estimates: estimateSteps(model, built),
    warnings: warningsOf(built),
  };
}

/** The parts of linear memory, for a table. */
export const memoryRows = ({ program }: BuiltModule) => [
  ...program.regions.map(({ name, address, bytes, data }) => [
    name,
    `at ${address}`,
    `${count(bytes)} bytes`,
    data === undefined ? "zeros" : "from flash",
  ]),
  ["in use", "", `${count(program.memoryBytes)} bytes`, ""],
];

function needRows(built: BuiltModule, report: CheckReport): readonly (readonly string[])[] {
  const need = memoryNeed(built);
  const { measures } = report;
  return [
    ...flashRows(built),
    ["RAM, linear memory", `${count(need.linear)} bytes`],
    ...(need.module > 0 ? [["RAM, the module itself", `${count(need.module)} bytes`]] : []),
    ...(need.runtime ? [[`RAM, ${built.target}`, `about ${count(need.runtime)} bytes`]] : []),
    ...(need.stack !== undefined ? [["RAM, native stack", `about ${count(need.stack)} bytes`]] : []),
    ...wamrRows(built),
    ...(need.runtime === undefined && need.stack === undefined ? [["RAM, the runtime's own", "not known"]] : []),
    ...(measures ? operandRows(built.target, measures.operands) : []),
    ...(measures ? [["longest run without a loop", `${count(measures.run)} operations`]] : []),
  ];
}

/** What is not in the sum: WAMR's other interpreter, and its native stack. */
function wamrRows({ target, program, pack }: BuiltModule): readonly (readonly string[])[] {
  if (target !== "wamr") return [];
  const more = WAMR_FAST_MORE[program.numeric === "f32" ? "f32" : pack];
  return [
    ["with its fast interpreter", `about ${count(more)} bytes more`],
    ["RAM, native stack", "not known, leave 2 KB"],
  ];
}

/** The operand stack to give an interpreter. That of wasm3 is part of its heap. */
function operandRows(target: Target, { wasm3, wamr }: OperandStack): readonly (readonly string[])[] {
  if (target === "wasm2c") return [];
  return [
    ...(target !== "wamr" ? [["operand stack of wasm3", `${count(wasm3)} bytes`]] : []),
    ...(target !== "wasm3" ? [["operand stack of WAMR", `${count(wamr)} bytes`]] : []),
  ];
}

/** An interpreter keeps the module in flash; C has its constants there, and code. */
function flashRows({ target, program, wasm }: BuiltModule): readonly (readonly string[])[] {
  if (target !== "wasm2c") return [["flash, module", `${count(wasm.length)} bytes`]];
  const constants = program.regions.reduce((sum, { bytes, data }) => sum + (data === undefined ? 0 : bytes), 0);
  const code = program.numeric === "q15" ? [["flash, code", `about ${count(CODE_BYTES)} bytes`]] : [];
  return [["flash, constants", `${count(constants)} bytes`], ...code];
}

const count = (value: number): string => value.toLocaleString("en-US");
