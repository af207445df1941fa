// The table of commands: arguments, flags and help here, the work in one file each, loaded when it is called.

import { type Command, InvalidArgumentError, Option } from "commander";
import { MOST_EVERY, MOST_OVERLAP } from "../../host/model/limits.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { parseBytes } from "../mcu/bytes.ts";

/** Adds every command to `program`. */
export function addCommands(program: Command, io: Io): void {
  addDemo(program, io);
  addRun(program, io);
  addPredict(program, io);
  addInspect(program, io);
  addConvert(program, io);
  addQuantize(program, io);
  addVerify(program, io);
  addExport(program, io);
  addBuild(program, io);
  addCalibrate(program, io);
  addDetect(program, io);
  addReplay(program, io);
  addState(program, io);
}

function addDemo(program: Command, io: Io): void {
  program
    .command("demo")
    .description("Watch twelve simulated pumps on an embedded MQTT broker; the bearing of one of them fails.")
    .option("--seconds <n>", "stop after n seconds and print a summary (default: run until Ctrl-C)", positive)
    .option("--pumps <n>", "number of pumps", pumpCount, 12)
    .option("--seed <n>", "seed of the simulation", wholeNumber, 1)
    .addHelpText(
      "after",
      examples("rivulet demo", "rivulet demo --seconds 60", "rivulet demo --pumps 4 --seed 7 | cat"),
    )
    .action(async (flags) => {
      const { runDemo } = await import("./demo.ts");
      await runDemo(flags, io);
    });
}

function addRun(program: Command, io: Io): void {
  program
    .command("run")
    .description("Answer the readings on an MQTT broker with predictions, as a configuration file says.")
    .argument("<config>", "configuration file (YAML)")
    .addHelpText("after", examples("rivulet run rivulet.yaml", "MQTT_PASSWORD=… rivulet run plant.yaml"))
    .action(async (config) => {
      const { runRun } = await import("./run.ts");
      await runRun({ config }, io);
    });
}

function addPredict(program: Command, io: Io): void {
  program
    .command("predict")
    .description("Read samples, write one prediction per sample as a line of JSON.")
    .argument("<model>", "model file (.safetensors)")
    .argument("[file]", "samples, NDJSON or CSV with a header", "-")
    .addOption(
      new Option("--numeric <form>", "numeric form to compute in (default: the model's)").choices(["f32", "q15"]),
    )
    .addOption(
      new Option("--format <format>", "format of the samples").choices(["auto", "ndjson", "csv"]).default("auto"),
    )
    .option("--state <file>", "continue from the state in this file, and leave the new state there")
    .addOption(
      new Option("--reset-every <n>", "zero the state after n samples, as windows of n did in training")
        .argParser(windowOf(MOST_EVERY))
        .conflicts("overlap"),
    )
    .addOption(
      new Option("--overlap <n>", "answer each sample as the last of the latest n, from a state of zeros").argParser(
        windowOf(MOST_OVERLAP),
      ),
    )
    .option("--residuals", "write what was predicted for each sample, and the residual, beside the prediction")
    .option("--decimal-comma", "CSV: numbers are written as 21,5")
    .option("--skip-bad", "skip rows that are no samples, and tell at the end how many")
    .option("--no-simd", "use the scalar kernels (same bits, slower)")
    .option("--no-verify", "skip the model's self-test")
    .addHelpText(
      "after",
      examples(
        "rivulet predict pump.safetensors readings.csv",
        "tail -f readings.ndjson | rivulet predict pump.safetensors --state pump.state",
        "echo '[1480, 3.1, 11.9, 52.5]' | rivulet predict pump.safetensors --numeric q15",
        "rivulet predict load.safetensors readings.csv --overlap 24",
      ),
    )
    .action(async (model, file, flags) => {
      const { runPredict } = await import("./predict.ts");
      await runPredict({ ...flags, model, file }, io);
    });
}

function addInspect(program: Command, io: Io): void {
  program
    .command("inspect")
    .description("Show what a model file holds and what it costs to run.")
    .argument("<model>", "model file (.safetensors)")
    .option("--json", "write JSON")
    .addHelpText("after", examples("rivulet inspect pump.safetensors", "rivulet inspect pump.safetensors --json"))
    .action(async (model, flags) => {
      const { runInspect } = await import("./inspect.ts");
      await runInspect({ ...flags, model }, io);
    });
}

