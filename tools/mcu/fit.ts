// What a module takes of a microcontroller's memory, and which way to store the weights fits a given one.

import { tensorRules } from "../../host/model/tensors.ts";
import type { Model, ModelSpec, Tensor } from "../../host/model/types.ts";
import { CliError } from "../errors.ts";
import { type BuildOptions, type BuiltModule, defaultPack, linkFor } from "./build.ts";
import { RUNTIME_MEMORY } from "./costs.ts";
import type { Pack } from "./types.ts";

/** RAM of a module on its target, bytes. */
export interface MemoryNeed {
  /** Linear memory in use. */
  readonly linear: number;
  /** What the runtime takes beside it, as measured; undefined when it was not. */
  readonly runtime: number | undefined;
  /** The module's own bytes, where the runtime wants them in RAM. */
  readonly module: number;
  /** Native stack, as measured; undefined when it was not. */
  readonly stack: number | undefined;
  readonly total: number;
}

/** What a module takes of the RAM of its target. */
export function memoryNeed({ target, pack, program, wasm }: BuiltModule): MemoryNeed {
  const measured = RUNTIME_MEMORY[target]?.[program.numeric === "f32" ? "f32" : pack];
  const linear = program.memoryBytes;
  // WAMR writes into the module's bytes while it loads them, so they cannot stay in flash.
  const module = target === "wamr" ? wasm.length : 0;
  const total = linear + module + (measured?.heap ?? 0) + (measured?.stack ?? 0);
  return { linear, runtime: measured?.heap, module, stack: measured?.stack, total };
}

/** Packs of interpreters, the fastest first. */
const INTERPRETED: readonly Pack[] = ["wide", "bytes"];

/**
 * Links the module with the fastest way to store the weights that fits.
 *
 * @param memory  bytes of RAM that module and runtime may take; undefined: no bound
 * @throws {CliError} when nothing fits, with what was found and what would fit
 */
export async function linkWithin(
  model: Model,
  options: BuildOptions,
  memory: number | undefined,
): Promise<BuiltModule> {
  const { target, pack } = options;
  if (memory === undefined) return await linkFor(model, options);
  const isCompiled = target === "wasm2c" || model.spec.numeric === "f32";
  const packs = pack !== undefined ? [pack] : isCompiled ? [defaultPack(target)] : INTERPRETED;
  const tried: BuiltModule[] = [];
  for (const each of packs) {
    const built = await linkFor(model, { ...options, pack: each });
    if (memoryNeed(built).total <= memory) return built;
    tried.push(built);
  }
  throw new CliError(await tooLarge(model, tried, options, memory));
}

async function tooLarge(
  model: Model,
  tried: readonly BuiltModule[],
  options: BuildOptions,
  memory: number,
): Promise<string> {
  const least = tried.reduce((a, b) => (memoryNeed(b).total < memoryNeed(a).total ? b : a));
  const { linear, runtime, module, stack, total } = memoryNeed(least);
  const parts = [
    `${linear} of linear memory`,
    ...(module > 0 ? [`${module} of the module itself`] : []),
    ...(runtime ? [`${runtime} of ${options.target}`] : []),
    ...(stack !== undefined ? [`${stack} of stack`] : []),
  ];
  const packed = model.spec.numeric === "f32" ? "" : `, weights ${least.pack}`;
  return `Model ${model.id} needs ${total} bytes${packed} (${parts.join(", ")}), --memory gives ${memory}; ${await remedy(model, least, options, memory)}`;
}

/** What would fit: bytes, fixed point, or fewer units. */
async function remedy(model: Model, least: BuiltModule, options: BuildOptions, memory: number): Promise<string> {
  if (options.pack === "wide") {
    const bytes = await linkFor(model, { ...options, pack: "bytes" });
    if (memoryNeed(bytes).total <= memory) return `with --pack bytes it needs ${memoryNeed(bytes).total}`;
  }
  if (model.spec.numeric === "f32") return "quantize it: q15 takes about a quarter";
  const size = await largestSize(model, { ...options, pack: options.pack === "wide" ? "bytes" : least.pack }, memory);
  if (size === 0) return "no number of units would fit";
  const all = model.spec.layers.filter(({ kind }) => kind === "gru").length > 1 ? " in each GRU layer" : "";
  return `${size} units${all} would fit`;
}

/** Greatest number of units of every GRU layer, up to the model's own, with which a model of this shape fits; 0 when none does. */
async function largestSize(model: Model, options: BuildOptions, memory: number): Promise<number> {
  const own = Math.max(...model.spec.layers.map(({ kind, size }) => (kind === "gru" ? size : 0)));
  let [low, high] = [0, own];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const fits = memoryNeed(await linkFor(emptyModel(model, middle), options)).total <= memory;
    if (fits) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A model of the same shape with other sizes of its GRU layers and weights of zero: for its memory plan. */
function emptyModel(model: Model, size: number): Model {
  const layers = model.spec.layers.map((layer) => (layer.kind === "gru" ? { ...layer, size } : layer));
  const { selftest: _, ...rest } = model.spec;
  const isLastGru = layers.at(-1)?.kind === "gru";
  const outputs = isLastGru ? Array.from({ length: size }, (_, i) => ({ name: `h${i}`, fraction: 15 })) : rest.outputs;
  const spec: ModelSpec = { ...rest, layers, outputs };
  const tensors = new Map<string, Tensor>();
  for (const [name, { dtype, shape }] of tensorRules(spec)) {
    const count = shape.reduce((product, length) => product * length, 1);
    const data = { F32: Float32Array, I8: Int8Array, I16: Int16Array, I32: Int32Array }[dtype];
    tensors.set(name, { dtype, shape, data: new data(count).fill(name.endsWith("multiplier") ? 1 : 0) });
  }
  return { ...model, spec, tensors };
}

/** What a target cannot do as well as another, in words. */
export function warningsOf({ target, pack, program }: BuiltModule): readonly string[] {
  const isFloat = program.numeric === "f32";
  return [
    ...(isFloat && target === "wasm3"
      ? [
          "wasm3 keeps floats in double precision: without a double-precision FPU each operation is a call, and a wasm3 built with d_m3HasFloat=0 refuses the module; quantized, the model runs several times as fast",
        ]
      : []),
    ...(isFloat && target === "wasm2c" ? ["compile with -ffp-contract=off: fused operations change the bits"] : []),
    ...(!isFloat && target === "wasm2c" && pack !== "rows"
      ? [`weights ${pack} are for interpreters: compiled for 32 bits, rows takes less than half the instructions`]
      : []),
    ...(!isFloat && target !== "wasm2c" && pack === "rows"
      ? ["weights in rows are for compilers: an interpreter takes about twice the operations of wide"]
      : []),
    ...(program.memoryBytes > 65536
      ? [`linear memory spans ${Math.ceil(program.memoryBytes / 65536)} pages of 64 KiB`]
      : []),
  ];
}
