// Model → one self-contained module for a microcontroller, proven before it is handed out.

import { MCU_F32, MCU_Q15 } from "../../build/mcu.ts";
import type { Model } from "../../host/model/types.ts";
import { readModule } from "../wasm/read.ts";
import { alignTo } from "./layout.ts";
import { linkModule } from "./link.ts";
import { planF32 } from "./program-f32.ts";
import { planQ15 } from "./program-q15.ts";
import { proveModule } from "./prove.ts";
import type { Pack, Program, Target } from "./types.ts";
import { makeVectors } from "./vectors.ts";

/** How a module is built. */
export interface BuildOptions {
  readonly target: Target;
  /** Default: rows for wasm2c, bytes otherwise. Of no account to f32 models. */
  readonly pack?: Pack;
  /** Exports `drive`, for the comparison of runtimes. */
  readonly drive?: boolean;
  /** Most steps of the self-test that the module carries; default 2 with bytes, else 8. */
  readonly vectors?: number;
}

/** A module with what was planned for it. */
export interface BuiltModule {
  readonly wasm: Uint8Array;
  readonly program: Program;
  readonly target: Target;
  readonly pack: Pack;
}

/** Steps of the self-test that a module carries by default: where memory is scarce, the first two; in the second the state is no longer zero. */
const VECTORS = { wide: 8, rows: 8, bytes: 2 } as const;

/** Builds the module of a model, and proves it. */
export async function buildModule(model: Model, options: BuildOptions): Promise<BuiltModule> {
  const built = await linkFor(model, options);
  proveModule(model, built.program, built.wasm);
  return built;
}

/** Links the module of a model, unproven: also of a model that only has a shape, for its memory plan. */
export async function linkFor(model: Model, options: BuildOptions): Promise<BuiltModule> {
  const { target } = options;
  const pack = options.pack ?? defaultPack(target);
  const vectors = makeVectors(model, options.vectors ?? VECTORS[pack]);
  const library = Buffer.from(model.spec.numeric === "q15" ? MCU_Q15 : MCU_F32, "base64");
  const program =
    model.spec.numeric === "q15" ? planQ15(model, pack, vectors) : planF32(model, vectors, endOfData(library));
  const wasm = await linkModule(library, program, { drive: options.drive === true });
  return { wasm, program, target, pack };
}

/** The way to store weights that suits a target when memory decides nothing. */
export const defaultPack = (target: Target): Pack => (target === "wasm2c" ? "rows" : "bytes");

/** The first address, a multiple of 16, behind the constants of a library. */
export function endOfData(library: Uint8Array): number {
  let end = 16;
  for (const { place, bytes } of readModule(library).data) {
    if (place.kind !== "active" || place.address.kind !== "i32.const") throw new Error("Library data has no address");
    end = Math.max(end, place.address.value + bytes.length);
  }
  return alignTo(end, 16);
}
