// The modules that the kernels for microcontrollers are measured against: the same module with its GRU layers as plain loops.

import { readFileSync } from "node:fs";
import { TANH_TABLE } from "../../host/model/tables.ts";
import { dataOf } from "../../host/model/tensors.ts";
import type { GruLayerSpec, Model } from "../../host/model/types.ts";
import { bytesOf } from "../../host/runtime/image.ts";
import { Layout } from "../mcu/layout.ts";
import { linkModule } from "../mcu/link.ts";
import { planQ15 } from "../mcu/program-q15.ts";
import type { Call, Program } from "../mcu/types.ts";
import { makeVectors } from "../mcu/vectors.ts";
import { readModule } from "../wasm/read.ts";

/** Steps of the self-test, as in the modules that it is compared with. */
const VECTORS = 8;

/**
 * Builds the module of a q15 model of reset-after layers with plain loops from build/naive.wasm.
 *
 * @throws {RangeError} when a layer is reset-before
 */
export function naiveModule(model: Model, options: { readonly drive: boolean }): Uint8Array {
  const library = readModule(readFileSync("build/naive.wasm"));
  const program = planQ15(model, "rows", makeVectors(model, VECTORS));
  return linkModule(library, withPlainLoops(model, program), options);
}

/** Replaces the calls of GRU layers; their data stand behind everything else, and the packed ones are left out. */
function withPlainLoops(model: Model, program: Program): Program {
  const layout = new Layout(program.memoryBytes);
  const widest = Math.max(...model.spec.layers.map(({ size }) => size));
  const t = layout.space("sums of the plain loops", 24 * widest, 16);
  const table = layout.data("tanh table of the plain loops", bytesOf(Int16Array.from(TANH_TABLE)));
  let sizeIn = model.spec.inputs.length;
  const sizes = model.spec.layers.map(({ size }) => {
    const own = sizeIn;
    sizeIn = size;
    return own;
  });
  const layers = [...model.spec.layers.entries()].filter((entry): entry is [number, GruLayerSpec] => {
    return entry[1].kind === "gru";
  });
  const calls = program.calls.map((call): Call => {
    if (!call.name.startsWith("gru_")) return call;
    const [index, layer] = layers.shift() as [number, GruLayerSpec];
    if (layer.reset === "before") throw new RangeError("Layer is reset-before, expected reset-after");
    const data = layout.data(`layer ${index}, plain`, plainData(model, index), 4);
    const [, x, , h] = call.args as [number, number, number, number];
    const args = [data, table, x, h, t, sizes[index] as number, layer.size, layer.shift_x ?? 0, layer.shift_h ?? 0];
    return { name: "gru_naive", args };
  });
  const regions = program.regions.filter(({ name }) => !name.endsWith("GRU"));
  return { ...program, calls, regions: [...regions, ...layout.regions], memoryBytes: layout.end };
}

/** i32 b[3H], c[3H], then i16 mx[3H], mh[3H], then i8 W[3H][I], U[3H][H]. */
function plainData(model: Model, index: number): Uint8Array {
  const parts = ["b", "c", "W.multiplier", "U.multiplier", "W", "U"].map((name) =>
    bytesOf(dataOf(model, `layers.${index}.${name}`)),
  );
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
