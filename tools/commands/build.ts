import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Model } from "../../host/model/types.ts";
import { packF32 } from "../../host/runtime/image-f32.ts";
import { packQ15 } from "../../host/runtime/image-q15.ts";
import { CliError, UsageError } from "../errors.ts";
import { checkWritable, readModel, readUserFile, writeFileAtomic } from "../files.ts";
import { hasColors, type Io } from "../io.ts";
import type { BuiltModule } from "../mcu/build.ts";
import { linkWithin } from "../mcu/fit.ts";
import { renderHeader } from "../mcu/header.ts";
import { proveModule } from "../mcu/prove.ts";
import { macOf } from "../mcu/sign.ts";
import { buildJson, renderBuild } from "../mcu/text.ts";
import { moduleToC } from "../mcu/wasm2c.ts";
import { printableJson } from "../print.ts";
import { renderCheck } from "../wasm/check/text.ts";
import { checkModule } from "../wasm/check.ts";
import type { BuildArgs } from "./build-args.ts";
import { readDetectorAlone, runBuildDetector } from "./build-detector.ts";
import { runBuildPackage } from "./build-package.ts";

/** Greatest size of a module to check, bytes. */
const MAX_CHECKED = 2 ** 26;

/** Builds the module of a model for a microcontroller, or checks one. Answers the exit code. */
export async function runBuild(args: BuildArgs, io: Io): Promise<number> {
  if (args.check !== undefined) return await checkFile(args, args.check, io);
  const { output } = args;
  if (args.model === undefined) throw new UsageError("Expected a model file, or --check FILE");
  if (output === undefined) {
    const expected =
      args.package === undefined ? "the module to write with -o FILE" : "the package's folder with -o FOLDER";
    throw new UsageError(`Expected ${expected}`);
  }
  if (args.package !== undefined) {
    await runBuildPackage(args, args.package, args.model, output, io);
    return 0;
  }
  if (args.prefix !== undefined) throw new UsageError("--prefix: Is of a package, expected --package SYSTEM");
  for (const file of [output, args.cHeader, args.image]) if (file !== undefined) await checkWritable(file);
  const detector = readDetectorAlone(args.model);
  if (detector !== undefined) {
    await runBuildDetector(args, detector, output, io);
    return 0;
  }
  const model = await readModel(args.model, { verify: true });
  checkOptions(args, model);
  const built = await linkWithin(model, buildOptions(args), args.memory);
  const report = proveModule(model, built.program, built.wasm);
  const files = await furtherFiles(args, model, built);
  for (const { file, bytes } of files) {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomic(file, bytes);
  }
  await writeFileAtomic(output, built.wasm);
  const told = { model, built, report, path: output, files: files.map(({ file }) => file) };
  if (args.json === true) io.stdout.write(printableJson(buildJson(told)));
  else io.stdout.write(renderBuild({ ...told, hasColors: hasColors(io) }));
  return 0;
}

function buildOptions({ for: target, pack, vectors }: BuildArgs) {
  return { target, ...(pack && { pack }), ...(vectors !== undefined && { vectors }) };
}

function checkOptions(args: BuildArgs, model: Model): void {
  if (model.spec.numeric === "f32" && args.pack !== undefined) {
    throw new CliError(`${args.model}: --pack is of q15 models, this one is f32; run rivulet quantize first`);
  }
  if (args.sign !== undefined && args.image === undefined) {
    throw new UsageError("--sign: Is for the image, expected --image FILE");
  }
  if (args.simd === true && args.image === undefined) {
    throw new UsageError("--simd: Is for the image, expected --image FILE");
  }
  if (args.wasm2c !== undefined && args.for !== "wasm2c") {
    throw new UsageError(`--wasm2c: Expected --for wasm2c, found --for ${args.for}`);
  }
}

/** What is written besides the module. */
async function furtherFiles(args: BuildArgs, model: Model, built: BuiltModule) {
  const files: { file: string; bytes: Uint8Array }[] = [];
  const header = renderHeader({ model, ...built });
  if (args.cHeader !== undefined) files.push({ file: args.cHeader, bytes: Buffer.from(header) });
  if (args.wasm2c !== undefined) {
    const folder = args.wasm2c;
    const sources = [...(await moduleToC(built.wasm)), { name: "model.h", text: header }];
    for (const { name, text } of sources) files.push({ file: path.join(folder, name), bytes: Buffer.from(text) });
  }
  if (args.image !== undefined) {
    const { bytes } = model.spec.numeric === "q15" ? packQ15(model, args.simd === true) : packF32(model);
    files.push({ file: args.image, bytes });
    if (args.sign !== undefined) files.push({ file: `${args.image}.mac`, bytes: sign(bytes, args.sign) });
  }
  return files;
}

function sign(image: Uint8Array, keyFile: string): Uint8Array {
  try {
    return macOf(image, readUserFile(keyFile, { maxBytes: 4096 }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const advice = "head -c 32 /dev/urandom makes one";
    throw new CliError(`${keyFile}: ${error.message}; ${advice}`, { cause: error });
  }
}

/** Tells what the static checker finds in a module. */
async function checkFile(args: BuildArgs, file: string, io: Io): Promise<number> {
  if (args.model !== undefined) throw new UsageError(`--check ${file}: Expected no model besides, found ${args.model}`);
  const bytes = readUserFile(file, { maxBytes: MAX_CHECKED });
  // A module without floats is held to having none: what breaks is a module that mixes both.
  const integer = checkModule(bytes, { integerOnly: true });
  const report = integer.properties.some(({ code, status }) => code === "floats" && status === "failed")
    ? checkModule(bytes, { integerOnly: false })
    : integer;
  io.stdout.write(args.json === true ? printableJson(report) : renderCheck(report, hasColors(io)));
  return report.isSound ? 0 : 1;
}
