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

/** The ring of forecasts in the state (FORMAT.md 7): addresses. */
export interface Ring {
  /** Indices of the outputs that forecast an input. */
  readonly outputs: readonly number[];
  readonly horizon: number;
  /** u32: steps taken. What is expected, and the residual, are known when it is above the horizon. */
  readonly steps: number;
  /** What was predicted for the latest sample, a value of 4 bytes for each of `outputs`. */
  readonly expected: number;
  /** The latest sample less that. */
  readonly residual: number;
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
  /** Absent when no output forecasts an input. */
  readonly ring?: Ring;
  readonly modelHash: Place;
  readonly vectors: Place & { readonly steps: number };
  /** 0 unless the model takes tokens. */
  readonly vocabulary: number;
  /** Bytes of linear memory in use. */
  readonly memoryBytes: number;
  /** Exported functions that are not those of a model, by name. */
  readonly functions?: Readonly<Record<"forget" | "selftest" | "drive", Call>>;
  /** Further constants that the module exports. */
  readonly constants?: Readonly<Record<string, number>>;
}
