// Library functions + what a model needs → one module. The library (assembly/mcu/, compiled once) holds every kernel. Binaryen puts those that a step
// calls once into the step, folds their constant arguments and leaves out the others: what is not there takes no RAM of an interpreter.

import type Binaryen from "binaryen";
import { MCU_ABI_VERSION } from "../../assembly/layout.ts";
import type { DataSegment } from "../wasm/module.ts";
import { readModule } from "../wasm/read.ts";
import { ringConstants } from "./forecasts.ts";
import { checkArguments, type Segment, segmentsOf } from "./segments.ts";
import type { Call, Program } from "./types.ts";

const PAGE = 65536;

/**
 * Greatest size, in Binaryen's measure, of a function with one call that goes into its caller. Layers of rows stay functions of their own, where compilers
 * have registers for their loops: 12,351 instructions a step on a Cortex-M4 in place of 12,383 (H = 32).
 */
const LARGEST_INLINED = 400;

/** What a linked module may have besides the ABI. */
export interface LinkOptions {
  /** Exports `drive`, the run of pseudo-random samples by which runtimes are compared. */
  readonly drive?: boolean;
}

/**
 * Links the module of a program. The same program gives the same bytes, on every machine.
 *
 * @param library  bytes of a module that exports the functions which the program calls; it may import the step
 * @throws {Error} when the library has no function of such a name
 */
export async function linkModule(
  library: Uint8Array,
  program: Program,
  options: LinkOptions = {},
): Promise<Uint8Array> {
  // Loaded here: 10 MB that no other command needs.
  const { default: binaryen } = await import("binaryen");
  return new Linker(binaryen, library).link(program, options);
}

class Linker {
  readonly #binaryen: typeof Binaryen;
  readonly #module: Binaryen.Module;
  readonly #data: readonly DataSegment[];
  #constants: readonly Segment[] = [];
  /** The functions of the library by the names of their exports. */
  readonly #functions = new Map<string, Binaryen.FunctionInfo>();

