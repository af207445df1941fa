// Which sizes of networks fit where the model is to run.

import { parseModel, serializeModel } from "../../../host/model/model.ts";
import type { Model } from "../../../host/model/types.ts";
import { quantizeModel } from "../../../host/quantize/quantize.ts";
import { CliError } from "../../errors.ts";
import { linkFor } from "../../mcu/build.ts";
import { memoryNeed } from "../../mcu/fit.ts";

/** What the model may take on a microcontroller, bytes. */
export interface Limits {
  readonly flash?: number | undefined;
  readonly ram?: number | undefined;
}

/** Bytes that a module takes. */
export interface Footprint {
  readonly flash: number;
  readonly ram: number;
}

/** What a model takes as a q15 module for wasm3, as `rivulet build` makes it. */
export async function footprint(model: Model): Promise<Footprint> {
  const ranges = model.spec.inputs.map(({ range }) => {
    const [min, max] = range as readonly [number, number];
    return { min, max };
  });
  const quantized = quantizeModel(model, { ranges });
  const built = await linkFor(parseModel(serializeModel(quantized.spec, quantized.tensors)), { target: "wasm3" });
  return { flash: built.wasm.length, ram: memoryNeed(built).total };
}

/**
 * The sizes whose models fit.
 *
 * @param modelOf  a model of a size, with any weights
 * @throws {CliError} when not even the linear model fits
 */
export async function sizesWithin(
  sizes: readonly number[],
  limits: Limits,
  modelOf: (hidden: number) => Model,
  linear: Model,
): Promise<number[]> {
  if (limits.flash === undefined && limits.ram === undefined) return [...sizes];
  const fits = async (model: Model) => {
    const { flash, ram } = await footprint(model);
    return { flash, ram, isWithin: flash <= (limits.flash ?? flash) && ram <= (limits.ram ?? ram) };
  };
  const least = await fits(linear);
  if (!least.isWithin) {
    throw new CliError(
      `The linear model takes ${least.flash} bytes of flash and ${least.ram} of RAM as a q15 module for wasm3; fewer samples (--skip) or inputs (--inputs) take less`,
    );
  }
  const within: number[] = [];
  for (const size of sizes) if ((await fits(modelOf(size))).isWithin) within.push(size);
  return within;
}
