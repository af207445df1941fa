// What runtimes cost, for the plan that `rivulet build` prints. Measured by `npm run bench:mcu` (docs/microcontrollers.md) on models of 8 inputs,
// one GRU layer of 16, 32 or 64 units and one output; the formulas are within 15 % of those three, of models that saturate and of others.

import { multiplications, networkOf } from "../../host/model/network.ts";
import type { Model } from "../../host/model/types.ts";
import type { BuiltModule } from "./build.ts";
import type { Pack, Target } from "./types.ts";

/** Bytes that a runtime takes beside the linear memory: its heap and its native stack. */
export interface RuntimeMemory {
  readonly heap: number;
  /** Undefined where it was not measured. */
  readonly stack?: number;
}

/**
 * Measured on a Cortex-M4, for WAMR in a build of 32 bits; what is absent was not measured. WAMR is 2.4.3, its classic interpreter without proposals and
 * libc, with a pool of memory: the least pool with which modules of the conformance matrix of one layer load and run, operand stack included, linear
 * memory and the module not. Further layers took up to 1,400 bytes more.
 */
export const RUNTIME_MEMORY: Partial<Record<Target, Partial<Record<Pack | "f32", RuntimeMemory>>>> = {
  wasm3: { bytes: { heap: 6200, stack: 980 }, wide: { heap: 9900, stack: 980 } },
  wamr: { bytes: { heap: 5700 }, wide: { heap: 6000 }, rows: { heap: 5600 }, f32: { heap: 8000 } },
  wasm2c: { rows: { heap: 0, stack: 220 } },
};

/** Bytes of heap that WAMR's fast interpreter takes more than its classic one, likewise. */
export const WAMR_FAST_MORE: Readonly<Record<Pack | "f32", number>> = {
  bytes: 3300,
  wide: 7000,
  rows: 7300,
  f32: 9400,
};

/** Bytes of code of a q15 model as C on a Cortex-M4: one reset-after layer and one output, as measured. */
export const CODE_BYTES = 1800;

/** Instructions of a step: so many for each multiplication of a GRU layer, for each of its units, and besides. */
interface StepCost {
  readonly name: string;
  readonly target: Target;
  readonly pack: Pack;
  readonly perProduct: number;
  readonly perUnit: number;
  readonly besides: number;
}

const COSTS: readonly StepCost[] = [
  { name: "wasm2c, Cortex-M0", target: "wasm2c", pack: "rows", perProduct: 6.4, perUnit: 18, besides: 2952 },
  { name: "wasm2c, Cortex-M3, M4, M33", target: "wasm2c", pack: "rows", perProduct: 2.53, perUnit: 57, besides: 762 },
  { name: "wasm2c, rv32imac", target: "wasm2c", pack: "rows", perProduct: 3.71, perUnit: 4, besides: 1457 },
  { name: "wasm3, Cortex-M4", target: "wasm3", pack: "bytes", perProduct: 71.93, perUnit: 391, besides: 30933 },
  { name: "wasm3, Cortex-M4", target: "wasm3", pack: "wide", perProduct: 39.04, perUnit: 1097, besides: 14648 },
];

/** An estimate. */
export interface Estimate {
  /** Runtime and processor. */
  readonly name: string;
  readonly instructions: number;
}

/** Estimates the executed instructions of a step where they were measured for other models; multiplications of dense layers count like those of a GRU. */
export function estimateSteps(model: Model, { target, pack, program }: BuiltModule): readonly Estimate[] {
  if (program.numeric === "f32") return [];
  const { stages } = networkOf(model.spec);
  const products = stages.reduce((sum, stage) => sum + multiplications(stage), 0);
  const units = stages.reduce((sum, stage) => sum + (stage.kind === "gru" ? stage.size : 0), 0);
  return COSTS.filter((cost) => cost.pack === pack && (target === "generic" || cost.target === target)).map((cost) => {
    const exact = cost.perProduct * products + cost.perUnit * units + cost.besides;
    return { name: cost.name, instructions: Number(exact.toPrecision(2)) };
  });
}
