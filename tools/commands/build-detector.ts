import { mkdir } from "node:fs/promises";
import path from "node:path";
import { type DetectorFile, parseDetector } from "../../host/detect/file.ts";
import { checkTestResult, runDetectorTest } from "../../host/detect/selftest.ts";
import { ModelFormatError } from "../../host/model/errors.ts";
import { DETECTOR_KEY } from "../../host/model/model.ts";
import { readContainer } from "../../host/model/safetensors.ts";
import { CliError, UsageError } from "../errors.ts";
import { readUserFile, writeFileAtomic } from "../files.ts";
import type { Io } from "../io.ts";
import { buildDetector } from "../mcu/detector.ts";
import { renderDetectorHeader } from "../mcu/detector-header.ts";
import { detectorJson, renderDetectorBuild } from "../mcu/detector-text.ts";
import { memoryNeed } from "../mcu/fit.ts";
import { moduleToC } from "../mcu/wasm2c.ts";
import { printableJson } from "../print.ts";
import type { BuildArgs } from "./build-args.ts";

/** The detector in a file that holds no model; undefined when it is anything else, which is for others to read. */
export function readDetectorAlone(file: string): DetectorFile | undefined {
  const bytes = readUserFile(file);
  try {
    const { metadata } = readContainer(bytes);
    if (metadata.has("rivulet") || !metadata.has(DETECTOR_KEY)) return undefined;
  } catch (error) {
    if (error instanceof ModelFormatError) return undefined;
    throw error;
  }
  try {
    const found = parseDetector(bytes);
    checkTestResult(runDetectorTest(found));
    return found;
  } catch (error) {
    if (error instanceof ModelFormatError) throw new CliError(`${file}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Builds the module of a detector alone. */
export async function runBuildDetector(args: BuildArgs, file: DetectorFile, output: string, io: Io): Promise<void> {
  checkOptions(args);
  const { built, report } = await buildDetector(file, { target: args.for });
  const { total } = memoryNeed(built);
  if (args.memory !== undefined && total > args.memory) {
    throw new CliError(`Detector ${file.id} needs ${total} bytes, --memory gives ${args.memory}`);
  }
  const header = renderDetectorHeader(file, built.program, built.wasm);
  const files: { file: string; text: string }[] = [];
  if (args.cHeader !== undefined) files.push({ file: args.cHeader, text: header });
  if (args.wasm2c !== undefined) {
    const folder = args.wasm2c;
    const sources = [...(await moduleToC(built.wasm)), { name: "model.h", text: header }];
    for (const { name, text } of sources) files.push({ file: path.join(folder, name), text });
  }
  for (const each of files) {
    await mkdir(path.dirname(each.file), { recursive: true });
    await writeFileAtomic(each.file, Buffer.from(each.text));
  }
  await writeFileAtomic(output, built.wasm);
  const told = { file, built, report, path: output, files: files.map((each) => each.file) };
  io.stdout.write(args.json === true ? printableJson(detectorJson(told)) : renderDetectorBuild(told, io));
}

function checkOptions(args: BuildArgs): void {
  const ofModels = { "--pack": args.pack, "--vectors": args.vectors, "--image": args.image, "--sign": args.sign };
  for (const [option, value] of Object.entries(ofModels)) {
    if (value !== undefined) throw new UsageError(`${option}: Is for models, this file holds a detector`);
  }
  if (args.wasm2c !== undefined && args.for !== "wasm2c") {
    throw new UsageError(`--wasm2c: Expected --for wasm2c, found --for ${args.for}`);
  }
}
