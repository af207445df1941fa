// Models: convert, verify, quantize, inspect, export, predict. Arguments, flags and help here, the work in one file each, loaded when it is called.

import { type Command, Option } from "commander";
import { MOST_EVERY, MOST_OVERLAP } from "../../../host/model/limits.ts";
import { CliError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { examples, fraction, positive, upTo } from "./arguments.ts";

/** `rivulet predict`. */
export function addPredict(program: Command, io: Io): void {
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
        .argParser(upTo(MOST_EVERY))
        .conflicts("overlap"),
    )
    .addOption(
      new Option("--overlap <n>", "answer each sample as the last of the latest n, from a state of zeros").argParser(
        upTo(MOST_OVERLAP),
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
      const { runPredict } = await import("../predict.ts");
      await runPredict({ ...flags, model, file }, io);
    });
}

/** `rivulet inspect`. */
export function addInspect(program: Command, io: Io): void {
  program
    .command("inspect")
    .description("Show what a model file holds and what it costs to run.")
    .argument("<model>", "model file (.safetensors)")
    .option("--json", "write JSON")
    .addHelpText("after", examples("rivulet inspect pump.safetensors", "rivulet inspect pump.safetensors --json"))
    .action(async (model, flags) => {
      const { runInspect } = await import("../inspect.ts");
      await runInspect({ ...flags, model }, io);
    });
}

/** `rivulet convert`. */
export function addConvert(program: Command, io: Io): void {
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
      const { runConvert } = await import("../convert.ts");
      await runConvert({ ...flags, source }, io);
    });
}

/** `rivulet quantize`. */
export function addQuantize(program: Command, io: Io): void {
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
      const { runQuantize } = await import("../quantize.ts");
      await runQuantize({ ...flags, model }, io);
    });
}

/** `rivulet verify`. */
export function addVerify(program: Command, io: Io): void {
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
      const { runVerify } = await import("../verify.ts");
      const code = await runVerify({ ...flags, model }, io);
      if (code !== 0)
        throw new CliError(`${model}: Differs from ${flags.reference ?? flags.source} by more than is allowed`);
    });
}

/** `rivulet export`. */
export function addExport(program: Command, io: Io): void {
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
      const { runExport } = await import("../export.ts");
      await runExport({ ...flags, model }, io);
    });
}
