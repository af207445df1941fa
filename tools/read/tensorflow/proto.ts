// The parts of TensorFlow's protobufs that lead from a folder to its variables: tensor_bundle.proto, trackable_object_graph.proto,
// saved_model.proto with saved_object_graph.proto, and keras/protobuf/saved_metadata.proto. Other fields are skipped.

import protobuf from "protobufjs/light.js";
import { CliError } from "../../errors.ts";
import { checkBudget } from "../protobuf.ts";

/** BundleHeaderProto. */
export interface BundleHeader {
  readonly numShards: number;
  /** 0 little, 1 big. */
  readonly endianness: number;
}

/** BundleEntryProto: where a tensor lies. */
export interface BundleEntry {
  readonly dtype: number;
  readonly shape: { readonly dim: readonly { readonly size: unknown }[] } | null;
  readonly shardId: number;
  readonly offset: unknown;
  readonly size: unknown;
  readonly crc32c: number;
  /** A tensor in several parts, which partitioned variables of TensorFlow 1 have. */
  readonly slices: readonly object[];
}

interface Child {
  readonly nodeId: number;
  readonly localName: string;
}

/** TrackableObjectGraph: the objects of a checkpoint, by which variables are found. */
export interface ObjectGraph {
  readonly nodes: readonly {
    readonly children: readonly Child[];
    readonly attributes: readonly { readonly fullName: string; readonly checkpointKey: string }[];
  }[];
}

/** SavedModel, as far as the objects of Keras. */
export interface SavedModel {
  readonly metaGraphs: readonly {
    readonly metaInfoDef: { readonly tensorflowVersion: string } | null;
    readonly objectGraphDef: {
      readonly nodes: readonly {
        readonly children: readonly Child[];
        readonly userObject: { readonly identifier: string; readonly metadata: string } | null;
      }[];
    } | null;
  }[];
}

/** SavedMetadata: the configurations of Keras, by the path of their object. */
export interface KerasMetadata {
  readonly nodes: readonly { readonly nodePath: string; readonly metadata: string }[];
}

const one = (type: string, id: number) => ({ type, id });
const many = (type: string, id: number) => ({ rule: "repeated", type, id });
const root = protobuf.Root.fromJSON({
  nested: {
    BundleHeader: { fields: { numShards: one("int32", 1), endianness: one("int32", 2) } },
    BundleEntry: {
      fields: {
        dtype: one("int32", 1),
        shape: one("Shape", 2),
        shardId: one("int32", 3),
        offset: one("int64", 4),
        size: one("int64", 5),
        crc32c: one("fixed32", 6),
        slices: many("Nothing", 7),
      },
    },
    Shape: { fields: { dim: many("Dimension", 2) } },
    Dimension: { fields: { size: one("int64", 1) } },
    Nothing: { fields: {} },
    ObjectGraph: { fields: { nodes: many("ObjectNode", 1) } },
    ObjectNode: { fields: { children: many("Child", 1), attributes: many("Variable", 2) } },
    Child: { fields: { nodeId: one("int32", 1), localName: one("string", 2) } },
    Variable: { fields: { fullName: one("string", 2), checkpointKey: one("string", 3) } },
    SavedModel: { fields: { metaGraphs: many("MetaGraph", 2) } },
    MetaGraph: { fields: { metaInfoDef: one("MetaInfo", 1), objectGraphDef: one("SavedObjects", 7) } },
    MetaInfo: { fields: { tensorflowVersion: one("string", 5) } },
    SavedObjects: { fields: { nodes: many("SavedObject", 1) } },
    SavedObject: { fields: { children: many("Child", 1), userObject: one("UserObject", 4) } },
    UserObject: { fields: { identifier: one("string", 1), metadata: one("string", 3) } },
    KerasMetadata: { fields: { nodes: many("KerasNode", 1) } },
    KerasNode: { fields: { nodePath: one("string", 3), metadata: one("string", 5) } },
  },
});

interface Messages {
  readonly BundleHeader: BundleHeader;
  readonly BundleEntry: BundleEntry;
  readonly ObjectGraph: ObjectGraph;
  readonly SavedModel: SavedModel;
  readonly KerasMetadata: KerasMetadata;
}

/**
 * Decodes a message of TensorFlow.
 *
 * @throws {CliError} when the bytes are none, or would become more than `checkBudget` lets through
 */
export function decode<K extends keyof Messages>(type: K, bytes: Uint8Array, where: string): Messages[K] {
  const found = root.lookupType(type);
  try {
    checkBudget(found, bytes);
    return found.decode(bytes) as unknown as Messages[K];
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new CliError(`${where}: Not readable (${text}); copy or save it again`, { cause: error });
  }
}
