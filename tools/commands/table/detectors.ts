// Detectors of anomalies: calibrate, detect. Arguments, flags and help here, the work in one file each, loaded when it is called.

import type { Command } from "commander";
import type { Io } from "../../io.ts";
import { examples, positive } from "./arguments.ts";

/** `rivulet calibrate`. */
export function addCalibrate(program: Command, io: Io): void {
  program
    .command("calibrate")
    .description("Make a detector of anomalies from readings of healthy operation; needs no labels.")
    .argument("[model]", "model file (.safetensors) that is to hold the detector (default: it stands alone)")
    .requiredOption("--data <file>", "readings: CSV with a header, or NDJSON")
    .requiredOption("-o, --output <file>", "detector file to write, or with a model the model file")
    .option("--alarms-per-week <n>", "false alarms a week that are accepted", positive, 1)
    .option("--inputs <names>", "columns to watch, separated by commas (default: all numbers)")
    .option("--time <column>", "column with the time: ISO 8601 or Unix time")
    .option("--interval <seconds>", "time between two rows (default: what the times say)", positive)
    .option("--period <rows>", "auto, none, day, week or a number of rows", "auto")
    .option("--name <name>", "name of the detector (default: the file's)")
    .option("--decimal-comma", "CSV: numbers are written as 21,5")
    .addHelpText(
      "after",
      examples(
        "rivulet calibrate --data normal.csv --time timestamp -o detector.safetensors",
        "rivulet calibrate --data normal.ndjson --interval 10 --alarms-per-week .5 -o detector.safetensors",
        "rivulet calibrate pump.safetensors --data normal.csv -o watched-pump.safetensors",
      ),
    )
    .action(async (model, flags) => {
      const { runCalibrate } = await import("../calibrate.ts");
      await runCalibrate({ ...flags, ...(model !== undefined && { model }) }, io);
    });
}

/** `rivulet detect`. */
export function addDetect(program: Command, io: Io): void {
  program
    .command("detect")
    .description("List the alarms of a detector over readings, with their causes.")
    .argument("<detector>", "file of rivulet calibrate: a detector, or a model with one")
    .argument("[file]", "readings: CSV with a header, or NDJSON", "-")
    .option("--time <column>", "column with the time; missed rows are counted by it")
    .option("--from <time>", "rows before this time are scored and raise no alarm")
    .option("--alarms-per-week <n>", "false alarms a week that are accepted (default: as calibrated)", positive)
    .option("--json", "write a verdict for every row, as a line of JSON")
    .option("--report <file>", "write a page (HTML) with readings, predictions, scores and alarms")
    .option("--decimal-comma", "CSV: numbers are written as 21,5")
    .addHelpText(
      "after",
      examples(
        "rivulet detect detector.safetensors readings.csv --time timestamp",
        "rivulet detect pump.safetensors readings.csv --from 2024-11-19T08:00 --time timestamp --report alarms.html",
        "tail -f readings.ndjson | rivulet detect detector.safetensors --json",
      ),
    )
    .action(async (detector, file, flags) => {
      const { runDetect } = await import("../detect.ts");
      await runDetect({ ...flags, detector, file }, io);
    });
}
