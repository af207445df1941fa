// What the walk through a graph knows about each value: numbers, or a stream of samples with the role of each of its axes.

import type { CliError } from "../../errors.ts";
import type { Applied, GruLayer } from "../network.ts";

/** An axis of some value in the source; the same object wherever the axis goes. `size` is null when only the run tells it. */
export interface Part {
  readonly size: number | null;
}

/** An axis as the parts that were merged in it, slowest first; none for an axis of size 1 without meaning. */
export type Axis = readonly Part[];

/** The size of an axis: known factor times the sizes of unknown parts. */
export interface Dim {
  readonly factor: number;
  readonly parts: readonly Part[];
}

/** A constant, row-major. */
export interface Constant {
  readonly kind: "constant";
  /** Name of the initializer or of the node that made it, for messages. */
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array;
  readonly integer: boolean;
}

/** A vector (or scalar) of sizes, some of which only the run tells. */
export interface Sizes {
  readonly kind: "sizes";
  readonly scalar: boolean;
  readonly items: readonly Dim[];
}

/** A tensor of one repeated value whose shape does not matter: the zero state. */
export interface Fill {
  readonly kind: "fill";
  readonly value: number;
  /** Name of the input of the graph, when it is a state that the caller carries from run to run. */
  readonly state?: string;
}

/** One step of the chain from the input, the newest first. */
export type Stage = { readonly previous: Stage | null; readonly node: string } & (
  | { readonly op: "embedding"; readonly table: Constant }
  | { readonly op: "gru"; readonly layer: GruLayer }
  | { readonly op: "matmul"; readonly W: Float32Array; readonly rows: number; readonly columns: number }
  | { readonly op: "scale" | "add"; readonly by: Float32Array }
  | ({ readonly op: "activation" } & Applied)
  | { readonly op: "erf" }
);

/** The samples on their way through the chain. */
export interface Stream {
  readonly kind: "stream";
  /** Name of the graph's input it comes from. */
  readonly input: string;
  readonly axes: readonly Axis[];
  /** The axis of the graph's input that holds the values of a sample; undefined when it has none, or before a node tells it. */
  readonly entry?: Part | undefined;
  /** The axis of the values in a sample; undefined before a node tells it. */
  readonly feature?: Part | undefined;
  /** The axis of time: null for a model of a single step, undefined before the first GRU. */
  readonly time?: Part | null | undefined;
  /** Whether only the last step is left. */
  readonly last: boolean;
  /** Whether the source holds whole numbers; `truncated` when a node made them so. */
  readonly whole?: boolean;
  readonly truncated?: boolean;
  readonly stage: Stage | null;
}

/** Last states of several layers, along axis 0. */
export interface Stack {
  readonly kind: "stack";
  readonly items: readonly Stream[];
}

/** A value that cannot be known; whoever needs it throws the error. */
export interface Fault {
  readonly kind: "fault";
  readonly error: CliError;
}

/** What is known about a value. */
export type Value = Constant | Sizes | Fill | Stream | Stack | Fault;

/** An attribute in the types that nodes use here. */
export interface Attributes {
  has(name: string): boolean;
  int(name: string, byDefault: number): number;
  ints(name: string): number[] | undefined;
  float(name: string, byDefault: number): number;
  text(name: string, byDefault: string): string;
  texts(name: string): string[];
  /** Operators in the graph of a loop. */
  operators(name: string): string[];
  tensor(name: string): Constant | undefined;
  /** The list of floats, or nothing. */
  floats(name: string): readonly number[];
}

/** A node at work: its inputs' values, and what to say when it cannot be honoured. */
export interface Site {
  readonly op: string;
  readonly opset: number;
  readonly attributes: Attributes;
  readonly name: string;
  /** Number of results that somebody may ask for. */
  readonly outputs: number;
  /** The value of an input; undefined when it is left out. Throws the fault of an unknown one. */
  input(index: number): Value | undefined;
  /** An error that names file and node. */
  refuse(text: string): CliError;
  /** Notes what was put in the place of what the node asks for, when the user allows it. */
  substitute(text: string): boolean;
  /** Counts the elements of a new constant; throws when a small file makes too many. */
  spend(elements: number): void;
  readonly assumeTorchGru: boolean;
  readonly producer: string;
}

/** The greatest count of elements in a constant, and in all that the walk makes, 2^27. */
export const MAX_ELEMENTS = 2 ** 27;

/** The product of sizes. */
export function product(dims: readonly number[]): number {
  return dims.reduce((total, size) => total * size, 1);
}

/** The input as a constant. */
export function constantInput(site: Site, index: number, what: string): Constant {
  const value = site.input(index);
  if (value?.kind === "constant") return value;
  throw site.refuse(
    `${what} is ${value ? "computed while the model runs" : "missing"}; only a constant can be converted`,
  );
}

/** The input as a stream of samples. */
export function streamInput(site: Site, index: number): Stream {
  const value = site.input(index);
  if (value?.kind === "stream") return value;
  if (value?.kind === "stack")
    throw site.refuse("takes the last states of several layers together; take one layer's state");
  throw site.refuse(
    `input ${index} does not come from the model's input; only one chain from input to output can be converted`,
  );
}

/** The numbers of a constant vector or scalar, or of sizes that are all known. */
export function integers(site: Site, index: number, what: string): number[] | undefined {
  const value = site.input(index);
  if (value === undefined) return undefined;
  if (value.kind === "constant" && value.dims.length <= 1) return [...value.data];
  if (value.kind === "sizes" && value.items.every(({ parts }) => parts.length === 0)) {
    return value.items.map(({ factor }) => factor);
  }
  throw site.refuse(`${what} is computed while the model runs; only a constant can be converted`);
}

/** An axis number counted from the front. */
export function axisOf(site: Site, axis: number, rank: number): number {
  const index = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(index) && index >= 0 && index < rank) return index;
  throw site.refuse(`axis ${axis} is not one of the ${rank} axes of its input`);
}
