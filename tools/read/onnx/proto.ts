// The part of onnx.proto (onnx/onnx.proto, IR version 3 to 12) that a reader of weights needs; other fields are skipped.

import protobuf from "protobufjs/light.js";
import { CliError } from "../../errors.ts";
import { checkBudget } from "../protobuf.ts";

/** TensorProto; int64 fields are numbers or objects of the library `long`. */
export interface TensorProto {
  readonly dims: readonly unknown[];
  readonly dataType: number;
  readonly segment: object | null;
  readonly floatData: readonly number[];
  readonly int32Data: readonly number[];
  readonly int64Data: readonly unknown[];
  readonly doubleData: readonly number[];
  readonly name: string;
  readonly rawData: Uint8Array;
  readonly externalData: readonly { readonly key: string; readonly value: string }[];
  readonly dataLocation: number;
}

/** AttributeProto. */
export interface AttributeProto {
  readonly name: string;
  readonly f: number;
  readonly i: unknown;
  readonly s: Uint8Array;
  readonly t: TensorProto | null;
  /** The graph of a loop or a branch: only what tells its kind. */
  readonly g: { readonly node: readonly { readonly opType: string }[] } | null;
  readonly floats: readonly number[];
  readonly ints: readonly unknown[];
  readonly strings: readonly Uint8Array[];
}

/** NodeProto. */
export interface NodeProto {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly name: string;
  readonly opType: string;
  readonly attribute: readonly AttributeProto[];
  readonly domain: string;
}

/** ValueInfoProto of a graph's input or output. */
export interface ValueInfoProto {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue: unknown }[] } | null;
    } | null;
  } | null;
}

/** ModelProto with its graph. */
export interface ModelProto {
  readonly producerName: string;
  readonly producerVersion: string;
  readonly opsetImport: readonly { readonly domain: string; readonly version: unknown }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly sparseInitializer: readonly unknown[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
  } | null;
}

const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: "repeated", type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        producerName: one("string", 2),
        producerVersion: one("string", 3),
        graph: one("Graph", 7),
        opsetImport: many("OperatorSetId", 8),
      },
    },
    OperatorSetId: { fields: { domain: one("string", 1), version: one("int64", 2) } },
    Graph: {
      fields: {
        node: many("Node", 1),
        name: one("string", 2),
        initializer: many("Tensor", 5),
        input: many("ValueInfo", 11),
        output: many("ValueInfo", 12),
        sparseInitializer: many("Sparse", 15),
      },
    },
    Sparse: { fields: {} },
    Node: {
      fields: {
        input: many("string", 1),
        output: many("string", 2),
        name: one("string", 3),
        opType: one("string", 4),
        attribute: many("Attribute", 5),
        domain: one("string", 7),
      },
    },
    Attribute: {
      fields: {
        name: one("string", 1),
        f: one("float", 2),
        i: one("int64", 3),
        s: one("bytes", 4),
        t: one("Tensor", 5),
        g: one("Body", 6),
        floats: many("float", 7),
        ints: many("int64", 8),
        strings: many("bytes", 9),
      },
    },
    Body: { fields: { node: many("BodyNode", 1) } },
    BodyNode: { fields: { opType: one("string", 4) } },
    Tensor: {
      fields: {
        dims: many("int64", 1),
        dataType: one("int32", 2),
        segment: one("Segment", 3),
        floatData: many("float", 4),
        int32Data: many("int32", 5),
        int64Data: many("int64", 7),
        name: one("string", 8),
        rawData: one("bytes", 9),
        doubleData: many("double", 10),
        externalData: many("Entry", 13),
        dataLocation: one("int32", 14),
      },
    },
    Segment: { fields: {} },
    Entry: { fields: { key: one("string", 1), value: one("string", 2) } },
    ValueInfo: { fields: { name: one("string", 1), type: one("Type", 2) } },
    Type: { fields: { tensorType: one("TensorType", 1) } },
    TensorType: { fields: { elemType: one("int32", 1), shape: one("Shape", 2) } },
    Shape: { fields: { dim: many("Dimension", 1) } },
    Dimension: { fields: { dimValue: one("int64", 1) } },
  },
});
/** The type of the whole file. */
export const Model = root.lookupType("Model");

/**
 * Reads the bytes of an ONNX file.
 *
 * @throws {CliError} when they are not a ModelProto with a graph
 */
export function decodeModel(bytes: Uint8Array, path: string): ModelProto & { graph: NonNullable<ModelProto["graph"]> } {
  let model: ModelProto;
  try {
    checkBudget(Model, bytes);
    model = Model.decode(bytes) as unknown as ModelProto;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new CliError(`${path} is not a readable ONNX file (${text}); export the model again`, { cause: error });
  }
  const { graph } = model;
  if (!graph || graph.node.length === 0) {
    throw new CliError(`${path} is not an ONNX model: it holds no graph with nodes; export the model again`);
  }
  return Object.assign(model, { graph });
}