function addConvert(program: Command, io: Io): void {
  program
    .command("convert")
    .description("Turn a trained GRU of PyTorch, Keras or ONNX into a model file that computes the same.")
    .argument("<source>", "state dict (.safetensors, .pt, .pth), Keras model (.keras, .h5) or .onnx file")
    .requiredOption("-o, --output <file>", "model file to write")
    .option(
      "--reference <file>",
      "inputs and outputs of the source (.npz, NDJSON, JSON): prove it equal, keep as self-test",
    )
    .option(
      "--tolerance <number>",
      "greatest difference from the reference, times max(1, |expected|); otherwise what rounding explains",
      positive,
    )
    .option("--name <name>", "name of the model (default: the file's)")
    .option("--inputs <names>", "names of the inputs, separated by commas")
    .option("--outputs <names>", "names of the outputs, separated by commas")
    .option(
      "--layers <names>",
      "PyTorch: layers in order, separated by commas, and the functions between them: gru,relu,fc; NAME:embedding for an embedding",
    )
    .option("--activation <name=function...>", "PyTorch: what follows each layer: linear (nothing), sigmoid, tanh, …")
    .option("--weights <key>", "PyTorch: which weights of a checkpoint with several")
    .option(
      "--map <file>",
      "PyTorch: YAML file that tells which weight is which gate of a hand-written GRU; or mlx, flax, linen, haiku",
    )
    .option("--config <file>", "Keras: text of model.to_json(), for .weights.h5")
    .option("--no-run", "ONNX: leave the source unrun; it is run where onnxruntime-node is installed")
    .option("--assume-torch-gru", "ONNX: the GRU was an nn.GRU, whatever linear_before_reset says")
    .option(
      "--allow-approximate",
      "Keras, ONNX: put sigmoid in the place of hard gates, which have no fixed-point form, and list them",
    )
    .addHelpText(
      "after",
      examples(
        "rivulet convert forecaster.keras -o forecaster.safetensors --reference reference.npz",
        "rivulet convert state.pt -o pump.safetensors --layers gru,fc --activation fc=linear",
        "rivulet convert state.pt -o cell.safetensors --map map.yaml --inputs speed,current",
        "rivulet convert classifier.onnx -o classifier.safetensors",
      ),
    )
    .action(async (source, flags) => {
      const { runConvert } = await import("./convert.ts");
      await runConvert({ ...flags, source }, io);
    });
}

function addQuantize(program: Command, io: Io): void {
  program
    .command("quantize")
    .description("Turn an f32 model into a q15 one: int8 weights, int16 state, integer arithmetic only.")
    .argument("<model>", "model file (.safetensors) in f32")
    .requiredOption("-o, --output <file>", "model file to write")
    .option(
      "--calibrate <file>",
      "typical samples, NDJSON or CSV with a header: give the range of every input and tune the weights",
    )
    .option("--range <name=min:max...>", "range of an input; wins over the calibration")
    .option("--margin <fraction>", "widen the calibrated ranges by this fraction of their width", fraction, 0.1)
    .addOption(
      new Option(
        "--ranges <source>",
        "ranges of inputs and sums from the samples by a method; model: inputs as in the model (default: minmax)",
      ).choices(["minmax", "percentile", "error", "model"]),
    )
    .option("--plain", "round weights to nearest, without regard to the samples")
    .option("--report <file>", "write a page (HTML) that shows what quantizing costs, and print it as text")
    .option("--held-out <file>", "samples for the report that the quantizer does not see")
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      examples(
        "rivulet quantize pump.safetensors --calibrate readings.csv -o pump-q15.safetensors",
        "rivulet quantize pump.safetensors --ranges model -o pump-q15.safetensors",
        "rivulet quantize pump.safetensors --range speed=0:3000 current=0:25 --calibrate readings.csv -o pump-q15.safetensors",
      ),
    )
    .action(async (model, flags) => {
      const { runQuantize } = await import("./quantize.ts");
      await runQuantize({ ...flags, model }, io);
    });
}

