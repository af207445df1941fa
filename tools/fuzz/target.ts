import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Material } from "./mutate.ts";

/** A reader to be fuzzed. */
export interface Target extends Material {
  /** Reads an input. Throws nothing but `refusals`, and answers in bounded time and memory. */
  read(bytes: Uint8Array): unknown;
  /** Makes the checksums of an input right again, so that the checks behind them are reached; done to half of the inputs. */
  readonly seal?: (bytes: Uint8Array) => Uint8Array;
  /** What a damaged input may end in; anything else is a finding. */
  readonly refusals: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
  /** Refusals hold no control characters: they quote a file whose names may be anything. */
  readonly isOneLine?: boolean;
}

const VECTORS = "test/vectors";
const MAX_SEED_BYTES = 1 << 17;

/** The committed files of a folder of test/vectors with one of the endings; small ones only. */
export function filesOf(folder: string, ...endings: readonly string[]): Uint8Array[] {
  return readdirSync(path.join(VECTORS, folder))
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => readFileSync(path.join(VECTORS, folder, name)))
    .filter((bytes) => bytes.length <= MAX_SEED_BYTES);
}

/** Texts as inputs. */
export const texts = (...lines: readonly string[]): Uint8Array[] => lines.map((line) => new TextEncoder().encode(line));

const PUNCTUATION = ["{", "}", "[", "]", '"', ",", ":", "null", "1e999", "-", "__proto__", "\\u0000"];

/** What is worth standing in a wrong place of JSON, nesting that exhausts a stack among it. */
export const JSON_TOKENS = [
  ...PUNCTUATION,
  "[".repeat(20_000),
  `,${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  '{"a":'.repeat(8000),
];

/** The same of YAML, whose parser is slower. */
export const YAML_TOKENS = [
  ...PUNCTUATION,
  "[".repeat(4000),
  ...["&a", "*a", "<<: *a", "!!set ", "!!binary ", "!!omap ", "? ", "- ", "|\n", "\t", "---\n", "#"],
];
