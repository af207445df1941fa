import { existsSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createColors } from "picocolors";
import { CliError, UsageError } from "../errors.ts";
import { readModel, writeFileAtomic } from "../files.ts";
import { hasColors, type Io } from "../io.ts";
import { buildDetector } from "../mcu/detector.ts";
import { linkWithin } from "../mcu/fit.ts";
import { describe, makePackage, type Packaged } from "../mcu/package/package.ts";
import { isPrefix } from "../mcu/package/prefix.ts";
import type { Described, PackageKind } from "../mcu/package/types.ts";
import { proveModule } from "../mcu/prove.ts";
import { joinLines, printableJson } from "../print.ts";
import type { BuildArgs } from "./build-args.ts";
import { readDetectorAlone } from "./build-detector.ts";

/** Writes a library with a model or a detector for a build system into a folder. */
export async function runBuildPackage(
  args: BuildArgs,
  kind: PackageKind,
  file: string,
  folder: string,
  io: Io,
): Promise<void> {
  checkOptions(args);
  if (existsSync(folder) && !statSync(folder).isDirectory()) {
    throw new CliError(`${folder}: Is a file, expected the folder of the package`);
  }
  const packaged = await build(args, file);
  const files = await makePackage(kind, packaged, args.prefix);
  for (const { path: name, text } of files) {
    const target = path.join(folder, name);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFileAtomic(target, Buffer.from(text));
  }
  const described = describe(packaged);
  const written = files.map(({ path: name }) => name);
  const told = args.json === true ? printableJson({ package: kind, folder, files: written, ...described }) : undefined;
  io.stdout.write(told ?? render(kind, folder, written, described, hasColors(io)));
}

/** The model or the detector of a file, built for a compiler and proven. */
async function build(args: BuildArgs, file: string): Promise<Packaged> {
  const detector = readDetectorAlone(file);
  if (detector !== undefined) {
    const { built } = await buildDetector(detector, { target: "wasm2c" });
    return { detector, built };
  }
  const model = await readModel(file, { verify: true });
  // A library has what is scarce on the smallest boards: two steps of the self-test.
  const built = await linkWithin(model, { target: "wasm2c", vectors: args.vectors ?? 2 }, args.memory);
  proveModule(model, built.program, built.wasm);
  return { model, built };
}

function checkOptions(args: BuildArgs): void {
  const others = { "--c-header": args.cHeader, "--wasm2c": args.wasm2c, "--image": args.image, "--sign": args.sign };
  for (const [option, value] of Object.entries({ ...others, "--pack": args.pack })) {
    if (value !== undefined) throw new UsageError(`${option}: Is for a module, a package has the model as C`);
  }
  if (args.prefix !== undefined && !isPrefix(args.prefix)) {
    throw new UsageError(`--prefix ${args.prefix}: Expected small letters, digits and _ between them, such as pump_b`);
  }
  if (args.for !== "generic" && args.for !== "wasm2c") {
    throw new UsageError(`--package: Has the model as C, expected --for wasm2c, found --for ${args.for}`);
  }
}

function render(
  kind: PackageKind,
  folder: string,
  files: readonly string[],
  model: Described,
  colors: boolean,
): string {
  const { bold } = createColors(colors);
  const count = (value: number): string => value.toLocaleString("en-US");
  const inFlash = model.ramFlash === undefined ? "" : `, ${count(model.ramFlash)} with RIVULET_FLASH=1`;
  return joinLines(
    [
      `${bold(folder)}: ${model.name} for ${kind}, ${files.length} files; README.md says how to use it`,
      model.sentence,
      "",
      `flash: ${count(model.constants)} bytes of constants, and code`,
      `RAM: ${count(model.ram)} bytes for all models${inFlash}; ${count(model.ramModel)} for each`,
    ],
    colors,
  );
}
