// Training: arguments, flags and help here, the work in a file of its own, loaded when it is called.

import { type Command, Option } from "commander";
import type { Io } from "../../io.ts";
import { examples, memory, number, positive, positiveInteger, upTo, wholeNumber } from "./arguments.ts";

const share = (text: string) => number(text, (n) => n >= 0.05 && n <= 0.4, "a share from .05 to .4");
const count = (text: string) => number(text, (n) => n >= 0 && Number.isSafeInteger(n), "a whole number");

/** `rivulet train`. */
export function addTrain(program: Command, io: Io): void {
  program
    .command("train")
    .description("Train a model with readings, and tell what it is worth.")
    .argument("<data...>", "CSV or NDJSON files, folders of them, or patterns such as 'data/*.csv'")
    .requiredOption("-o, --output <file>", "model file to write (.safetensors)")
    .option("--task <task>", "forecast, or regress for a column that is told by the others", "forecast")
    .option("--horizon <steps>", "steps ahead: 1, 1,6,24 or 1-24", "1")
    .option("--inputs <names>", "columns to look at, separated by commas (default: all numbers)")
    .option("--targets <names>", "inputs to forecast (default: all)")
    .option("--label <column>", "with --task regress: the column to tell")
    .option("--time <column>", "column with the time (default: time, timestamp or date)")
    .option("--device <column>", "column with the name of the device (default: device)")
    .option("--interval <seconds>", "time between two rows (default: what the times say)", positive)
    .option("--bridge <rows>", "missing rows that are filled in; longer gaps cut (default: 0, 4 if resampled)", count)
    .option("--season <rows>", "rows of the season (default: a day or a week, if it helps)", positiveInteger)
    .option("--skip <samples>", "samples that the linear part sees (default: chosen)", upTo(512))
    .option("--held-out <share>", "end of every sequence that only the skill table sees", share, 0.15)
    .option("--linear", "the linear model alone, no GRU is tried")
    .option("--hidden <units>", "hidden units of the GRU (default: 8, 16 and 32 are tried)", upTo(256))
    .option("--keep-gru", "keep the GRU even where it does not beat the linear model")
    .option("--seed <n>", "decides initial weights and the order of the rows", wholeNumber, 1)
    .option("--restarts <n>", "other seeds that the best size is tried with", count, 2)
    .option("--learning-rate <rate>", "of Adam, at first (default: .01, .005 above 16 units)", positive)
    .option("--budget <seconds>", "time that the search for a GRU may take", positive, 60)
    .option("--max-flash <bytes>", "bytes of the q15 module of rivulet build, such as 8K", memory)
    .option("--max-ram <bytes>", "bytes of RAM that it takes with wasm3", memory)
    .option("--resume", "go on with a search that was broken off")
    .option("--from <model>", "go on from a model that is there: an f32 file, converted ones too")
    .addOption(
      new Option("--only <part>", "with --from: what learns; all weights by default").choices(["head", "calibration"]),
    )
    .option("--q15", "write the q15 twin, too: <output>-q15.safetensors")
    .option("--report <file>", "write a page (HTML) with curves, forecasts, errors and cost")
    .option("--alarms-per-week <n>", "false alarms a week that the detector may raise", positive, 1)
    .option("--name <name>", "name of the model (default: the file's)")
    .option("--skip-bad", "leave bad rows out")
    .option("--decimal-comma", "CSV: numbers are written as 21,5")
    .option("--json", "write the result as JSON")
    .addHelpText(
      "after",
      examples(
        "rivulet train readings.csv -o pump.safetensors",
        "rivulet train data/ --device pump --horizon 1,6,24 -o pumps.safetensors",
        "rivulet train pump7.csv --from pumps.safetensors --only head -o pump7.safetensors",
        "rivulet train lab.csv --task regress --label viscosity -o viscosity.safetensors",
      ),
    )
    .action(async (data, flags) => {
      const { runTrain } = await import("../train.ts");
      await runTrain({ ...flags, data }, io);
    });
}
