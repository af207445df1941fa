// C of a built module, by wasm2c of the npm package `wabt`. wasm2c writes for hosted programs: instances, 64-bit addresses,
// memory that grows. What it says of the functions is kept; around it stands a static memory of the size that the module
// uses, and `wasm-rt.h` (tools/firmware/common/), which needs neither heap nor libc.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CliError } from "../errors.ts";

/** A file to write: its name, without a folder, and what it holds. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export interface ModuleToCOptions {
  /** Prefix of files, functions and the memory in C; two models in one firmware need two. Default `rivulet`. */
  readonly name?: string;
  /** Where to look for the package `wabt` first; default the working folder. */
  readonly folder?: string;
}

/**
 * Turns a module of `rivulet build` into C: `NAME.c`, `NAME.h` and `wasm-rt.h`. The functions are `NAME_init`, which must be
 * called first, and `NAME_` followed by the name of each exported function; the memory is `NAME_memory`, an array of
 * `__heap_base` bytes.
 *
 * @throws {CliError} when `wabt` is not installed, or the module holds what a microcontroller cannot run
 */
export async function moduleToC(wasm: Uint8Array, options: ModuleToCOptions = {}): Promise<readonly TextFile[]> {
  const { name = "rivulet", folder = process.cwd() } = options;
  if (!/^[a-z][a-z0-9_]*$/i.test(name)) throw new CliError(`${name} is no prefix of names in C`);
  const memorySize = usedMemory(wasm);
  const program = findWasm2c(folder);
  const header = await readFile(runtimeHeader(), "utf8");
  const source = rewrite(await runWasm2c(program, wasm), name, memorySize);
  const unknown = unknownOperations(source.text, header);
  if (unknown.length > 0) throw new CliError(`Module uses ${unknown.join(", ")}, which wasm-rt.h does not have`);
  return [
    { name: `${name}.c`, text: source.text },
    { name: `${name}.h`, text: declarations(name, memorySize, source.exports) },
    { name: "wasm-rt.h", text: header },
  ];
}

/** Bytes of linear memory that a module uses: what its global `__heap_base` says. */
function usedMemory(wasm: Uint8Array): number {
  const module = new WebAssembly.Module(Uint8Array.from(wasm));
  const imported = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  if (imported.length > 0)
    throw new CliError(`Module imports ${imported.join(", ")}; one for a microcontroller imports nothing`);
  const heapBase = new WebAssembly.Instance(module).exports.__heap_base;
  if (!(heapBase instanceof WebAssembly.Global)) {
    throw new CliError("Module does not export __heap_base, so the size of its memory is unknown");
  }
  return Number(heapBase.value);
}

/** The path of wasm2c: of the package beside the user's files, or beside this program. */
function findWasm2c(folder: string): string {
  for (const from of [path.join(folder, "package.json"), import.meta.url]) {
    try {
      return path.join(path.dirname(createRequire(from).resolve("wabt/package.json")), "bin", "wasm2c");
    } catch {
      // Not there; the message below tells.
    }
  }
  throw new CliError("C sources need wasm2c of the package wabt: npm install wabt");
}

/** The path of wasm-rt.h: copied beside the built program, or in the sources. */
function runtimeHeader(): string {
  const places = ["./wasm-rt.h", "../firmware/common/wasm-rt.h"].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new CliError("wasm-rt.h is missing; run npm run build");
  return found;
}

