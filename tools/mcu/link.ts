// Library functions + what a model needs → one module. The library (assembly/device_*.ts, compiled once) holds every kernel; a module gets those that
// its step calls. A function that is called once stands inside the step, its arguments folded into it; the others are called.

import { DEVICE_ABI_VERSION } from "../../assembly/layout.ts";
import { type Code, code, functionOf } from "../wasm/encode.ts";
import { instructionsOf, mapCalls } from "../wasm/instructions.ts";
import {
  type DataSegment,
  EMPTY_MODULE,
  type Export,
  type FunctionType,
  type Global,
  importedCount,
  type ValueType,
  type WasmFunction,
  type WasmModule,
} from "../wasm/module.ts";
import { writeModule } from "../wasm/write.ts";
import { compactLocals, foldConstants } from "./fold.ts";
import { inlineCall } from "./inline.ts";
import type { Call, Program } from "./types.ts";

const PAGE = 65536;

/** What a linked module may have besides the ABI. */
export interface LinkOptions {
  /** Exports `drive`, the run of pseudo-random samples by which runtimes are compared. */
  readonly drive?: boolean;
}

/** Links the module of a program. */
export function linkModule(library: WasmModule, program: Program, options: LinkOptions = {}): Uint8Array {
  return writeModule(new Linker(library).link(program, options));
}

class Linker {
  readonly #library: WasmModule;
  readonly #imports: number;
  readonly #types: FunctionType[] = [];
  readonly #functions: (WasmFunction | undefined)[] = [];
  /** Index in the module of each library function taken. */
  readonly #taken = new Map<number, number>();
  #step = -1;

  constructor(library: WasmModule) {
    this.#library = library;
    this.#imports = importedCount(library, "function");
  }

