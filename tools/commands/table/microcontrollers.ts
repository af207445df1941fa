// Microcontrollers: build. Arguments, flags and help here, the work in one file each, loaded when it is called.

import { type Command, Option } from "commander";
import { CliError } from "../../errors.ts";
import type { Io } from "../../io.ts";
import { examples, memory, upTo } from "./arguments.ts";

/** `rivulet build`. */
export function addBuild(program: Command, io: Io): void {
  program
    .command("build")
    .description(
      "Make one self-contained WebAssembly module of a model or a detector, for a microcontroller, and prove it.",
    )
    .argument("[model]", "model file (.safetensors), q15 or f32, or a detector of calibrate")
    .option("-o, --output <file>", "module to write (.wasm), or the folder of a package")
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
    .option("--vectors <steps>", "most steps of the self-test in the module", upTo(64))
    .addOption(
      new Option(
        "--package <system>",
        "write a complete library with the model as C into the folder of -o (needs the npm package wabt)",
      ).choices(["arduino", "platformio", "zephyr", "esp-idf", "cmake"]),
    )
    .option("--prefix <name>", "begin the package's names so, for a second one in one firmware; default: rivulet")
    .option("--c-header <file>", "write a C header: addresses, scales and the module as an array")
    .option("--wasm2c <folder>", "write C sources made by wasm2c (needs the npm package wabt)")
    .option("--image <file>", "write the weights alone, for the prebuilt module of many models")
    .option("--simd", "write the image for q15-simd.wasm, the prebuilt module with SIMD; f32 images serve both")
    .option("--sign <key>", "sign the image with the key in this file: HMAC-SHA256 in FILE.mac")
    .option("--check <file>", "check a module in place of building one; exits with 1 when it breaks a property")
    .option("--json", "write JSON")
    .addHelpText(
      "after",
      examples(
        "rivulet build pump-q15.safetensors -o pump.wasm --for wasm3 --memory 16K --c-header model.h",
        "rivulet build pump-q15.safetensors -o pump.wasm --for wasm2c --wasm2c src/model",
        "rivulet build detector.safetensors -o detector.wasm --for wasm2c --wasm2c src/detector",
        "rivulet build pump-q15.safetensors --package arduino -o rivulet-pump",
        "rivulet build --check pump.wasm",
      ),
    )
    .action(async (model, flags) => {
      const { runBuild } = await import("../build.ts");
      const code = await runBuild({ ...flags, ...(model !== undefined && { model }) }, io);
      if (code !== 0) throw new CliError(`${flags.check}: Breaks what a microcontroller needs`);
    });
}
