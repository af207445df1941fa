// The vocabulary of builds for microcontrollers.

import type { Numeric } from "../../host/model/types.ts";
import type { Region } from "./layout.ts";

/** What will run the module. */
export type Target = "wasm3" | "wamr" | "wasm2c" | "generic";

/**
 * How the weights of q15 GRU layers are stored: 4 bytes each for the fewest operations of an interpreter, 1 byte for interpreters with little memory,
 * or 1 byte in rows for compilers to machine code.
 */
export type Pack = "wide" | "bytes" | "rows";

/** One call of a library function with constant arguments. */
export interface Call {
  readonly name: string;
  readonly args: readonly number[];
  /** The function answers a status, and a step ends with one that is not 0. */
  readonly hasStatus?: boolean;
}

/** A place in linear memory. */
export interface Place {
  readonly address: number;
  /** Bytes. */
  readonly bytes: number;
}

/** What a module does and where its data lies. */
export interface Program {
  readonly numeric: Numeric;
  /** The calls of one step. */
  readonly calls: readonly Call[];
  readonly regions: readonly Region[];
  readonly input: Place;
  readonly output: Place;
  readonly state: Place;
  readonly modelHash: Place;
  readonly vectors: Place & { readonly steps: number };
  /** 0 unless the model takes tokens. */
  readonly vocabulary: number;
  /** Bytes of linear memory in use. */
  readonly memoryBytes: number;
}
