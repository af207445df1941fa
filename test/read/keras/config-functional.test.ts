import { describe, expect, it } from "vitest";
import { type Json, layer, read, refusal } from "./config-json.ts";

/** A call of Keras 3 with tensors as arguments. */
const call = (...tensors: readonly (readonly [string, number, number])[]) => ({
  args: tensors.map((keras_history) => ({ class_name: "__keras_tensor__", config: { keras_history } })),
  kwargs: {},
});

const functional = (layers: readonly unknown[], output_layers: unknown, config: Json = {}) => ({
  class_name: "Functional",
  config: { name: "f", layers, output_layers, ...config },
});

const INPUT = layer("InputLayer", "x", { inbound_nodes: [], config: { name: "x", batch_shape: [null, 5, 3] } });

const GRU = layer("GRU", "g", { inbound_nodes: [call(["x", 0, 0])] });

const DENSE = layer("Dense", "d", { inbound_nodes: [call(["g", 0, 0])] });

describe("readConfig of a functional model", () => {
  it("follows the calls from the output back to the input", () => {
    const found = read(functional([DENSE, INPUT, GRU], [["d", 0, 0]]));
    expect(found.chain.map(({ name }) => name)).toEqual(["g", "d"]);
    expect(found.inputShape).toEqual([5, 3]);
    expect(read({ ...functional([INPUT, GRU], ["g", 0, 0]), class_name: "Model" }).chain).toHaveLength(1);
  });

  it("reads the state of a GRU where it is what follows", () => {
    const state = layer("Dense", "d", { inbound_nodes: [call(["g", 0, 1])] });
    expect(read(functional([INPUT, GRU, state], [["d", 0, 0]])).chain).toMatchObject([
      { name: "g", readsState: true },
      { name: "d", readsState: false },
    ]);
    const of = layer("Dense", "e", { inbound_nodes: [call(["d", 0, 1])] });
    expect(refusal(functional([INPUT, GRU, DENSE, of], [["e", 0, 0]]))).toBe(
      'm.keras: layer "d" (Dense): Has one output only',
    );
  });

  it("puts states aside that come in or go out, since sessions keep them", () => {
    const state = layer("InputLayer", "h", { inbound_nodes: [] });
    const gru = layer("GRU", "g", { inbound_nodes: [call(["x", 0, 0], ["h", 0, 0])] });
    const both = [
      ["d", 0, 0],
      ["g", 0, 1],
    ];
    expect(read(functional([INPUT, state, gru, DENSE], both)).chain.map(({ name }) => name)).toEqual(["g", "d"]);
    expect(
      refusal(
        functional(
          [INPUT, GRU, DENSE],
          [
            ["d", 0, 0],
            ["g", 0, 0],
          ],
        ),
      ),
    ).toBe("m.keras: The model has 2 outputs; convert a model with one");
    expect(
      refusal(
        functional(
          [INPUT, GRU, DENSE],
          [
            ["g", 0, 0],
            ["d", 0, 1],
          ],
        ),
      ),
    ).toContain("has 2 outputs");
    const two = layer("Dense", "d", { inbound_nodes: [call(["g", 0, 0], ["h", 0, 0])] });
    expect(refusal(functional([INPUT, state, GRU, two], [["d", 0, 0]]))).toBe(
      'm.keras: layer "d" (Dense): Reads 2 tensors; only a single chain of layers is read',
    );
    const inner = layer("GRU", "g", { inbound_nodes: [call(["x", 0, 0], ["d", 0, 0])] });
    expect(refusal(functional([INPUT, inner, DENSE], [["g", 0, 0]]))).toContain("Reads 2 tensors");
  });

  it("reads calls of Keras 2, keywords included", () => {
    const old = (...calls: unknown[]) => ({ inbound_nodes: [calls] });
    const state = layer("InputLayer", "h", { inbound_nodes: [] });
    const gru = layer("GRU", "g", old(["x", 0, 0, { initial_state: ["h", 0, 0] }]));
    expect(read(functional([INPUT, state, gru], [["g", 0, 0]])).chain.map(({ name }) => name)).toEqual(["g"]);
    const single = layer("GRU", "g", { inbound_nodes: [["x", 0, 0, {}]] });
    expect(read(functional([INPUT, single], [["g", 0, 0]])).chain).toHaveLength(1);
  });

  it.each([
    [[INPUT, GRU], [], "m.keras: The model has no output"],
    [[INPUT, GRU], [["z", 0, 0]], 'm.keras: There is no layer "z"; the configuration is damaged'],
    [[INPUT, GRU], [["g", 0]], "m.keras: output_layers: Not a reference to a tensor"],
    [[INPUT, GRU], "g", "m.keras: output_layers: Not a JSON array"],
    [
      [INPUT, GRU, layer("Dense", "e", { inbound_nodes: [] })],
      [["g", 0, 0]],
      "Is not on the one path from input to output",
    ],
    [[layer("GRU", "g", { inbound_nodes: [] })], [["g", 0, 0]], "Is called 0 times; use each layer once"],
    [
      [INPUT, layer("GRU", "g", { inbound_nodes: [call(["x", 0, 0]), call(["x", 0, 0])] })],
      [["g", 0, 0]],
      "Is called 2 times",
    ],
    [[INPUT, layer("GRU", "g", { inbound_nodes: [call()] })], [["g", 0, 0]], "Has no input"],
    [[INPUT, layer("GRU", "g", { inbound_nodes: [call(["x", 1, 0])] })], [["g", 0, 0]], 'Reads the second use of "x"'],
    [[layer("GRU", "g", { inbound_nodes: [call(["g", 0, 0])] })], [["g", 0, 0]], "Is used twice; build a model where"],
    [[INPUT, layer("GRU", "g", { inbound_nodes: 5 })], [["g", 0, 0]], "inbound_nodes: Not a JSON array"],
    [[INPUT, layer("GRU", "g", { inbound_nodes: [5] })], [["g", 0, 0]], "inbound_nodes: Not a JSON object"],
  ])("refuses %#", (layers, outputs, message) => {
    expect(refusal(functional(layers, outputs))).toContain(message);
  });

  it("refuses a path that starts at no input", () => {
    const start = layer("InputLayer", "x", { inbound_nodes: [call(["y", 0, 0])] });
    const before = layer("InputLayer", "y", { inbound_nodes: [] });
    expect(read(functional([before, start, GRU], [["g", 0, 0]])).chain.map(({ name }) => name)).toEqual(["g"]);
  });

  it("refuses arguments that are nested too deep", () => {
    let nested: unknown = { class_name: "__keras_tensor__", config: { keras_history: ["x", 0, 0] } };
    for (let depth = 0; depth < 20; depth++) nested = [nested];
    const gru = layer("GRU", "g", { inbound_nodes: [{ args: nested, kwargs: {} }] });
    expect(refusal(functional([INPUT, gru], [["g", 0, 0]]))).toContain("arguments nested too deep");
  });
});
