import type { Model } from "../../../host/model/types.ts";
import { randomQ15Model } from "../../support/models.ts";
import type { ShapeOptions } from "../../support/shapes.ts";

export const q15 = (shape: ShapeOptions): Model => randomQ15Model(shape).model;

export interface Exports {
  readonly memory: WebAssembly.Memory;
  step(): number;
  selftest(): number;
  reset(): void;
  readonly [name: string]: unknown;
}

export const instantiate = (wasm: Uint8Array): Exports =>
  new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(wasm))).exports as unknown as Exports;