function addVerify(program: Command, io: Io): void {
  program
    .command("verify")
    .description("Compare a model with what its source framework answered; exits with 1 when they differ.")
    .argument("<model>", "model file (.safetensors)")
    .option("--reference <file>", "inputs and outputs of the source framework (.npz, JSON or NDJSON)")
    .option("--source <file>", "the ONNX source, run here in place of a reference; needs onnxruntime-node")
    .option(
      "--tolerance <number>",
      "greatest difference that passes, times max(1, |expected|) (default: what rounding explains; 0.01 for a float16 source)",
      positive,
    )
    .addOption(
      new Option("--numeric <form>", "numeric form to compute in (default: the model's)").choices(["f32", "q15"]),
    )
    .option("--no-simd", "use the scalar kernels (same bits, slower)")
    .option("--json", "write JSON")
    .addHelpText(
      "after",
      examples(
        "rivulet verify gru.safetensors --reference reference.npz",
        "rivulet verify gru.q15.safetensors --reference reference.npz --tolerance 0.01 --json",
      ),
    )
    .action(async (model, flags) => {
      const { runVerify } = await import("./verify.ts");
      const code = await runVerify({ ...flags, model }, io);
      if (code !== 0)
        throw new CliError(`${model}: Differs from ${flags.reference ?? flags.source} by more than is allowed`);
    });
}

function addExport(program: Command, io: Io): void {
  program
    .command("export")
    .description("Write the float weights of a model in the order of PyTorch or Keras.")
    .argument("<model>", "model file (.safetensors) in f32")
    .requiredOption("-o, --output <file>", "file to write: .safetensors for PyTorch, .npz for Keras")
    .addOption(
      new Option("--to <framework>", "order of the weights").choices(["pytorch", "keras-npz"]).makeOptionMandatory(),
    )
    .addHelpText(
      "after",
      examples(
        "rivulet export gru.safetensors --to pytorch -o state-dict.safetensors",
        "rivulet export gru.safetensors --to keras-npz -o weights.npz",
      ),
    )
    .action(async (model, flags) => {
      const { runExport } = await import("./export.ts");
      await runExport({ ...flags, model }, io);
    });
}

function addBuild(program: Command, io: Io): void {
  program
    .command("build")
    .description(
      "Make one self-contained WebAssembly module of a model or a detector, for a microcontroller, and prove it.",
    )
    .argument("[model]", "model file (.safetensors), q15 or f32, or a detector of calibrate")
    .option("-o, --output <file>", "module to write (.wasm)")
    .addOption(
      new Option("--for <runtime>", "what will run the module")
        .choices(["wasm3", "wamr", "wasm2c", "generic"])
        .default("generic"),
    )
    .addOption(
      new Option(
        "--pack <way>",
        "store GRU weights for speed in interpreters (wide, 4 bytes each), for little memory (bytes) or for compilers (rows); default: the fastest that fits --memory, else bytes; rows for wasm2c",
      ).choices(["wide", "bytes", "rows"]),
    )
    .option(
      "--memory <bytes>",
      "RAM that module and runtime may take, such as 20K: an error when they need more",
      memory,
    )
    .option("--vectors <steps>", "most steps of the self-test in the module", vectorCount)
    .option("--c-header <file>", "write a C header: addresses, scales and the module as an array")
    .option("--wasm2c <folder>", "write C sources made by wasm2c (needs the npm package wabt)")
    .option("--image <file>", "write the weights alone, for the prebuilt module of many models")
    .option("--sign <key>", "sign the image with the key in this file: HMAC-SHA256 in FILE.mac")
    .option("--check <file>", "check a module in place of building one; exits with 1 when it breaks a property")
    .option("--json", "write JSON")
    .addHelpText(
      "after",
      examples(
        "rivulet build pump-q15.safetensors -o pump.wasm --for wasm3 --memory 16K --c-header model.h",
        "rivulet build pump-q15.safetensors -o pump.wasm --for wasm2c --wasm2c src/model",
        "rivulet build detector.safetensors -o detector.wasm --for wasm2c --wasm2c src/detector",
        "rivulet build --check pump.wasm",
      ),
    )
    .action(async (model, flags) => {
      const { runBuild } = await import("./build.ts");
      const code = await runBuild({ ...flags, ...(model !== undefined && { model }) }, io);
      if (code !== 0) throw new CliError(`${flags.check}: Breaks what a microcontroller needs`);
    });
}

function addCalibrate(program: Command, io: Io): void {
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
      const { runCalibrate } = await import("./calibrate.ts");
      await runCalibrate({ ...flags, ...(model !== undefined && { model }) }, io);
    });
}

