// Builds dist/: the library for Node and for browsers, the command line, type declarations, wasm modules and the demo model.
// The slow parts (asc, tsc) run only when a source is newer than what they wrote.

import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { writeLicences } from "./licences.mjs";
import { buildPage } from "./page.mjs";
import { buildWeb } from "./web.mjs";

process.chdir(fileURLToPath(new URL("../..", import.meta.url)));

const WASM = ["f32", "f32-simd", "q15", "q15-simd", "detect", "detect-simd", "train", "train-simd"];

/** CommonJS dependencies inside an ES module need `require` for Node's own modules. */
const REQUIRE_BANNER =
  'import { createRequire as createRequireForBundle } from "node:module";\nconst require = createRequireForBundle(import.meta.url);';

/** What esbuild makes; internal bundles are not published. */
const BUNDLES = [
  { entry: "host/index.ts", outfile: "dist/index.js", node: true },
  { entry: "host/host.ts", outfile: "dist/host.js", node: true },
  { entry: "host/runtime/index.ts", outfile: "dist/runtime.js", node: false },
  { entry: "host/quantize/index.ts", outfile: "dist/quantize.js", node: false },
  { entry: "host/train/index.ts", outfile: "dist/train.js", node: false },
  { entry: "h5wasm", outfile: "dist/h5wasm.js", node: true },
  { entry: "tools/cli.ts", outfile: "dist/cli.js", node: true, isExecutable: true },
  { entry: "tools/bench/main.ts", outfile: "dist/bench.js", node: true, isInternal: true },
  { entry: "tools/bench/exact.ts", outfile: "dist/bench-exact.js", node: true, isInternal: true },
  { entry: "tools/bench/mcu.ts", outfile: "dist/bench-mcu.js", node: true, isInternal: true },
  { entry: "tools/bench/device.ts", outfile: "dist/bench-device.js", node: true, isInternal: true },
  { entry: "tools/bench/detect.ts", outfile: "dist/bench-detect.js", node: true, isInternal: true },
  { entry: "tools/bench/nab.ts", outfile: "dist/bench-nab.js", node: true, isInternal: true },
  { entry: "tools/bench/skab.ts", outfile: "dist/bench-skab.js", node: true, isInternal: true },
  { entry: "tools/bench/residuals.ts", outfile: "dist/bench-residuals.js", node: true, isInternal: true },
  { entry: "tools/bench/real.ts", outfile: "dist/bench-real.js", node: true, isInternal: true },
  { entry: "tools/bench/forecast.ts", outfile: "dist/bench-forecast.js", node: true, isInternal: true },
  { entry: "tools/bench/rows.ts", outfile: "dist/bench-rows.js", node: true, isInternal: true },
  { entry: "tools/bench/bridge.ts", outfile: "dist/bench-bridge.js", node: true, isInternal: true },
  { entry: "tools/bench/web.ts", outfile: "dist/bench-web.js", node: true, isInternal: true },
  { entry: "tools/bench/train.ts", outfile: "dist/bench-train.js", node: true, isInternal: true },
  { entry: "tools/bench/quantize.ts", outfile: "dist/bench-quantize.js", node: true, isInternal: true },
  { entry: "tools/mutate/main.ts", outfile: "dist/mutate.js", node: true, isInternal: true },
  { entry: "tools/fuzz/main.ts", outfile: "dist/fuzz.js", node: true, isInternal: true },
];

/** Binaryen, which links modules for microcontrollers: a file of its own, loaded by `rivulet build` alone. Its version decides the bytes of a module. */
const LINKER = { source: "node_modules/binaryen/index.js", outfile: "dist/binaryen.js" };

/** Large libraries that few commands load are files of their own beside the bundles: Binaryen, and HDF5 for files of Keras. */
const apartPlugin = {
  name: "apart",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^(binaryen|h5wasm)$/ }, ({ path: name, kind }) =>
      kind === "entry-point" ? undefined : { path: `./${name}.js`, external: true },
    ),
};

/** The given files, and every file below the given folders. */
function filesBelow(...roots) {
  return roots.flatMap((root) => {
    if (!statSync(root).isDirectory()) return [root];
    return readdirSync(root, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
  });
}

/** True when every output exists and none is older than an input. */
function isFresh(outputs, inputs) {
  if (!outputs.every(existsSync)) return false;
  const oldest = Math.min(...outputs.map((file) => statSync(file).mtimeMs));
  return inputs.every((file) => statSync(file).mtimeMs <= oldest);
}

async function buildKernels() {
  const written = ["kernels", "detect", "train", "mcu"].map((name) => `build/${name}.ts`);
  const outputs = [...WASM.map((name) => `build/${name}.wasm`), ...written];
  if (isFresh(outputs, filesBelow("assembly", "asconfig.json", "tools/build/wasm.mjs"))) return;
  tell("kernels: AssemblyScript becomes WebAssembly");
  const { buildWasm } = await import("./wasm.mjs");
  await buildWasm();
}

function buildTypes() {
  const stamp = "dist/types/.stamp";
  if (
    isFresh(
      [stamp],
      filesBelow(
        "host",
        "assembly",
        "build/kernels.ts",
        "build/detect.ts",
        "build/train.ts",
        "tsconfig.json",
        "tsconfig.types.json",
      ),
    )
  )
    return;
  tell("type declarations");
  rmSync("dist/types", { recursive: true, force: true });
  const compiler = "node_modules/typescript/bin/tsc";
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.types.json"], { stdio: "inherit" });
  if (status !== 0) process.exit(1);
  writeFileSync(stamp, "");
}

/** Bundles one entry. Answers the paths of the sources that went into it. */
async function bundle({ entry, outfile, node, isExecutable }) {
  const { metafile } = await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: node ? "node" : "browser",
    // All but the first are of dist/mutate.js and dist/bench-mcu.js, which are not published.
    external: node ? ["classic-level", "playwright-core", "typescript", "vitest", "wabt"] : [],
    plugins: [apartPlugin],
    banner: { js: `${isExecutable ? "#!/usr/bin/env node\n" : ""}${node ? REQUIRE_BANNER : ""}` },
    metafile: true,
    logLevel: "warning",
  });
  if (isExecutable) chmodSync(outfile, 0o755);
  return Object.keys(metafile.inputs);
}

const start = performance.now();

/** Says what takes its time: on a slow machine a first build lasts most of a minute. */
function tell(text) {
  console.error(`building, ${((performance.now() - start) / 1000).toFixed(0).padStart(2)} s: ${text}`);
}

mkdirSync("dist", { recursive: true });
await buildKernels();
tell("pages and bundles");
const page = [...(await buildPage()), ...(await buildWeb())];
const inputs = await Promise.all(BUNDLES.map(bundle)).catch(() => process.exit(1)); // esbuild has told why
writeLicences([...inputs.filter((_, i) => !BUNDLES[i].isInternal).flat(), ...page, LINKER.source]);
buildTypes();
for (const name of WASM) copyFileSync(`build/${name}.wasm`, `dist/${name}.wasm`);
for (const name of ["pump", "pump-detector"]) copyFileSync(`models/${name}.safetensors`, `dist/${name}.safetensors`);
copyFileSync(LINKER.source, LINKER.outfile);
copyFileSync("tools/firmware/common/wasm-rt.h", "dist/wasm-rt.h");

const kilobytes = (file) => `${path.basename(file)} ${Math.ceil(statSync(file).size / 1024)} KB`;
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(
  `dist/: ${BUNDLES.map(({ outfile }) => kilobytes(outfile)).join(", ")}, types, ${WASM.length} wasm modules (${seconds} s)`,
);
