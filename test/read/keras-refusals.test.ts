import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CliError } from "../../tools/errors.ts";
import { readZip } from "../../tools/read/zip.ts";
import { read } from "./keras-altered.ts";
import { caseFile, readCase } from "./keras-cases.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations are changed at will
type Json = Record<string, any>;

/** A case whose configuration is changed. */
function altered(name: string, change: (layers: Json[], config: Json) => void): Uint8Array {
  const parts = readZip(caseFile(`${name}.keras`), name);
  const config = JSON.parse(new TextDecoder().decode(parts.get("config.json")));
  change(config.config.layers, config);
  return zipSync({ ...Object.fromEntries(parts), "config.json": new TextEncoder().encode(JSON.stringify(config)) });
}

/** The message with which an altered `reset-after` (InputLayer, GRU) is refused. */
async function refusal(change: (layers: Json[], config: Json) => void, name = "reset-after"): Promise<string> {
  const error = await read(altered(name, change)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CliError);
  expect((error as CliError).message).not.toContain("\n");
  return (error as CliError).message;
}

const gru = (attributes: Json) => refusal((layers) => void Object.assign(layers[1]!.config, attributes));

describe("readKeras refuses, with layer, attribute and remedy,", () => {
  it("a GRU that goes backwards", async () => {
    expect(await gru({ go_backwards: true })).toMatch(
      /^m\.keras: layer "gru\w*" \(GRU\): go_backwards is true; .*train with go_backwards=False$/,
    );
  });

  it("time-major data", async () => {
    expect(await gru({ time_major: true })).toContain("time_major is true");
  });

  it("other activations", async () => {
    expect(await gru({ activation: "relu" })).toContain('activation is "relu"; only "tanh" is supported');
    expect(await gru({ recurrent_activation: "tanh" })).toContain(
      'recurrent_activation is "tanh"; only "sigmoid" and "hard_sigmoid"',
    );
    expect(await gru({ activation: { class_name: "Custom" } })).toContain("activation is {");
  });

  it("nothing of hard_sigmoid, which becomes sigmoid where approximations are allowed", async () => {
    const bytes = altered("reset-after", (layers) => {
      layers[1]!.config.recurrent_activation = "hard_sigmoid";
    });
    const { network } = await read(bytes, { allowApproximate: true });
    expect(network.substitutions).toEqual([
      expect.stringMatching(/^layer "gru\w*" \(GRU\): sigmoid in place of recurrent_activation hard_sigmoid$/),
    ]);
  });

  it("an attribute that it does not know", async () => {
    expect(await gru({ clip_state: 3 })).toContain("clip_state is 3; this attribute is not known");
    const off = altered("reset-after", (layers) => void Object.assign(layers[1]!.config, { clip_state: null }));
    expect((await read(off)).network.layers).toHaveLength(1);
  });

  it("quantized weights", async () => {
    expect(await gru({ dtype: "int8_from_float32" })).toContain("convert the model before it is quantized");
  });

  it("a reset_after that the bias contradicts", async () => {
    expect(await gru({ reset_after: false })).toContain(
      "bias with reset_after=False has the shape [2, 18], expected [18]",
    );
  });

  it("masks", async () => {
    const mask = (layers: Json[]) => void Object.assign(layers[1]!.config, { mask_zero: true });
    expect(await refusal(mask, "embedding-batch-norm")).toContain("mask_zero is true; masks are not supported");
  });

  it.each(["Bidirectional", "LayerNormalization", "Masking", "LSTM", "CuDNNGRU", "Lambda", "__proto__"])(
    "a layer %s",
    async (className) => {
      expect(await refusal((layers) => void Object.assign(layers[1]!, { class_name: className }))).toContain(
        `layer ${className} is refused: `,
      );
    },
  );

  it("a class of that name from elsewhere", async () => {
    expect(await refusal((layers) => void Object.assign(layers[1]!, { module: "mine" }))).toContain(
      "class of module mine",
    );
  });

  it("a class that a script registered under the name of one of Keras, in any place", async () => {
    const own = { module: null, registered_name: "mine>GRU" };
    expect(await refusal((layers) => void Object.assign(layers[1]!, own))).toMatch(
      /^m\.keras: layer "gru\w*" \(GRU\): Is the class mine>GRU, which a script registered/,
    );
    const cell = (layers: Json[]) => void Object.assign(layers[1]!.config.cell, own);
    expect(await refusal(cell, "cell-reset-after")).toContain("Is the class mine>GRU");
    const timed = (layers: Json[]) => void Object.assign(layers[2]!.config.layer, own);
    expect(await refusal(timed, "time-distributed")).toContain("Is the class mine>GRU");
    const nested = (layers: Json[]) => void Object.assign(layers[1]!.config.layers[1], own);
    expect(await refusal(nested, "nested")).toContain("Is the class mine>GRU");
    expect(await refusal((_, config) => void Object.assign(config, { registered_name: "mine>Sequential" }))).toContain(
      "Is the class mine>Sequential",
    );
  });

  it("a layer that cannot stream, with the nearest way that works", async () => {
    const named = (className: string) => refusal((layers) => void Object.assign(layers[1]!, { class_name: className }));
    expect(await named("Conv1D")).toContain(
      "a convolution or pooling needs a window of samples at once; train without",
    );
    expect(await named("GlobalAveragePooling1D")).toContain("needs a window of samples");
    expect(await named("MultiHeadAttention")).toContain("looks at the whole sequence");
    expect(await named("Concatenate")).toContain("no chain; train one chain of layers");
    expect(await named("Lambda")).toContain("is Python code, which is not run; put a layer of Keras in its place");
    expect(await named("Flatten")).toContain("train with return_sequences=False in the GRU before it");
  });

  it("a slice that is not the last step", async () => {
    const step = (index: unknown) => (layers: Json[]) => {
      const slicing = layers.find(({ class_name: name }) => name === "GetItem")!;
      slicing.inbound_nodes[0].args[1][1] = index;
    };
    const text = "only the last step of a sequence is read, as x[:, -1]";
    expect(await refusal(step(0), "last-by-slice")).toContain(text);
    const slice = { class_name: "__slice__", config: { start: -1, stop: null, step: null } };
    expect(await refusal(step(slice), "last-by-slice")).toContain(text);
  });

  it("reads x[:, -1] of Keras 2", async () => {
    const spec = [{ start: null, stop: null, step: null }, -1];
    const bytes = altered("last-by-slice", (layers) => {
      const slicing = layers.find(({ class_name: name }) => name === "GetItem")!;
      const [before] = slicing.inbound_nodes[0].args[0].config.keras_history;
      slicing.class_name = "SlicingOpLambda";
      slicing.module = "keras.layers";
      slicing.config.function = "__operators__.getitem";
      slicing.inbound_nodes = [[before, 0, 0, { slice_spec: spec }]];
    });
    expect((await read(bytes)).network.lastOnly).toBe(true);
  });

  it("a layer of 16 bits that Keras saved half built", async () => {
    const narrow = (layers: Json[]) =>
      void layers.splice(2, 1, { ...layers[1]!, config: { ...layers[1]!.config, name: "narrow", dtype: "float16" } });
    expect(await refusal(narrow, "stateful")).toMatch(
      /layer "narrow" \(GRU\): kernel, recurrent_kernel, bias of this float16 layer are not in the file: Keras saved it half built, .*saving again cannot help/,
    );
  });

  it("a softmax before the last layer", async () => {
    const early = (layers: Json[]) => void Object.assign(layers[3]!.config, { activation: "softmax" });
    expect(await refusal(early, "stacked-names")).toContain(
      'layer "dense_1": softmax is supported in the last layer only',
    );
  });

  it("a sequence layer after the last output", async () => {
    const change = (layers: Json[]) => void Object.assign(layers[1]!.config, { return_sequences: false });
    expect(await refusal(change, "last-of-two")).toContain("set return_sequences=True there");
  });

  it("weights that are left over, listed", async () => {
    expect(await refusal((layers) => void layers.pop(), "stateful")).toContain(
      "Weights that no layer uses: layers/dense/vars/0, layers/dense/vars/1",
    );
  });

  it("weights that are missing, listed", async () => {
    const change = (layers: Json[]) =>
      void layers.push({ ...layers.at(-1)!, config: { ...layers.at(-1)!.config, name: "d" } });
    expect(await refusal(change, "stateful")).toContain(
      'layer "d" (Dense): kernel, bias are missing from the weights (no dataset layers/dense_1/vars/0, layers/dense_1/vars/1)',
    );
  });

  it("weights of another layer than the configuration names", async () => {
    expect(await gru({ name: "other" })).toMatch(/Its weights layers\/gru belong to a layer "gru\w*"/);
  });

  it("a branch, a second output and a layer used twice", async () => {
    const branch = (layers: Json[]) =>
      void layers.push({ ...layers[1]!, name: "b", config: { ...layers[1]!.config, name: "b" } });
    expect(await refusal(branch, "functional")).toContain('layer "b" (BatchNormalization): Is not on the one path');
    const output = (layers: Json[], { config }: Json) => {
      config.output_layers = [config.output_layers, [layers[2]!.name, 0, 0]];
    };
    expect(await refusal(output, "functional")).toContain("The model has 2 outputs");
    const twice = (layers: Json[]) => void layers[2]!.inbound_nodes.push(layers[2]!.inbound_nodes[0]);
    expect(await refusal(twice, "functional")).toContain("Is called 2 times");
  });

  it("weights without a configuration, and a configuration too many", async () => {
    await expect(read(caseFile("weights.weights.h5"))).rejects.toThrow(/Holds weights only; .*--config/);
    await expect(read(caseFile("stateful.keras"), { config: "{}" })).rejects.toThrow(
      /Holds its own configuration; leave out --config/,
    );
    await expect(read(caseFile("weights.weights.h5"), { config: "{" })).rejects.toThrow(/Not JSON/);
    await expect(read(Uint8Array.of(1, 2, 3))).rejects.toThrow(/Neither a \.keras file nor an HDF5 file/);
  });

  it("weights that are not finite", async () => {
    const { network } = await readCase({ name: "legacy", file: "legacy.h5" });
    const bytes = Buffer.from(caseFile("legacy.h5"));
    const value = Buffer.from(network.layers.at(-1)!.b.slice(0, 1).buffer);
    bytes.writeFloatLE(Number.NaN, bytes.indexOf(value));
    await expect(read(bytes)).rejects.toThrow(
      'layer "head" (Dense): bias holds NaN at element 0; the training diverged',
    );
  });
});
