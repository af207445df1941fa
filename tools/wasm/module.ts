// A WebAssembly module as plain data (WebAssembly Core Specification 2.0, chapter 2). Function bodies stay bytes: instructions.ts reads them.

/** Type of a value. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128" | "funcref" | "externref";

/** Kind of an import or export. */
export type ExternalKind = "function" | "table" | "memory" | "global";

/** Where an item stands in the file it was read from; left out in modules that were made otherwise. */
interface Placed {
  readonly fileOffset?: number;
}

/** Parameters and results of a function. */
export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Sizes of a table in elements or of a memory in pages of 65,536 bytes; `max` is undefined when there is no bound. */
export interface Limits {
  readonly min: number;
  readonly max: number | undefined;
}

/** A table. */
export interface Table extends Limits, Placed {
  readonly type: ValueType;
}

/** A linear memory. */
export interface Memory extends Limits, Placed {
  readonly isShared: boolean;
}

/** Type of a global. */
export interface GlobalType {
  readonly type: ValueType;
  readonly isMutable: boolean;
}

/** A global that the module defines. */
export interface Global extends GlobalType, Placed {
  readonly init: ConstExpression;
}

/** A single constant. Floats are their bits, so that NaNs stay what they are: a u32 for f32, a u64 for f64. */
export type Constant =
  | { readonly kind: "i32.const"; readonly value: number }
  | { readonly kind: "i64.const"; readonly value: bigint }
  | { readonly kind: "f32.const"; readonly value: number }
  | { readonly kind: "f64.const"; readonly value: bigint }
  | { readonly kind: "global.get" | "ref.func"; readonly index: number }
  | { readonly kind: "ref.null"; readonly type: ValueType };

/** A constant expression; `other` is anything but a single constant, as its bytes, the closing `end` included. */
export type ConstExpression = Constant | { readonly kind: "other"; readonly bytes: Uint8Array };

/** What an import has to be. */
export type ImportType =
  | { readonly kind: "function"; readonly type: number }
  | ({ readonly kind: "table" } & Table)
  | ({ readonly kind: "memory" } & Memory)
  | ({ readonly kind: "global" } & GlobalType);

/** An import. Imported items stand first in the index space of their kind. */
export interface Import extends Placed {
  readonly module: string;
  readonly name: string;
  readonly item: ImportType;
}

/** Locals of one type that follow each other. */
export interface LocalRun {
  readonly count: number;
  readonly type: ValueType;
}

/** A function that the module defines; its `fileOffset` is that of the first instruction. */
export interface WasmFunction extends Placed {
  /** Index into `types`. */
  readonly type: number;
  /** Locals behind the parameters. */
  readonly locals: readonly LocalRun[];
  /** The instructions, the closing `end` included; a view of the file it was read from. */
  readonly body: Uint8Array;
}

/** An export; `index` counts the imports of its kind first. */
export interface Export extends Placed {
  readonly name: string;
  readonly kind: ExternalKind;
  readonly index: number;
}

/** Where an element segment goes. */
export type ElementPlace =
  | { readonly kind: "active"; readonly table: number; readonly start: ConstExpression }
  | { readonly kind: "passive" | "declarative" };

/** An element segment; `items` are indices of functions, or expressions. */
export interface ElementSegment extends Placed {
  readonly place: ElementPlace;
  readonly type: ValueType;
  readonly items: readonly number[] | readonly ConstExpression[];
}

/** Where a data segment goes. */
export type DataPlace =
  | { readonly kind: "active"; readonly memory: number; readonly address: ConstExpression }
  | { readonly kind: "passive" };

/** A data segment; `bytes` are a view of the file it was read from. */
export interface DataSegment extends Placed {
  readonly place: DataPlace;
  readonly bytes: Uint8Array;
}

/** A custom section; `after` is the id of the section before it, 0 at the start. */
export interface CustomSection extends Placed {
  readonly name: string;
  readonly after: number;
  readonly bytes: Uint8Array;
}

/** A module. */
export interface WasmModule {
  readonly types: readonly FunctionType[];
  readonly imports: readonly Import[];
  /** Functions that the module defines; their indices follow those of the imported ones. */
  readonly functions: readonly WasmFunction[];
  readonly tables: readonly Table[];
  readonly memories: readonly Memory[];
  readonly globals: readonly Global[];
  readonly exports: readonly Export[];
  /** Index of the function that runs when the module is instantiated. */
  readonly start: number | undefined;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  /** Whether the count of data segments stands before the code, which memory.init and data.drop need. */
  readonly hasDataCount: boolean;
  readonly customs: readonly CustomSection[];
}

/** A module that holds nothing. */
export const EMPTY_MODULE: WasmModule = {
  types: [],
  imports: [],
  functions: [],
  tables: [],
  memories: [],
  globals: [],
  exports: [],
  start: undefined,
  elements: [],
  data: [],
  hasDataCount: false,
  customs: [],
};

/** Answers how many items of a kind a module imports: the index of the first that it defines. */
export function importedCount({ imports }: WasmModule, kind: ExternalKind): number {
  return imports.filter(({ item }) => item.kind === kind).length;
}

/** Section ids in the order in which they stand in a file: the count of data segments (12) before the code. */
export const SECTION_ORDER = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11] as const;

/** Names of the sections by id. */
export const SECTION_NAMES = [
  "custom",
  "type",
  "import",
  "function",
  "table",
  "memory",
  "global",
  "export",
  "start",
  "element",
  "code",
  "data",
  "data count",
] as const;

/** The byte of each value type. */
export const VALUE_TYPE_BYTES: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
  funcref: 0x70,
  externref: 0x6f,
};

/** The kinds of imports and exports by their byte. */
export const EXTERNAL_KINDS = ["function", "table", "memory", "global"] as const;
