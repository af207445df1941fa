// Damaged and hostile files end in one line of error, whatever the bytes are.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { serializeModel } from "../../host/runtime/index.ts";
import { CliError } from "../../tools/errors.ts";
import { toModel } from "../../tools/read/network.ts";
import { readOnnx } from "../../tools/read/onnx/index.ts";
import { mulberry32 } from "../support/random.ts";
import { casePath } from "./onnx-cases.ts";
import { GRU_WEIGHTS, gruNode, type NodeInput, onnxFile } from "./onnx-models.ts";

const NAMES = [
  "torch-ts-tokens",
  "torch-dynamo-batch-first",
  "torch-ts-2-cells-no-bias",
  "tf2onnx-like",
  "node-float16",
];
const bytesOf = (name: string) => new Uint8Array(readFileSync(casePath(name)));

/** Reads a file; whether it was refused. Anything but a CliError of one line fails. */
async function isRefused(bytes: Uint8Array): Promise<boolean> {
  try {
    const { network } = await readOnnx(bytes, { path: "model.onnx" });
    const { spec, tensors } = toModel(network, { name: "case" });
    serializeModel(spec, tensors);
    return false;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    expect(error.message).toMatch(/^model\.onnx.*$/);
    return true;
  }
}

/** Changes, copies or drops bytes in a few places. */
function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const below = (limit: number) => Math.floor(random() * limit);
  let mutated = bytes.slice();
  for (let count = 1 + below(3); count > 0; count--) {
    const at = below(mutated.length);
    const kind = below(6);
    if (kind < 3) mutated[at] = below(256);
    else if (kind === 3) mutated[at] = (mutated[at] ?? 0) ^ (1 << below(8));
    else if (kind === 4) mutated.copyWithin(at, below(mutated.length), below(mutated.length));
    else mutated = Uint8Array.from([...mutated.subarray(0, at), ...mutated.subarray(at + below(9))]);
  }
  return mutated;
}

describe("readOnnx", () => {
  for (const [seed, name] of NAMES.entries()) {
    it(`refuses or converts mutations: ${name}`, async () => {
      const [bytes, random] = [bytesOf(name), mulberry32(seed)];
      let refused = 0;
      for (let round = 0; round < 2000; round++) if (await isRefused(mutate(bytes, random))) refused++;
      expect(refused).toBeGreaterThan(500);
    }, 60_000);

    it(`refuses every cut before the end of the graph: ${name}`, async () => {
      const bytes = bytesOf(name);
      for (let length = 0; length < bytes.length - 40; length += 7)
        expect(await isRefused(bytes.slice(0, length))).toBe(true);
    }, 60_000);
  }

  it("refuses a file that is no protobuf at all", async () => {
    expect(await isRefused(new TextEncoder().encode("PK\u0003\u0004 not a model"))).toBe(true);
    expect(await isRefused(new Uint8Array(0))).toBe(true);
  });
});

describe("hostile files", () => {
  it("refuses constants that double and double", async () => {
    const doubling = Array.from(
      { length: 40 },
      (_, i): NodeInput => ["Concat", [`w${i}`, `w${i}`], [`w${i + 1}`], { axis: 0 }],
    );
    const nodes: NodeInput[] = [...doubling, ["GRU", ["x", "w40", "w40"], ["y"], { hidden_size: 2 }]];
    expect(await isRefused(onnxFile({ nodes, weights: { w0: { dims: [64] } } }))).toBe(true);
  });

  it("refuses long chains and nodes with very many inputs", async () => {
    const chain = Array.from({ length: 20_000 }, (_, i): NodeInput => ["Relu", [`y${i}`], [`y${i + 1}`]]);
    const model = {
      weights: GRU_WEIGHTS,
      nodes: [gruNode(), ["Identity", ["Y"], ["y0"]] as const, ...chain],
      outputs: ["y20000"],
    };
    expect(await isRefused(onnxFile(model))).toBe(true);
    const wide: NodeInput = ["Concat", Array<string>(200_000).fill("x"), ["y"], { axis: 0 }];
    expect(await isRefused(onnxFile({ nodes: [wide] }))).toBe(true);
    const shapes = Array.from({ length: 200 }, (_, i): NodeInput => ["Mul", [`s${i}`, `s${i}`], [`s${i + 1}`]]);
    const reshape: NodeInput[] = [["Shape", ["x"], ["s0"]], ...shapes, ["Reshape", ["x", "s200"], ["y"]]];
    expect(await isRefused(onnxFile({ nodes: reshape }))).toBe(true);
  });

  it("refuses nodes that go round in a circle", async () => {
    const nodes: NodeInput[] = [
      ["Relu", ["b"], ["a"]],
      ["Relu", ["a"], ["b"]],
      ["Add", ["x", "b"], ["y"]],
    ];
    expect(await isRefused(onnxFile({ nodes }))).toBe(true);
  });
});