async function runWasm2c(program: string, wasm: Uint8Array): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "rivulet-wasm2c-"));
  try {
    const [input, output] = [path.join(folder, "m.wasm"), path.join(folder, "m.c")];
    await writeFile(input, wasm);
    await promisify(execFile)(process.execPath, [program, input, "--module-name", "m", "-o", output]);
    return await readFile(output, "utf8");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** An exported function in C: its result, its name, its parameters as in `u32 seed, u32 steps`. */
interface ExportedFunction {
  readonly result: string;
  readonly name: string;
  readonly parameters: readonly string[];
}

interface Source {
  readonly text: string;
  readonly exports: readonly ExportedFunction[];
}

/** What wasm2c writes in front of the functions, and what is kept of it. */
const PROTOTYPE = /^static \w+ w2c_m_\w+\(w2c_m\*.*\);$/gm;
const SEGMENT = /^static const u8 data_segment_data_w2c_m_\w+\[\] = \{[^}]*\};$/gm;
const LOAD = /^ {2}LOAD_DATA\(instance->\w+, (\d+)u, (data_segment_data_w2c_m_\w+), (\d+)\);$/gm;
const EXPORT =
  /\/\* export: '(\w+)' \*\/\n(\w+) \w+\(w2c_m\* instance((?:, \w+ \w+)*)\) \{[^}]*?\b(w2c_m_\w+)\(instance/g;
const LAST_HELPER = /^wasm_rt_func_type_t wasm2c_m_get_func_type\(uint32_t[\s\S]*?^\}$/m;

function rewrite(written: string, name: string, memorySize: number): Source {
  const helper = LAST_HELPER.exec(written);
  if (helper === null) throw new CliError("wasm2c of this version of wabt writes other C than that of wabt 1.0.39");
  const head = written.slice(0, helper.index);
  const functions = written.slice(helper.index + helper[0].length);
  const loads = [...head.matchAll(LOAD)].map(([, to, from, size]) => `  load_data(${to}u, ${from}, ${size}u);`);
  const exported = [...head.matchAll(EXPORT)].map((match) => {
    const [, label = "", result = "", parameters = "", inner = ""] = match;
    return { result, name: label, parameters: parameters.split(", ").slice(1), inner };
  });
  const body = [
    ...(head.match(PROTOTYPE) ?? []),
    "",
    ...(head.match(SEGMENT) ?? []).map((segment) => segment.replace(/, \n\}/, ",\n}")),
    functions.replace(/^(?=\w+ w2c_m_)/gm, "static "),
  ]
    .join("\n")
    .replace(/(\w+)_default32\(&instance->\w+, \(u64\)\((\w+)\)(?: \+ (\d+)u?)?/g, (_, access, base, offset) => {
      return `${access}(linear, ${base}, ${offset ?? 0}u`;
    })
    .replace(/\bw2c_(m_\w+)\((?:w2c_m\*(?: instance)?|instance)(?:, )?/g, "$1(")
    .replace(/^(static \w+ m_\w+)\(\)/gm, "$1(void)")
    .replace(/^ *FUNC_EPILOGUE;\n/gm, "")
    .replaceAll("FUNC_PROLOGUE;", "LINEAR;")
    .replaceAll("data_segment_data_w2c_m_", "data_");
  const wrappers = exported.map((entry) => {
    const call = `${entry.inner.replace(/^w2c_/, "")}(${entry.parameters.map((p) => p.replace(/^(\w+) var_/, "($1)")).join(", ")})`;
    const answer = entry.result === "void" ? "" : `return (${typeOf(entry.result)})`;
    return `${signature(name, entry)} { ${answer}${call}; }\n`;
  });
  const text = `// Written by \`rivulet build --wasm2c\`, with wasm2c of wabt. Compile with -ffp-contract=off.
#include "${name}.h"

#define RIVULET_FLOAT ${/\bf32\b/.test(body) ? 1 : 0}
#undef RIVULET_MEMORY_SIZE
#define RIVULET_MEMORY_SIZE ${memorySize}u
#define memory ${name}_memory

__attribute__((aligned(16))) uint8_t ${name}_memory[RIVULET_MEMORY_SIZE];

#include "wasm-rt.h"

#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"

${body.trim()}

void ${name}_init(void) {
  __builtin_memset(memory, 0, RIVULET_MEMORY_SIZE);
${loads.join("\n").replaceAll("data_segment_data_w2c_m_", "data_")}
}

${wrappers.join("\n")}`;
  const left = /\b\w*(?:instance|w2c_m|wasm_rt)\w*\b.*/.exec(text.replace(/#include "wasm-rt.h"/, ""));
  if (left !== null) throw new CliError(`Module holds what has no C for a microcontroller: ${left[0]}`);
  return { text, exports: exported };
}

/** A type of wasm2c as one of <stdint.h>, for users. */
const typeOf = (type: string): string => ({ u32: "int32_t", u64: "int64_t", f32: "float", void: "void" })[type] ?? type;

/** `u32 rivulet_step(void)`, in the types of <stdint.h>. */
function signature(name: string, entry: ExportedFunction): string {
  const parameters = entry.parameters.map((parameter) => {
    const [type = "", label = ""] = parameter.split(" ");
    return `${typeOf(type)} ${label.replace("var_", "")}`;
  });
  return `${typeOf(entry.result)} ${name}_${entry.name}(${parameters.join(", ") || "void"})`;
}

function declarations(name: string, memorySize: number, exported: readonly ExportedFunction[]): string {
  const guard = `${name.toUpperCase()}_H`;
  return `// Written by \`rivulet build --wasm2c\`. The addresses inside the memory are macros of model.h.
#ifndef ${guard}
#define ${guard}

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Linear memory: all that the module uses. It needs no heap.
extern uint8_t ${name}_memory[${memorySize}];

// Fills the memory: weights, tables, a state of zeros. Must be called before anything else.
void ${name}_init(void);

${exported.map((entry) => `${signature(name, entry)};`).join("\n")}

#ifdef __cplusplus
}
#endif

#endif
`;
}

/** Operations in the C of a module that the header does not define. */
function unknownOperations(source: string, header: string): readonly string[] {
  const known = new Set(
    [...header.matchAll(/(?:#define |DEFINE_(?:LOAD|STORE)\(|static inline \w+ )(\w+)/g)].map((match) => match[1]),
  );
  const body = source.slice(source.indexOf('#include "wasm-rt.h"'));
  const used = new Set([...body.matchAll(/\b([A-Za-z]\w*)\(/g)].map((match) => match[1] ?? ""));
  return [...used].filter(
    (word) => !known.has(word) && !/^(?:m_\w+|if|switch|__builtin_\w+)$/.test(word) && !defines(source, word),
  );
}

function defines(source: string, word: string): boolean {
  return new RegExp(`^\\w+ ${word}\\(`, "m").test(source);
}