  constructor(binaryen: typeof Binaryen, library: Uint8Array) {
    this.#binaryen = binaryen;
    this.#data = readModule(library).data;
    this.#module = binaryen.readBinary(library);
    this.#module.setFeatures(binaryen.Features.MVP);
    const exports = Array.from({ length: this.#module.getNumExports() }, (_, index) =>
      binaryen.getExportInfo(this.#module.getExportByIndex(index)),
    );
    for (const { kind, name, value } of exports) {
      if (kind === binaryen.ExternalFunction) this.#functions.set(name, this.#functionAt(value));
      this.#module.removeExport(name);
    }
  }

  link(program: Program, options: LinkOptions): Uint8Array {
    try {
      this.#setMemory(program);
      this.#addFunctions(program, options);
      this.#addConstants(program);
      return this.#optimized();
    } finally {
      this.#module.dispose();
    }
  }

  #setMemory(program: Program): void {
    const pages = Math.ceil(program.memoryBytes / PAGE);
    const own = this.#data.flatMap(({ place, bytes }) =>
      place.kind === "active" && place.address.kind === "i32.const" ? [{ address: place.address.value, bytes }] : [],
    );
    this.#constants = [...own, ...segmentsOf(program)];
    const segments = this.#constants.map(({ address, bytes }) => ({
      offset: this.#module.i32.const(address),
      data: bytes,
    }));
    this.#module.setMemory(pages, pages, "memory", segments);
  }

  #addFunctions(program: Program, { drive }: LinkOptions): void {
    const { none, i32, createType } = this.#binaryen;
    const { calls, input, output, state, vectors, numeric, vocabulary, functions } = program;
    const words = [input.address, input.bytes, output.address, output.bytes, state.address, state.bytes];
    this.#addStep(calls);
    this.#add("reset", none, none, this.#call({ name: "clear", args: [state.address, state.bytes] }));
    const test = functions?.selftest ?? { name: "selftest", args: [vectors.address, vectors.steps, ...words] };
    this.#add("selftest", none, i32, this.#call(test));
    this.#add("check", none, i32, this.#call({ name: "check", args: checkArguments(this.#constants, program) }));
    if (functions) this.#add("forget", none, none, this.#call(functions.forget));
    if (!drive) return;
    const given = [0, 1].map((index) => this.#module.local.get(index, i32));
    const run = this.#call(functions?.drive ?? { name: `drive_${numeric}`, args: [...words, vocabulary] }, given);
    this.#add("drive", createType([i32, i32]), i32, run);
  }

  /** Adds the function that advances the state: its calls one after the other, then status 0. A status other than 0 ends it. */
  #addStep(calls: readonly Call[]): void {
    const { none, i32 } = this.#binaryen;
    const { local, block } = this.#module;
    const status = () => local.get(0, i32);
    const body = calls.flatMap((call, index) => {
      const done = this.#call(call);
      if (!call.hasStatus || index === calls.length - 1) return [done];
      return [local.set(0, done), this.#module.if(status(), this.#module.return(status()))];
    });
    if (!calls.at(-1)?.hasStatus) body.push(this.#module.i32.const(0));
    const name = this.#takeImport() ?? "step";
    this.#module.addFunction(name, none, i32, [i32], block(null, body, i32));
    this.#module.addFunctionExport(name, "step");
  }

  /** Removes the library's import, which stands for the step, and answers its name: a function of that name is what the library then calls. */
  #takeImport(): string | undefined {
    const functions = Array.from({ length: this.#module.getNumFunctions() }, (_, index) =>
      this.#binaryen.getFunctionInfo(this.#module.getFunctionByIndex(index)),
    );
    const name = functions.find(({ module }) => module)?.name;
    if (name !== undefined) this.#module.removeFunction(name);
    return name;
  }

  #add(name: string, parameters: Binaryen.Type, results: Binaryen.Type, body: Binaryen.ExpressionRef): void {
    this.#module.addFunction(name, parameters, results, [], body);
    this.#module.addFunctionExport(name, name);
  }

  /** A call of a library function with constant arguments, behind those that are `given`. */
  #call({ name, args }: Call, given: readonly Binaryen.ExpressionRef[] = []): Binaryen.ExpressionRef {
    const found = this.#functions.get(name);
    if (found === undefined) throw new Error(`The library has no function ${name}`);
    const constants = args.map((arg) => this.#module.i32.const(arg));
    return this.#module.call(found.name, [...given, ...constants], found.results);
  }

  #functionAt(name: string): Binaryen.FunctionInfo {
    return this.#binaryen.getFunctionInfo(this.#module.getFunction(name));
  }

  #addConstants({ input, output, state, ring, modelHash, memoryBytes, constants: more }: Program): void {
    const constants = {
      abi_version: MCU_ABI_VERSION,
      input: input.address,
      input_count: input.bytes / 4,
      output: output.address,
      output_count: output.bytes / 4,
      state: state.address,
      state_size: state.bytes,
      model_hash: modelHash.address,
      ...ringConstants(ring),
      ...more,
      __data_end: memoryBytes,
      __heap_base: memoryBytes,
    };
    for (const [name, value] of Object.entries(constants)) {
      this.#module.addGlobal(name, this.#binaryen.i32, false, this.#module.i32.const(value));
      this.#module.addGlobalExport(name, name);
    }
  }

  /** The module, small first: code is RAM of an interpreter. */
  #optimized(): Uint8Array {
    this.#binaryen.setOptimizeLevel(3);
    this.#binaryen.setShrinkLevel(1);
    this.#binaryen.setAllowInliningFunctionsWithLoops(true);
    this.#binaryen.setOneCallerInlineMaxSize(LARGEST_INLINED);
    // What is added to an address moves into the offset of its load or store. Addresses here are sums of non-negative numbers: none wraps around.
    this.#binaryen.setLowMemoryUnused(true);
    // Data are cut into segments already.
    this.#binaryen.addPassToSkip("memory-packing");
    this.#module.optimize();
    return this.#module.emitBinary();
  }
}
