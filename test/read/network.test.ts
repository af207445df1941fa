import { describe, expect, it } from "vitest";
import { type Network, toModel } from "../../tools/read/network.ts";

/** One dense row over one input. */
function network(lastOnly: boolean): Network {
  const layer = {
    kind: "dense",
    name: "fc",
    size: 1,
    activation: "linear",
    W: Float32Array.of(2),
    b: Float32Array.of(1),
  } as const;
  return { inputs: 1, layers: [layer], lastOnly, substitutions: [] };
}

describe("toModel", () => {
  it("notes that the source answers at its last step only, for `inspect` to say", () => {
    expect(toModel(network(true), { name: "m" }).spec.provenance).toEqual({
      answers: "at every step; the source answers at its last step only",
    });
  });

  it("notes nothing of a source that answers at every step", () => {
    expect(toModel(network(false), { name: "m" }).spec.provenance).toBeUndefined();
  });
});
