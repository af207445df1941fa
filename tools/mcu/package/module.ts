// The C of a module for a library: what steps write in RAM, all else as one array of constants, which may stay in flash.

import type { Program } from "../types.ts";
import { moduleToC, type TextFile } from "../wasm2c.ts";

/** Prefix of the files and names of the module's own C. */
const MODULE_NAME = "rivulet_module";

/** Linear memory in two parts, bytes. */
export interface Split {
  /** Address of what steps write, and its size. */
  readonly from: number;
  readonly size: number;
  /** False where constants stand in between: then all of it must be in RAM. */
  readonly isWhole: boolean;
}

/** What the steps of a program write. */
export function splitOf({ regions, memoryBytes }: Pick<Program, "regions" | "memoryBytes">): Split {
  const written = regions.filter(({ data }) => data === undefined);
  const from = Math.min(memoryBytes, ...written.map(({ address }) => address));
  const end = Math.max(from, ...written.map(({ address, bytes }) => address + bytes));
  const isWhole = !regions.some(({ address, data }) => data !== undefined && address > from && address < end);
  return { from, size: end - from, isWhole };
}

/** The C of a module: `rivulet_module.c`, its header, and `wasm-rt.h`. */
export async function libraryModule(wasm: Uint8Array, program: Program): Promise<readonly TextFile[]> {
  const split = splitOf(program);
  const files = await moduleToC(wasm, { name: MODULE_NAME });
  return files.map(({ name, text }) => {
    if (name === `${MODULE_NAME}.c`)
      return { name, text: withConstants(text, split, imageOf(wasm, program.memoryBytes)) };
    if (name === `${MODULE_NAME}.h`) return { name, text: withSplit(text, split) };
    return { name, text };
  });
}

/** The memory of a module when it has started. */
function imageOf(wasm: Uint8Array, bytes: number): Uint8Array {
  const { memory } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm))).exports;
  return new Uint8Array((memory as WebAssembly.Memory).buffer.slice(0, bytes));
}

/** Puts one array of constants in place of the data segments. */
function withConstants(text: string, { from, size, isWhole }: Split, image: Uint8Array): string {
  // What follows the hole keeps its alignment to 8.
  const hole = size - (size % 8);
  // All of it, the zeros at its end included: check() reads them too, where they are.
  const constants = isWhole ? Buffer.concat([image.subarray(0, from), image.subarray(from + hole)]) : trimmed(image);
  const declaration = `#if RIVULET_FLASH
${isWhole ? "" : '#error "The constants of this model are not in one piece: RIVULET_FLASH is for q15 models and detectors"\n'}__attribute__((aligned(16))) uint8_t ${MODULE_NAME}_memory[RIVULET_RAM_SIZE];
#else
__attribute__((aligned(16))) uint8_t ${MODULE_NAME}_memory[RIVULET_MEMORY_SIZE];
#endif
static const uint8_t constants[${constants.length}] RIVULET_CONSTANTS = {
${byteLines(constants)}
};`;
  const loads = isWhole
    ? [
        `  __builtin_memcpy(memory, constants, ${from}u);`,
        ...(constants.length > from
          ? [`  __builtin_memcpy(memory + ${from + hole}u, constants + ${from}u, ${constants.length - from}u);`]
          : []),
      ]
    : [`  __builtin_memcpy(memory, constants, ${constants.length}u);`];
  const init = `void ${MODULE_NAME}_init(void) {
  __builtin_memset(memory, 0, sizeof memory);
#if !RIVULET_FLASH
${loads.join("\n")}
#endif
}`;
  return text
    .replace(/^__attribute__\(\(aligned\(16\)\)\) uint8_t \w+\[RIVULET_MEMORY_SIZE\];$/m, () => declaration)
    .replace(/^static const u8 data_\w+\[\] = \{[^}]*\};\n/gm, "")
    .replace(/^void \w+_init\(void\) \{\n[^}]*\}$/m, () => init);
}

/** Tells where the parts are. */
function withSplit(text: string, { from, size }: Split): string {
  const macros = `// On AVR, constants stay in flash unless RIVULET_FLASH=0 says otherwise; elsewhere they are copied to RAM, which is faster, unless
// RIVULET_FLASH=1.
#ifndef RIVULET_FLASH
#ifdef __AVR__
#define RIVULET_FLASH 1
#else
#define RIVULET_FLASH 0
#endif
#endif
#ifdef __AVR__
#include <avr/pgmspace.h>
#define RIVULET_CONSTANTS PROGMEM
#else
#define RIVULET_CONSTANTS __attribute__((aligned(16)))
#endif

// What a step writes, in the linear memory.
#define RIVULET_RAM_FROM ${from}u
#define RIVULET_RAM_SIZE ${size}u

// Where an address of that part is.
#define RIVULET_AT(address) (${MODULE_NAME}_memory + (address) - (RIVULET_FLASH ? RIVULET_RAM_FROM : 0u))

`;
  return text
    .replace(
      /^\/\/ Written by .*\n/,
      "// Written by `rivulet build --package`: the model as C. rivulet.h is for users.\n",
    )
    .replace("#include <stdint.h>\n\n", (found) => `${found}${macros}`)
    .replace(
      /^\/\/ Linear memory: .*\nextern uint8_t (\w+)\[\d+\];$/m,
      "// Linear memory, or what a step writes of it.\nextern uint8_t $1[];",
    );
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

/** Bytes as decimal numbers, which are shorter than hexadecimal ones. */
function byteLines(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 32) lines.push(`  ${[...bytes.subarray(at, at + 32)].join(",")},`);
  return lines.join("\n");
}
