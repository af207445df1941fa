// Compiles the kernel modules into build/*.wasm and writes build/kernels.ts, which carries them as base64 for the host, and likewise
// build/detect.ts with that of detectors, build/train.ts with that of training and build/mcu.ts with the libraries of the builds for microcontrollers: so the library needs no
// file access and runs unchanged in Node, in a bundle and in a browser.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const TARGETS = [
  { name: "f32", entry: "assembly/f32/module.ts", constant: "F32_SCALAR" },
  { name: "f32-simd", entry: "assembly/f32/module.ts", constant: "F32_SIMD" },
  { name: "q15", entry: "assembly/q15/module.ts", constant: "Q15_SCALAR" },
  { name: "q15-simd", entry: "assembly/q15/module.ts", constant: "Q15_SIMD" },
];

/** The kernels of detectors. Apart, so that who runs no detector does not carry them. */
const DETECTORS = [
  { name: "detect", entry: "assembly/detect/module.ts", constant: "DETECT_SCALAR" },
  { name: "detect-simd", entry: "assembly/detect/module.ts", constant: "DETECT_SIMD" },
];

/** The kernels that train. */
const TRAINERS = [
  { name: "train", entry: "assembly/train/module.ts", constant: "TRAIN_SCALAR" },
  { name: "train-simd", entry: "assembly/train/module.ts", constant: "TRAIN_SIMD" },
];

/** The functions that the linker takes the modules for microcontrollers from. */
const LIBRARIES = [
  { name: "mcu-f32", entry: "assembly/mcu/f32.ts", constant: "MCU_F32" },
  { name: "mcu-detect", entry: "assembly/mcu/detect.ts", constant: "MCU_DETECT" },
  { name: "mcu-q15", entry: "assembly/mcu/q15.ts", constant: "MCU_Q15" },
];

/** Compiles one target of asconfig.json. */
async function compile(entry, target) {
  const { error, stderr } = await asc.main([entry, "--config", "asconfig.json", "--target", target]);
  if (error) throw new Error(`${target} does not compile\n${stderr.toString().slice(0, 4000)}`);
}

/** Compiles modules and writes them as base64. Returns their sizes in bytes by name. */
async function compileTo(file, targets) {
  const lines = ["// Written by tools/build/wasm.mjs.", ""];
  const sizes = {};
  for (const { name, entry, constant } of targets) {
    await compile(entry, name);
    const bytes = readFileSync(`build/${name}.wasm`);
    sizes[name] = bytes.length;
    lines.push(`/** The ${name} module, ${bytes.length} bytes, base64. */`);
    lines.push(`export const ${constant}: string =\n  "${bytes.toString("base64")}";`, "");
  }
  writeFileSync(file, lines.join("\n"));
  return sizes;
}

/** Compiles all modules. Returns their sizes in bytes by name. */
export async function buildWasm() {
  mkdirSync("build", { recursive: true });
  // Apart, so that the library for browsers does not carry what only the command line needs.
  return {
    ...(await compileTo("build/kernels.ts", TARGETS)),
    ...(await compileTo("build/detect.ts", DETECTORS)),
    ...(await compileTo("build/train.ts", TRAINERS)),
    ...(await compileTo("build/mcu.ts", LIBRARIES)),
  };
}

/** What benchmarks and tests measure the kernels with. */
const MEASURES = ["limits", "naive", "sweep"];

/** Compiles build/NAME.wasm, one of {@link MEASURES}. */
export async function buildMeasure(name) {
  mkdirSync("build", { recursive: true });
  await compile(`assembly/bench/${name}.ts`, name);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  if (MEASURES.includes(process.argv[2])) {
    await buildMeasure(process.argv[2]);
    process.exit();
  }
  const sizes = await buildWasm();
  console.log(
    `build: ${Object.entries(sizes)
      .map(([name, size]) => `${name}.wasm ${size} B`)
      .join(", ")}`,
  );
}
