// Packs dist/ as npm would publish it, installs the tarball in an empty folder and uses it there.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { version } from "../package.json";

const execute = promisify(execFile);

const REQUIRED = [
  "cli.js",
  "binaryen.js",
  "h5wasm.js",
  "index.js",
  "host.js",
  "runtime.js",
  "quantize.js",
  "train.js",
  "types/host/host.d.ts",
  "types/host/index.d.ts",
  "types/host/runtime/index.d.ts",
  "types/host/quantize/index.d.ts",
  "types/host/train/index.d.ts",
]
  .concat([
    "f32.wasm",
    "f32-simd.wasm",
    "q15.wasm",
    "q15-simd.wasm",
    "pump-detector.safetensors",
    "detect.wasm",
    "detect-simd.wasm",
    "train.wasm",
    "train-simd.wasm",
    "pump.safetensors",
    "wasm-rt.h",
    "LICENSES.txt",
    "sbom.cdx.json",
    "web/icon.svg",
    "web/index.html",
    "web/page.css",
    "web/page.js",
  ])
  .map((file) => `dist/${file}`)
  .concat(
    "docs/microcontrollers.md",
    "tools/firmware/README.md",
    "tools/firmware/readings.csv",
    "tools/firmware/common/rivulet_snapshot.h",
  )
  .concat("package.json", "LICENSE", "README.md", "FORMAT.md", "CHANGELOG.md");

/** What npm says when no registry answers. */
const OFFLINE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED/;