function addDetect(program: Command, io: Io): void {
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
      const { runDetect } = await import("./detect.ts");
      await runDetect({ ...flags, detector, file }, io);
    });
}

function addReplay(program: Command, io: Io): void {
  program
    .command("replay")
    .description("Publish the rows of a CSV file to an MQTT broker.")
    .argument("<file>", "CSV file with a header")
    .option("--broker <url>", "mqtt://host[:port] or mqtts://host[:port]")
    .option("--config <file>", "configuration of rivulet run: its broker, in place of --broker and what follows it")
    .requiredOption("--topic <topic>", "topic; {column} stands for the row's value of that column")
    .option("--rate <rows>", "rows per second", positive)
    .option("--speed <factor>", "times as fast as recorded; needs --time", positive)
    .option("--max", "as fast as the broker takes them (default)")
    .option("--time <column>", "column with the time of recording")
    .option("--columns <names>", "columns of the payload, separated by commas (default: all that are not in the topic)")
    .option("--decimal-comma", "numbers are written as 21,5")
    .addOption(new Option("--payload <format>", "format of the payload").choices(["json", "array", "number", "f32le"]))
    .option("--qos <level>", "0 or 1 (default: 1)", (text) => number(text, (n) => n === 0 || n === 1, "0 or 1"))
    .option("--limit <rows>", "most rows to publish", positiveInteger)
    .option("--username <name>", "user name; the password comes from the environment, RIVULET_PASSWORD")
    .option("--ca <file>", "PEM file of the authority that signed the broker's certificate")
    .option("--cert <file>", "PEM file of the client certificate")
    .option("--key <file>", "PEM file of its key; a passphrase comes from the environment, RIVULET_PASSPHRASE")
    .option("--insecure", "take any certificate of the broker")
    .option("--client-id <id>", "client id (default: one of its own)")
    .option("--protocol <version>", "4 is MQTT 3.1.1 (default), 5 is MQTT 5", (text) =>
      number(text, (n) => n === 4 || n === 5, "4 or 5"),
    )
    .addHelpText(
      "after",
      examples(
        "rivulet replay readings.csv --broker mqtt://localhost --topic plant/pump1/data --rate 10",
        "rivulet replay plant.csv --broker mqtt://localhost --topic plant/{pump}/data --time timestamp --speed 60",
        "rivulet replay readings.csv --config rivulet.yaml --topic plant/pump1/data",
      ),
    )
    .action(async (file, flags) => {
      const { runReplay } = await import("./replay.ts");
      await runReplay({ ...flags, file }, io);
    });
}

function addState(program: Command, io: Io): void {
  program
    .command("state")
    .description("Look after the state directory of rivulet run, while nobody uses it.")
    .addHelpText("after", examples("rivulet state repair ./state"))
    .command("repair")
    .description("Replace a damaged state directory by what can be read of it; the damaged files are kept.")
    .argument("<directory>", "state directory")
    .addHelpText("after", examples("rivulet state repair ./state"))
    .action(async (directory) => {
      const { runStateRepair } = await import("./state.ts");
      await runStateRepair({ directory }, io);
    });
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}\n`;
}

function number(text: string, isValid: (value: number) => boolean, expected: string): number {
  const value = Number(text);
  if (text.trim() === "" || !isValid(value)) throw new InvalidArgumentError(`Expected ${expected}.`);
  return value;
}

const positive = (text: string) => number(text, (n) => n > 0 && n < Infinity, "a positive number");
const windowOf = (most: number) => (text: string) =>
  number(text, (n) => Number.isInteger(n) && n >= 1 && n <= most, `an integer from 1 to ${most}`);
const positiveInteger = (text: string) => number(text, (n) => n >= 1 && Number.isSafeInteger(n), "an integer above 0");
const pumpCount = (text: string) => number(text, (n) => n >= 1 && n <= 99 && n % 1 === 0, "an integer from 1 to 99");
const vectorCount = (text: string) => number(text, (n) => n >= 1 && n <= 64 && n % 1 === 0, "an integer from 1 to 64");
const memory = (text: string) => {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError("Expected a number of bytes, such as 20000, 20K or 1M.");
  return bytes;
};
const wholeNumber = (text: string) =>
  number(text, (n) => n >= 0 && n < 2 ** 32 && n % 1 === 0, "a whole number below 2^32");
const fraction = (text: string) => number(text, (n) => n >= 0 && n <= 10, "a number from 0 to 10");
