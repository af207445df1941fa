// `model.h`: what firmware must know of a module, as macros, and the module itself as an array of bytes.

import { MCU_ABI_VERSION } from "../../assembly/layout.ts";
import type { Model } from "../../host/model/types.ts";
import { checkModule } from "../wasm/check.ts";
import type { Program } from "./types.ts";

/** What a header is written of. */
export interface HeaderParts {
  readonly model: Model;
  readonly program: Program;
  /** Absent: the header is without the module as an array. */
  readonly wasm?: Uint8Array | undefined;
  /** Bytes on a line of the array. */
  readonly perLine?: number;
}

/** Writes the header of a module. */
export function renderHeader({ model, program, wasm, perLine = 16 }: HeaderParts): string {
  const { spec, id, hash } = model;
  const { input, output, state, ring, modelHash, memoryBytes } = program;
  const isFloat = program.numeric === "f32";
  const scales = isFloat
    ? []
    : [
        "/* raw = floor(real * 2^fraction + 0.5), within -2^30..2^30; a token is its number */",
        define("INPUT_FRACTIONS", fractions(spec.inputs)),
        "/* real = raw * 2^-fraction */",
        define("OUTPUT_FRACTIONS", fractions(spec.outputs)),
      ];
  const lines = [
    define("ABI_VERSION", MCU_ABI_VERSION),
    define("MODEL_NAME", cString(spec.name)),
    define("MODEL_HASH_HEX", cString(hash.slice(0, 32))),
    define("FLOAT", Number(isFloat), "values are i32 raw, or float when 1"),
    define("INPUT", input.address),
    define("INPUT_COUNT", input.bytes / 4),
    define("OUTPUT", output.address),
    define("OUTPUT_COUNT", output.bytes / 4),
    define("STATE", state.address),
    define("STATE_SIZE", state.bytes),
    define("RESIDUAL_COUNT", ring?.outputs.length ?? 0, "outputs that forecast an input"),
    ...(ring
      ? [
          define("RESIDUAL", ring.residual, "latest sample less what was predicted for it, as outputs are"),
          define("EXPECTED", ring.expected, "what was predicted for it"),
          define("RESIDUAL_OUTPUTS", `{ ${ring.outputs.join(", ")} }`),
          define("STEPS", ring.steps, "u32; both are known when it is above the horizon"),
          define("HORIZON", ring.horizon),
        ]
      : []),
    define("MODEL_HASH", modelHash.address, "16 bytes, as in a snapshot"),
    define("MODEL_HASH_BYTES", hashInitializer(hash)),
    define("MEMORY_SIZE", memoryBytes, "bytes of linear memory in use"),
    define("VOCABULARY", program.vocabulary, "above 0: the input is a token below it"),
    ...scales,
    define("INPUT_NAMES", names(spec.inputs)),
    define("OUTPUT_NAMES", names(spec.outputs)),
  ];
  return wrapHeader(id, lines, wasm, perLine);
}

/** A macro. */
export const define = (name: string, value: string | number, remark?: string): string =>
  `#define RIVULET_${name} ${value}${remark === undefined ? "" : ` /* ${remark} */`}`;

/** The first 16 bytes of a hash in hexadecimal, as the initializer of an array. */
export const hashInitializer = (hash: string): string =>
  `{ ${Array.from({ length: 16 }, (_, i) => `0x${hash.slice(2 * i, 2 * i + 2)}`).join(", ")} }`;

/** The fractions of signals, as the initializer of an array. */
export const fractions = (signals: readonly { readonly fraction?: number }[]): string =>
  `{ ${signals.map(({ fraction = 0 }) => fraction).join(", ")} }`;

/** Their names, likewise. */
export const names = (signals: readonly { readonly name: string }[]): string =>
  `{ ${signals.map(({ name }) => cString(name)).join(", ")} }`;

/** The whole of a header: macros, and the module as an array. */
export function wrapHeader(id: string, lines: readonly string[], wasm?: Uint8Array, perLine = 16): string {
  return [
    `/* ${comment(id)}, written by rivulet build. Addresses are bytes in the linear memory of the module. */`,
    "#ifndef RIVULET_MODEL_H",
    "#define RIVULET_MODEL_H",
    "",
    ...lines,
    ...(wasm === undefined ? [] : arrayLines(wasm, perLine)),
    "",
    "#endif",
    "",
  ].join("\n");
}

const arrayLines = (wasm: Uint8Array, perLine: number): readonly string[] => [
  define("WASM_SIZE", wasm.length),
  ...operandLines(wasm),
  "",
  "#ifndef RIVULET_NO_WASM",
  "static const unsigned char rivulet_wasm[RIVULET_WASM_SIZE] = {",
  ...byteLines(wasm, perLine),
  "};",
  "#endif",
];

/** The operand stack that the module takes of an interpreter. */
function operandLines(wasm: Uint8Array): readonly string[] {
  const operands = checkModule(wasm, { integerOnly: false }).measures?.operands;
  if (operands === undefined) return [];
  return [
    define("WASM3_STACK", operands.wasm3, "bytes of operand stack, for m3_NewRuntime"),
    define("WAMR_STACK", operands.wamr, "likewise, for wasm_runtime_create_exec_env, either interpreter"),
  ];
}

function byteLines(bytes: Uint8Array, perLine: number): string[] {
  return Array.from({ length: Math.ceil(bytes.length / perLine) }, (_, line) => {
    const row = bytes.subarray(line * perLine, (line + 1) * perLine);
    return `  ${[...row].map((byte) => `0x${byte.toString(16).padStart(2, "0")},`).join(" ")}`;
  });
}

/** A string literal of C; what is not plain ASCII becomes the octal escapes of its UTF-8 bytes, which end after three digits. */
export function cString(text: string): string {
  const escaped = [...new TextEncoder().encode(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") return `\\${character}`;
    // `??` would start a trigraph.
    return byte >= 32 && byte < 127 && character !== "?" ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}

/** Text that cannot end a comment. */
const comment = (text: string): string => text.replaceAll("*/", "* /");
