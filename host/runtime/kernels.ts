// The WASM modules, compiled once, and one instance for each runtime.

import { F32_SCALAR, F32_SIMD, Q15_SCALAR, Q15_SIMD } from "../../build/kernels.ts";
import type { Numeric } from "../model/types.ts";
import { compileModule } from "./compile.ts";

/** Functions of a kernel module (assembly/f32/module.ts, assembly/q15/module.ts); addresses and counts are i32, results status codes. */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  readonly __heap_base: WebAssembly.Global;
  abi_version(): number;
  check(image: number, bytes: number): number;
  reset(image: number, state: number): void;
  step(image: number, state: number, sample: number, prediction: number): number;
  run(image: number, state: number, samples: number, predictions: number, count: number): number;
  batch(image: number, states: number, samples: number, predictions: number, count: number): number;
}

const SOURCES = {
  f32: { simd: F32_SIMD, scalar: F32_SCALAR },
  q15: { simd: Q15_SIMD, scalar: Q15_SCALAR },
} as const;

const compiled = new Map<string, WebAssembly.Module>();

/**
 * Makes a fresh instance, with a memory of its own.
 *
 * @throws {Error} when the page's Content-Security-Policy forbids WebAssembly
 */
export function instantiateKernels(numeric: Numeric, simd: boolean): Kernels {
  const base64 = SOURCES[numeric][simd ? "simd" : "scalar"];
  let module = compiled.get(base64);
  if (!module) {
    module = compileModule(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    compiled.set(base64, module);
  }
  return new WebAssembly.Instance(module).exports as unknown as Kernels;
}
