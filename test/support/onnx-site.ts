// A node of an ONNX graph at work, without a graph.

import { CliError } from "../../tools/errors.ts";
import {
  type Constant,
  product,
  type Site,
  type Sizes,
  type Stream,
  type Value,
} from "../../tools/read/onnx/values.ts";

/** What a node has beside its inputs. */
export interface SiteInput {
  readonly opset?: number;
  /** How many results it has; default 1. */
  readonly outputs?: number;
  readonly attributes?: Readonly<Record<string, number | string | readonly number[] | readonly string[]>>;
  /** Called with the elements of every new constant. */
  readonly spend?: (elements: number) => void;
}

/** A node `op` over these inputs; an attribute that is a number is an integer or a float, a list of numbers is ints and floats. */
export function siteOf(op: string, inputs: readonly (Value | undefined)[], of: SiteInput = {}): Site {
  const { opset = 17, outputs = 1, attributes = {}, spend = () => {} } = of;
  const number = (name: string, byDefault: number) => (attributes[name] as number | undefined) ?? byDefault;
  return {
    op,
    opset,
    name: op.toLowerCase(),
    outputs,
    attributes: {
      has: (name) => Object.hasOwn(attributes, name),
      int: number,
      float: number,
      ints: (name) => attributes[name] as number[] | undefined,
      floats: (name) => (attributes[name] as number[] | undefined) ?? [],
      text: (name, byDefault) => (attributes[name] as string | undefined) ?? byDefault,
      texts: (name) => (attributes[name] as string[] | undefined) ?? [],
      operators: () => [],
      tensor: () => undefined,
    },
    input: (index) => inputs[index],
    refuse: (text) => new CliError(`m.onnx: ${op} ${text}`),
    substitute: () => false,
    spend,
    assumeTorchGru: false,
    producer: "test",
  };
}

/** A constant of these numbers; 0, 1, 2, … where none are given. */
export function constant(dims: readonly number[], values?: readonly number[], isInteger = false): Constant {
  const numbers = values ?? Array.from({ length: product(dims) }, (_, at) => at);
  const data = isInteger ? Float64Array.from(numbers) : Float32Array.from(numbers);
  return { kind: "constant", name: "c", dims, data, integer: isInteger };
}

/** A vector of whole numbers, as shapes and axes are given. */
export const integers = (...values: number[]): Constant => constant([values.length], values, true);

/** A whole number without an axis. */
export const scalar = (value: number): Constant => constant([], [value], true);

/** Sizes, of which `null` is known to the run only. */
export function sizes(...values: (number | null)[]): Sizes {
  return {
    kind: "sizes",
    scalar: false,
    items: values.map((value) =>
      value === null ? { factor: 1, parts: [{ size: null }] } : { factor: value, parts: [] },
    ),
  };
}

/** Samples of `size` values [batch][size] behind `stage`, with the axis of the values known. */
export function samplesOf(size: number, of: Partial<Stream> = {}): Stream {
  const feature = { size };
  return { kind: "stream", input: "x", axes: [[{ size: 2 }], [feature]], feature, last: false, stage: null, ...of };
}

/** The stages of a stream, the oldest first, without what comes before each. */
export function stagesOf({ stage }: Stream): object[] {
  const stages: object[] = [];
  for (let at = stage; at; at = at.previous) {
    const { previous: _, ...own } = at;
    stages.unshift(own);
  }
  return stages;
}
