import { type DetectorFile, parseDetector } from "../../host/detect/file.ts";
import { runDetectorTest } from "../../host/detect/selftest.ts";
import { ModelFormatError } from "../../host/model/errors.ts";
import { DETECTOR_KEY } from "../../host/model/model.ts";
import { readContainer } from "../../host/model/safetensors.ts";
import { CliError } from "../errors.ts";
import { readModel, readUserFile } from "../files.ts";
import { describeDetector, renderDetector } from "../inspect/detector.ts";
import { describeModel } from "../inspect/report.ts";
import { renderReport } from "../inspect/text.ts";
import { hasColors, type Io } from "../io.ts";
import { printableJson } from "../print.ts";

export interface InspectArgs {
  readonly model: string;
  readonly json?: boolean;
}

/** Writes what a model or a detector file holds and what it costs to run. A failed self-test is told, not thrown. */
export async function runInspect(args: InspectArgs, io: Io): Promise<void> {
  const detector = readDetectorAlone(args.model);
  if (detector !== undefined) {
    const report = describeDetector(detector, runDetectorTest(detector));
    io.stdout.write(args.json === true ? printableJson(report) : renderDetector(report, hasColors(io)));
    return;
  }
  const report = describeModel(await readModel(args.model, { verify: false }));
  io.stdout.write(args.json === true ? printableJson(report) : renderReport(report, hasColors(io)));
}

/** The detector of a file that holds no model; undefined of every other file. */
function readDetectorAlone(path: string): DetectorFile | undefined {
  const bytes = readUserFile(path);
  let metadata: ReadonlyMap<string, string>;
  try {
    metadata = readContainer(bytes).metadata;
  } catch {
    return undefined; // readModel tells what is wrong
  }
  if (metadata.has("rivulet") || !metadata.has(DETECTOR_KEY)) return undefined;
  try {
    return parseDetector(bytes);
  } catch (error) {
    if (error instanceof ModelFormatError) throw new CliError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