  link(program: Program, { drive }: LinkOptions): WasmModule {
    const { input, output, state, vectors, vocabulary } = program;
    const words = [input.address, input.bytes, output.address, output.bytes, state.address, state.bytes];
    this.#step = this.#reserve();
    const exports: Export[] = [{ name: "memory", kind: "memory", index: 0 }];
    const exported = (name: string, index: number) => exports.push({ name, kind: "function", index });
    exported("step", this.#step);
    exported("reset", this.#define([], { name: "clear", args: [state.address, state.bytes] }));
    exported("selftest", this.#define(["i32"], { name: "selftest", args: [vectors.address, vectors.steps, ...words] }));
    if (drive) exported("drive", this.#driver(program.numeric, [...words, vocabulary]));
    this.#functions[this.#step] = this.#stepOf(program.calls);
    const globals = globalsOf(program);
    globals.forEach(([name], index) => {
      exports.push({ name, kind: "global", index });
    });
    const pages = Math.ceil(program.memoryBytes / PAGE);
    return {
      ...EMPTY_MODULE,
      types: this.#types,
      functions: this.#functions as WasmFunction[],
      memories: [{ min: pages, max: pages, isShared: false }],
      globals: globals.map(
        ([, value]): Global => ({ type: "i32", isMutable: false, init: { kind: "i32.const", value } }),
      ),
      exports,
      data: [...this.#library.data, ...segmentsOf(program)],
    };
  }

  /** The function that advances the state: its calls one after the other, then status 0. */
  #stepOf(calls: readonly Call[]): WasmFunction {
    const body = code();
    const locals: ValueType[] = [];
    const count = (name: string) => calls.filter((call) => call.name === name).length;
    calls.forEach((call, index) => {
      const isLast = index === calls.length - 1;
      if (count(call.name) > 1) {
        for (const arg of call.args) body.i32(arg);
        body.call(this.#take(call.name));
      } else locals.push(...this.#inline(body, call, locals.length));
      // A status other than 0 ends the step; that of the last call is the step's.
      if (call.hasStatus && !isLast) {
        body
          .tee(locals.push("i32") - 1)
          .if()
          .get(locals.length - 1)
          .op("return")
          .end();
      }
    });
    if (!calls.at(-1)?.hasStatus) body.i32(0);
    return this.#folded(["i32"], locals, body);
  }

  /** A function without parameters, its constants folded. */
  #folded(results: FunctionType["results"], locals: readonly ValueType[], into: Code): WasmFunction {
    const { body, locals: left } = compactLocals(foldConstants(into.bytes()), locals);
    const runs = left.map((type) => ({ count: 1, type }));
    return { type: this.#type({ parameters: [], results }), locals: runs, body };
  }

  #inline(body: Code, { name, args }: Call, firstLocal: number): ValueType[] {
    const source = this.#library.functions[this.#indexOf(name) - this.#imports] as WasmFunction;
    const type = this.#library.types[source.type] as FunctionType;
    return inlineCall(body, { source, type, args, callee: (index) => this.#takeIndex(index) }, firstLocal);
  }

  #driver(numeric: string, args: readonly number[]): number {
    const body = code().get(0).get(1);
    for (const arg of args) body.i32(arg);
    body.call(this.#take(`drive_${numeric}`));
    const index = this.#reserve();
    this.#functions[index] = functionOf(this.#type({ parameters: ["i32", "i32"], results: ["i32"] }), [], body);
    return index;
  }

  /** A function of one call. */
  #define(results: FunctionType["results"], call: Call): number {
    const index = this.#reserve();
    const body = code();
    const locals = this.#inline(body, call, 0);
    this.#functions[index] = this.#folded(results, locals, body);
    return index;
  }

  /** Index of a library function in the module, taken with all that it calls. */
  #take(name: string): number {
    return this.#takeIndex(this.#indexOf(name));
  }

  /** Index in the library of the function exported by this name. */
  #indexOf(name: string): number {
    const found = this.#library.exports.find((item) => item.kind === "function" && item.name === name);
    if (found === undefined) throw new Error(`The library has no function ${name}`);
    return found.index;
  }

  #takeIndex(index: number): number {
    // The only import is the model's step.
    if (index < this.#imports) return this.#step;
    const known = this.#taken.get(index);
    if (known !== undefined) return known;
    const source = this.#library.functions[index - this.#imports] as WasmFunction;
    const place = this.#reserve();
    this.#taken.set(index, place);
    for (const { name, immediates } of instructionsOf(source.body)) {
      if (name === "call") this.#takeIndex(immediates.index as number);
    }
    this.#functions[place] = {
      type: this.#type(this.#library.types[source.type] as FunctionType),
      locals: source.locals,
      body: mapCalls(source.body, (callee) => this.#takeIndex(callee)),
    };
    return place;
  }

  #reserve(): number {
    return this.#functions.push(undefined) - 1;
  }

  #type(type: FunctionType): number {
    const same = ({ parameters, results }: FunctionType) =>
      String(parameters) === String(type.parameters) && String(results) === String(type.results);
    const index = this.#types.findIndex(same);
    return index >= 0 ? index : this.#types.push(type) - 1;
  }
}

/** The constants that a module exports. */
function globalsOf({ input, output, state, modelHash, memoryBytes }: Program): readonly (readonly [string, number])[] {
  return [
    ["abi_version", DEVICE_ABI_VERSION],
    ["input", input.address],
    ["input_count", input.bytes / 4],
    ["output", output.address],
    ["output_count", output.bytes / 4],
    ["state", state.address],
    ["state_size", state.bytes],
    ["model_hash", modelHash.address],
    ["__data_end", memoryBytes],
    ["__heap_base", memoryBytes],
  ];
}

/** One data segment for each run of constants; gaps of alignment are cheaper than a segment's head. */
function segmentsOf({ regions }: Program): readonly DataSegment[] {
  const runs: { address: number; end: number; parts: { at: number; data: Uint8Array }[] }[] = [];
  for (const { address, bytes, data } of regions) {
    if (data === undefined) continue;
    const last = runs.at(-1);
    const run = last && address - last.end < 8 ? last : { address, end: address, parts: [] };
    if (run !== last) runs.push(run);
    run.parts.push({ at: address - run.address, data });
    run.end = address + bytes;
  }
  return runs.map(({ address, end, parts }) => {
    const bytes = new Uint8Array(end - address);
    for (const { at, data } of parts) bytes.set(data, at);
    return { place: { kind: "active", memory: 0, address: { kind: "i32.const", value: address } }, bytes };
  });
}