interface Packed {
  readonly filename: string;
  /** Bytes of the tarball. */
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-package-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function pack(): Promise<Packed> {
  if (!existsSync("dist/cli.js")) throw new Error("dist/cli.js is missing: run `npm run build` first");
  const { stdout } = await execute("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]);
  const [packed] = JSON.parse(stdout) as Packed[];
  if (packed === undefined) throw new Error("npm pack made no tarball");
  return packed;
}

/** Installs the tarball in the folder. Answers false when its dependency can not be fetched. */
async function install(tarball: string): Promise<boolean> {
  writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  const options = ["--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=0"];
  try {
    await execute("npm", ["install", ...options, `./${tarball}`], { cwd: folder });
    return true;
  } catch (error) {
    const { stderr } = error as { stderr: string };
    if (!OFFLINE.test(stderr)) throw error;
    return false;
  }
}

/** Runs the command line in the consumer's folder. */
const rivulet = (...args: string[]) => execute("npx", ["rivulet", ...args], { cwd: folder });

/** A configuration whose broker nobody can reach: the port answers no connection. */
const AWAY = `broker: { url: "mqtt://127.0.0.1:1" }
streams: { pump: { model: node_modules/rivulet/dist/pump.safetensors, topic: "plant/{pump}/data" } }
`;

/** Runs the command line until it logs a text, then stops it. Answers the log. */
async function runUntil(args: readonly string[], text: string): Promise<string> {
  const child = spawn(process.execPath, ["node_modules/rivulet/dist/cli.js", ...args], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let log = "";
  child.stderr.on("data", (data) => {
    log += data;
    if (log.includes(text)) child.kill("SIGTERM");
  });
  await ended;
  return log;
}

/** Runs a module in the consumer's folder. Answers what it prints. */
async function runModule(code: string): Promise<string> {
  const { stdout } = await execute(process.execPath, ["--input-type=module", "--eval", code], { cwd: folder });
  return stdout.trim();
}

describe("package", () => {
  let packed: Packed;
  let isInstalled = false;

  beforeAll(async () => {
    packed = await pack();
    isInstalled = await install(packed.filename);
  }, 120_000);

  it("holds the library, the command line, the modules and the documents", () => {
    const files = packed.files.map((file) => file.path);
    expect(files).toEqual(expect.arrayContaining(REQUIRED));
    const others = files.filter(
      (file) => !REQUIRED.includes(file) && !/^(dist\/types|docs|examples|tools\/firmware\/[\w-]+)\//.test(file),
    );
    expect(others).toEqual(["SECURITY.md", "config.schema.json"]);
  });

  it("is smaller than 6.1 MB, of which Binaryen is 2.95 and the HDF5 library 1.1", () => {
    expect(packed.size).toBeLessThan(6_100_000);
  });

  it("loads Binaryen for `rivulet build` alone", async (context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const own = path.join(folder, "node_modules/rivulet/dist");
    const model = path.join(own, "pump.safetensors");
    writeFileSync(path.join(folder, "samples.csv"), "speed,pressure,current,bearing_temperature\n1800,2.5,10,40\n");
    renameSync(path.join(own, "binaryen.js"), path.join(own, "elsewhere.js"));
    try {
      expect((await rivulet("predict", model, "samples.csv")).stdout).not.toBe("");
      expect((await rivulet("run", "--help")).stdout).not.toBe("");
      await expect(rivulet("build", model, "-o", "pump.wasm", "--for", "generic")).rejects.toThrow("binaryen.js");
    } finally {
      renameSync(path.join(own, "elsewhere.js"), path.join(own, "binaryen.js"));
    }
    await rivulet("build", model, "-o", "pump.wasm", "--for", "generic");
    expect(WebAssembly.validate(readFileSync(path.join(folder, "pump.wasm")))).toBe(true);
  }, 68_000);

  it("loads the HDF5 library for files of Keras alone", async (context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const own = path.join(folder, "node_modules/rivulet/dist");
    const keras = path.resolve("test/vectors/keras/legacy-keras2.h5");
    writeFileSync(path.join(folder, "away.yaml"), AWAY);
    renameSync(path.join(own, "h5wasm.js"), path.join(own, "elsewhere.js"));
    try {
      expect(await runUntil(["run", "away.yaml"], "warn broker")).toContain("info pump: model pump@");
      await expect(rivulet("convert", keras, "-o", "keras.safetensors")).rejects.toThrow("h5wasm.js");
    } finally {
      renameSync(path.join(own, "elsewhere.js"), path.join(own, "h5wasm.js"));
    }
    await rivulet("convert", keras, "-o", "keras.safetensors");
    expect(existsSync(path.join(folder, "keras.safetensors"))).toBe(true);
  }, 60_000);

  it("runs `npx rivulet demo` from the tarball in an empty folder", async (context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const empty = mkdtempSync(path.join(tmpdir(), "rivulet-empty-"));
    try {
      const tarball = path.join(folder, packed.filename);
      const args = ["--yes", "--prefer-offline", "--package", tarball, "rivulet", "demo", "--seconds", "2"];
      const { stdout } = await execute("npx", args, { cwd: empty });
      expect(stdout).toContain("12 pumps");
      expect(readdirSync(empty)).toEqual([]);
    } finally {
      rmSync(empty, { recursive: true });
    }
  }, 60_000);

  it("declares nothing that is marked @internal", () => {
    const declarations = readdirSync("dist/types", { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".d.ts"),
    );
    expect(declarations).toContain(path.join("host", "runtime", "runtime.d.ts"));
    const internal = declarations.filter((file) =>
      readFileSync(path.join("dist/types", file), "utf8").includes("@internal"),
    );
    expect(internal).toEqual([]);
  });

  it("gives browsers a runtime without quantizer and calibration, of at most 105 KB minified: the detector is a quarter of it", async () => {
    const code = readFileSync("dist/runtime.js", "utf8");
    expect(code).toContain("// host/runtime/session.ts");
    expect(code).not.toContain("// host/quantize/");
    expect(code).not.toContain("// host/detect/calibrate.ts");
    const { code: minified } = await transform(code, { minify: true, format: "esm" });
    expect(minified.length).toBeLessThan(105_000);
  });

  it("runs `npx rivulet --version`", async (context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const { stdout } = await execute("npx", ["rivulet", "--version"], { cwd: folder });
    expect(stdout.trim()).toBe(version);
  });

  it.for(["rivulet", "rivulet/runtime"])("answers one step of the demo model through %s", async (library, context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const output = await runModule(`
      import { readFile } from "node:fs/promises";
      import { createRuntime, loadModel } from "${library}";
      const model = await loadModel(await readFile("node_modules/rivulet/dist/pump.safetensors"));
      const runtime = createRuntime(model);
      const sample = model.spec.inputs.map(({ range }) => (range[0] + range[1]) / 2);
      console.log(runtime.createSession().step(sample).every(Number.isFinite), runtime.outputSize > 0);`);
    expect(output).toBe("true true");
  });

  it("quantizes the demo model through rivulet/quantize", async (context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const output = await runModule(`
      import { readFile } from "node:fs/promises";
      import { createRuntime, loadModel, quantizeInMemory as same } from "rivulet";
      import { quantizeInMemory } from "rivulet/quantize";
      const model = await loadModel(await readFile("node_modules/rivulet/dist/pump.safetensors"));
      const quantized = quantizeInMemory(model);
      console.log(createRuntime(quantized).numeric, quantized.hash === same(model).hash);`);
    expect(output).toBe("q15 true");
  });

  it("trains a model through rivulet/train, which rivulet/runtime then runs", async (context) => {
    if (!isInstalled) return context.skip("because no package registry answers");
    const output = await runModule(`
      import { createRuntime } from "rivulet/runtime";
      import { dense, gru, sequential } from "rivulet/train";
      const model = sequential([gru(4, { returnSequences: true }), dense(1)]);
      model.compile({ loss: "mse" });
      const { loss } = await model.fit([[[1], [2]], [[3], [4]]], [[[0], [1]], [[2], [3]]], { epochs: 3 });
      const session = createRuntime(model.toModel()).createSession();
      console.log(loss.length, session.step([1]).every(Number.isFinite));`);
    expect(output).toBe("3 true");
  });

  it.for(["node16", "bundler"])(
    "type-checks in a project with moduleResolution %s",
    async (moduleResolution, context) => {
      if (!isInstalled) return context.skip("because no package registry answers");
      const code = `import { loadModel } from "rivulet";
      import { createRuntime, type Session } from "rivulet/runtime";
      export const session: Session = createRuntime(await loadModel(new Uint8Array())).createSession();
      export const others = [new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), new Response(), new URL("x:y")].map((source) => loadModel(source));
      export const prediction: Float64Array = session.step([1, 2]);
      // @ts-expect-error: a sample is no text, so the declarations are found
      session.step("1");`;
      writeFileSync(path.join(folder, "consumer.ts"), code);
      const module = moduleResolution === "node16" ? "node16" : "es2022";
      const compiler = path.resolve("node_modules/typescript/bin/tsc");
      const options = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022", "--lib", "es2023,dom"];
      const args = [compiler, ...options, "--module", module, "--moduleResolution", moduleResolution, "consumer.ts"];
      const { stdout } = await execute(process.execPath, args, { cwd: folder }).catch((error) => error);
      expect(stdout).toBe("");
    },
  );
});
