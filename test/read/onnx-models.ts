// Hand-made ONNX files for tests.

import protobuf from "protobufjs/light.js";
import { toHalf } from "../../tools/read/half.ts";
import { Model } from "../../tools/read/onnx/proto.ts";

// What the reader does not need, and onnxruntime asks for: IR version, type of an attribute.
Model.add(new protobuf.Field("irVersion", 1, "int64"));
Model.root.lookupType("Attribute").add(new protobuf.Field("type", 20, "int32"));

/** An attribute's value: integer, list of integers, text, list of texts, a float as { f }, a list of them as { floats }, or a graph by its operators as { body }. */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly f: number }
  | { readonly floats: readonly number[] }
  | { readonly body: readonly string[] };

/** A node: type, inputs, outputs, attributes. */
export type NodeInput = readonly [
  op: string,
  input: readonly string[],
  output: readonly string[],
  attributes?: Readonly<Record<string, AttributeValue>>,
];

/** A float tensor, by shape; its values are small and differ. */
export interface WeightInput {
  readonly dims: readonly number[];
  readonly values?: readonly number[];
  readonly integer?: boolean;
}

/** A model file in parts. */
export interface ModelInput {
  readonly opset?: number;
  /** Whether inputs and weights are float16. */
  readonly half?: boolean;
  readonly producer?: string;
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
  readonly outputs?: readonly string[];
  readonly weights?: Readonly<Record<string, WeightInput>>;
  readonly nodes: readonly NodeInput[];
}

function attributeOf([name, value]: [string, AttributeValue]): object {
  const bytes = (text: string) => new TextEncoder().encode(text);
  if (typeof value === "number") return { name, i: value, type: 2 };
  if (typeof value === "string") return { name, s: bytes(value), type: 3 };
  if ("body" in value) return { name, g: { node: value.body.map((opType) => ({ opType })) }, type: 5 };
  if ("floats" in value) return { name, floats: value.floats, type: 6 };
  if ("f" in value) return { name, f: value.f, type: 1 };
  return value.every((item) => typeof item === "string")
    ? { name, strings: value.map(bytes), type: 8 }
    : { name, ints: value, type: 7 };
}

function tensorOf([name, { dims, values, integer }]: [string, WeightInput], half: boolean): object {
  const count = dims.reduce((total, size) => total * size, 1);
  const numbers = values ?? Array.from({ length: count }, (_, i) => Math.sin(i + dims.length) / 2);
  if (half && !integer) return { name, dims, dataType: 10, int32Data: numbers.map(toHalf) };
  return { name, dims, ...(integer ? { dataType: 7, int64Data: numbers } : { dataType: 1, floatData: numbers }) };
}

/** The bytes of a model file; a size of 0 in an input's shape is left open. */
export function onnxFile({
  opset = 17,
  half = false,
  producer = "test",
  inputs = { x: [0, 0, 3] },
  outputs = ["y"],
  weights = {},
  nodes,
}: ModelInput): Uint8Array {
  const value = (name: string, shape?: readonly number[]) => ({
    name,
    type: {
      tensorType: {
        elemType: half ? 10 : 1,
        ...(shape && { shape: { dim: shape.map((dimValue) => (dimValue ? { dimValue } : {})) } }),
      },
    },
  });
  const graph = {
    node: nodes.map(([opType, input, output, attributes = {}]) => ({
      opType,
      input,
      output,
      name: `${opType.toLowerCase()}_${output[0]}`,
      attribute: Object.entries(attributes).map(attributeOf),
    })),
    initializer: Object.entries(weights).map((entry) => tensorOf(entry, half)),
    input: Object.entries(inputs).map(([name, shape]) => value(name, shape)),
    output: outputs.map((name) => value(name)),
  };
  const model = { irVersion: 8, producerName: producer, opsetImport: [{ domain: "", version: opset }], graph };
  return Model.encode(Model.fromObject(model)).finish();
}

/** W, R and B of a GRU of 2 units over 3 values. */
export const GRU_WEIGHTS: Readonly<Record<string, WeightInput>> = {
  W: { dims: [1, 6, 3] },
  R: { dims: [1, 6, 2] },
  B: { dims: [1, 12] },
};

/** The node of that GRU over x; it makes Y and Yh. */
export function gruNode(
  attributes: Readonly<Record<string, AttributeValue>> = {},
  extra: readonly string[] = [],
): NodeInput {
  return ["GRU", ["x", "W", "R", "B", ...extra], ["Y", "Yh"], { hidden_size: 2, ...attributes }];
}
