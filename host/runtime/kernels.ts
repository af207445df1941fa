// The WASM modules, compiled once, and one instance for each runtime.

import { F32_SCALAR, F32_SIMD, Q15_SCALAR, Q15_SIMD } from "../../build/kernels.ts";
import type { Numeric } from "../model/types.ts";

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

/** A module with one function that uses a v128: valid only where the engine has SIMD. */
const SIMD_PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** Tells whether this engine runs the SIMD builds. */
export const hasSimd = (): boolean => WebAssembly.validate(SIMD_PROBE);

/**
 * Makes a fresh instance, with a memory of its own.
 *
 * @throws {Error} when the page's Content-Security-Policy forbids WebAssembly
 */
export function instantiateKernels(numeric: Numeric, simd: boolean): Kernels {
  const base64 = SOURCES[numeric][simd ? "simd" : "scalar"];
  let module = compiled.get(base64);
  if (!module) {
    module = compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    compiled.set(base64, module);
  }
  return new WebAssembly.Instance(module).exports as unknown as Kernels;
}

/** What engines say where the policy of a page forbids WebAssembly: each in its own words, of its own class. */
const FORBIDDEN = /unsafe-eval|content.security.policy|\bCSP\b|disallowed by embedder/i;

function compile(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    if (!(cause instanceof Error) || !FORBIDDEN.test(cause.message)) throw cause;
    throw new Error(
      "The page's Content-Security-Policy forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src, which allows no eval of JavaScript",
      { cause },
    );
  }
}
