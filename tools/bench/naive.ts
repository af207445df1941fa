// The modules that the kernels for microcontrollers are measured against: the same module with its GRU layers as plain loops.

import { readFileSync } from "node:fs";
import { type GruStage, networkOf } from "../../host/model/network.ts";
import { TANH_TABLE } from "../../host/model/tables.ts";
import { dataOf } from "../../host/model/tensors.ts";
import type { Model } from "../../host/model/types.ts";
import { bytesOf } from "../../host/runtime/image.ts";
import { Layout } from "../mcu/layout.ts";
import { linkModule } from "../mcu/link.ts";
import { planQ15 } from "../mcu/program-q15.ts";
import type { Call, Program } from "../mcu/types.ts";
import { makeVectors } from "../mcu/vectors.ts";

/** Steps of the self-test, as in the modules that it is compared with. */
const VECTORS = 8;

/**
 * Builds the module of a q15 model of reset-after layers with plain loops from build/naive.wasm.
 *
 * @throws {RangeError} when a layer is reset-before
 */
export async function naiveModule(model: Model, options: { readonly drive: boolean }): Promise<Uint8Array> {
  const library = readFileSync("build/naive.wasm");
  const program = planQ15(model, "rows", makeVectors(model, VECTORS));
  return await linkModule(library, withPlainLoops(model, program), options);
}

/** Replaces the calls of GRU layers; their data stand behind everything else, and the packed ones are left out. */
function withPlainLoops(model: Model, program: Program): Program {
  const layout = new Layout(program.memoryBytes);
  const { layers } = networkOf(model.spec);
  const widest = Math.max(...layers.map(({ size }) => size));
  const t = layout.space("sums of the plain loops", 24 * widest, 16);
  const table = layout.data("tanh table of the plain loops", bytesOf(Int16Array.from(TANH_TABLE)));
  const gruStages = layers.filter((stage) => stage.kind === "gru");
  const calls = program.calls.map((call): Call => {
    if (!call.name.startsWith("gru_")) return call;
    const stage = gruStages.shift() as GruStage;
    const { index, layer } = stage;
    if (layer.reset === "before") throw new RangeError("Layer is reset-before, expected reset-after");
    const data = layout.data(`layer ${index}, plain`, plainData(model, stage), 4);
    const [, x, h] = call.args as [number, number, number];
    const args = [data, table, x, h, t, stage.sizeIn, stage.size, layer.shift_x ?? 0, layer.shift_h ?? 0];
    return { name: "gru_naive", args };
  });
  const regions = program.regions.filter(({ name }) => !name.endsWith("GRU"));
  return { ...program, calls, regions: [...regions, ...layout.regions], memoryBytes: layout.end };
}

/** i32 b[3H], c[3H], then i16 mx[3H], mh[3H], then i8 W[3H][I], U[3H][H]. */
function plainData(model: Model, { w, u }: GruStage): Uint8Array {
  const names = [w.bias, u.bias, w.multiplier as string, u.multiplier as string, w.weight, u.weight];
  const parts = names.map((name) => bytesOf(dataOf(model, name)));
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
