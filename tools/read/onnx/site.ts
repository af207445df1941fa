import { CliError } from "../../errors.ts";
import { int64 } from "../protobuf.ts";
import type { NodeProto } from "./proto.ts";
import { type ReadExternal, readTensor } from "./tensors.ts";
import type { Attributes, Site, Value } from "./values.ts";

/** What all nodes of a graph share. */
export interface Surroundings {
  readonly path: string;
  readonly opset: number;
  readonly producer: string;
  readonly assumeTorchGru: boolean;
  readonly allowApproximate: boolean;
  readonly readExternal: ReadExternal;
  readonly values: ReadonlyMap<string, Value>;
  /** Elements of constants that may still be made. */
  readonly budget: { left: number };
  /** One line for each thing that was put in the place of another. */
  readonly substitutions: string[];
}

/** How messages call a node: its name and type, or what it makes when it has no name. */
export function nameOf(node: NodeProto): string {
  return node.name || node.output.find((name) => name !== "") || node.opType;
}

/** A node among the values that were found before it. */
export function siteOf(node: NodeProto, around: Surroundings): Site {
  const name = nameOf(node);
  const refuse = (text: string) => new CliError(`${around.path}: node "${name}" (${node.opType}): ${text}`);
  return {
    op: node.opType,
    name,
    opset: around.opset,
    producer: around.producer,
    assumeTorchGru: around.assumeTorchGru,
    outputs: node.output.length,
    attributes: attributesOf(node, around),
    refuse,
    input(index) {
      const source = node.input[index];
      if (source === undefined || source === "") return undefined;
      const value = around.values.get(source);
      if (!value)
        throw refuse(`takes "${source}", which nothing before it makes; the file is damaged, export it again`);
      if (value.kind === "fault") throw value.error;
      return value;
    },
    spend(elements) {
      around.budget.left -= elements;
      if (!(around.budget.left >= 0))
        throw refuse("makes constants of more than 2^27 elements; fold constants before exporting");
    },
    substitute(text) {
      if (!around.allowApproximate) return false;
      around.substitutions.push(`Node "${name}": ${text}`);
      return true;
    },
  };
}

function attributesOf(node: NodeProto, { path, readExternal }: Surroundings): Attributes {
  const find = (name: string) => node.attribute.find((one) => one.name === name);
  // A field without a value is an empty array, which is no view of bytes.
  const text = (bytes: Uint8Array) => new TextDecoder().decode(Uint8Array.from(bytes));
  return {
    has: (name) => find(name) !== undefined,
    int: (name, byDefault) => {
      const found = find(name);
      return found ? int64(found.i) : byDefault;
    },
    ints: (name) => find(name)?.ints.map(int64),
    float: (name, byDefault) => find(name)?.f ?? byDefault,
    text: (name, byDefault) => {
      const found = find(name);
      return found ? text(found.s) : byDefault;
    },
    texts: (name) => (find(name)?.strings ?? []).map(text),
    operators: (name) => (find(name)?.g?.node ?? []).map(({ opType }) => opType),
    floats: (name) => find(name)?.floats ?? [],
    tensor: (name) => {
      const tensor = find(name)?.t;
      return tensor ? readTensor(tensor, path, readExternal) : undefined;
    },
  };
}
