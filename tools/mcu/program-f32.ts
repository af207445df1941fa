// What a module does with an f32 model: the host's scalar step (assembly/f32/network.ts) over an image at a fixed address.

import { hashBytes } from "../../host/model/hash.ts";
import type { Model } from "../../host/model/types.ts";
import { packF32 } from "../../host/runtime/image-f32.ts";
import { placeRing } from "./forecasts.ts";
import { Layout } from "./layout.ts";
import type { Call, Program } from "./types.ts";
import type { Vectors } from "./vectors.ts";

/**
 * Plans the module of an f32 model.
 *
 * @param start  first address behind the constants of the library
 */
export function planF32(model: Model, vectors: Vectors, start: number): Program {
  const { spec, hash } = model;
  const image = packF32(model);
  const layout = new Layout(start);
  const inputBytes = 4 * spec.inputs.length;
  const outputBytes = 4 * spec.outputs.length;
  const input = { address: layout.space("input", inputBytes, 16), bytes: inputBytes };
  const output = { address: layout.space("output", outputBytes, 16), bytes: outputBytes };
  const state = { address: layout.space("state", image.stateBytes, 16), bytes: image.stateBytes };
  const modelHash = { address: layout.data("model hash", hashBytes(hash)), bytes: 16 };
  const tests = { address: layout.data("self-test", vectors.words), bytes: vectors.words.length, steps: vectors.steps };
  const weights = layout.data("weights", image.bytes, 16);
  layout.space("work space", image.scratchBytes, 16);
  const ring = placeRing(spec, state.address + image.ringOffset);
  const calls: Call[] = [
    { name: "step", args: [weights, state.address, input.address, output.address], hasStatus: true },
  ];
  if (ring) {
    const map = weights + image.forecastsOffset;
    calls.push({ name: "residuals", args: [map, state.address + image.ringOffset, input.address, output.address] });
  }
  return {
    numeric: "f32",
    calls,
    regions: layout.regions,
    input,
    output,
    state,
    ...(ring && { ring }),
    modelHash,
    vectors: tests,
    vocabulary: spec.embedding?.vocabulary ?? 0,
    memoryBytes: layout.end,
  };
}
