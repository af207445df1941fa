// Damaged and hostile files end in one line of error, whatever the bytes are.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { serializeModel } from "../../host/runtime/index.ts";
import { mulberry32 } from "../../tools/demo/pump.ts";
import { CliError } from "../../tools/errors.ts";
import { toModel } from "../../tools/read/network.ts";
import { readOnnx } from "../../tools/read/onnx/index.ts";
import { casePath } from "./onnx-cases.ts";

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
