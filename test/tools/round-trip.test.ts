import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import { readContainer, writeContainer } from "../../host/model/safetensors.ts";
import { type ExportFormat, exportWeights, type FloatTensor } from "../../tools/export/layers.ts";
import { readArchive } from "../../tools/read/keras/archive.ts";
import { readHdf5 } from "../../tools/read/keras/hdf5.ts";
import { readKeras } from "../../tools/read/keras/index.ts";
import { type Network, toModel } from "../../tools/read/network.ts";
import { readPytorch } from "../../tools/read/pytorch/index.ts";
import { randomF32Model } from "../support/models.ts";

const file = (name: string) => new Uint8Array(readFileSync(`test/vectors/${name}`));

function convertAndExport(network: Network, to: ExportFormat) {
  const { spec, tensors } = toModel(network, { name: "case" });
  return exportWeights(parseModel(serializeModel(spec, tensors)), to).tensors;
}

/** Shape and bits, so that −0 is not 0. */
const exact = ({ shape, data }: FloatTensor) => [[...shape], [...new Uint32Array(data.slice().buffer)]];

describe("a source that is converted and exported", () => {
  it.each(["reset-after", "reset-before", "tutorial-3-classifier", "tutorial-5-text", "last-of-two"])(
    "is the same to the bit: Keras, %s",
    async (name) => {
      const bytes = file(`keras/${name}.keras`);
      const { datasets } = await readHdf5(readArchive(bytes, name).weights, name);
      const { network } = await readKeras(bytes, { path: name });
      const exported = convertAndExport(network, "keras-npz");
      const order = ["kernel", "recurrent_kernel", "bias"];
      for (const [key, tensor] of exported) {
        const [layer = "", weight = ""] = key.split("/");
        const folder = layer.startsWith("gru") ? `${layer}/cell` : layer;
        const part = layer.startsWith("gru") ? order.indexOf(weight) : ["kernel", "bias"].indexOf(weight);
        const source = datasets.get(`layers/${folder}/vars/${Math.max(0, part)}`);
        expect(source, key).toBeDefined();
        expect(exact(tensor)).toEqual(
          exact({ shape: source?.shape ?? [], data: source?.values ?? new Float32Array() }),
        );
      }
      expect(exported.size).toBe([...datasets.keys()].filter((key) => key.includes("/vars/")).length);
    },
  );

  it("is the same to the bit: PyTorch, a state dict of an embedding and a GRU", async () => {
    const bytes = file("pytorch/embedding-square.safetensors");
    const { network } = await readPytorch(bytes, { source: "s", layers: ["emb:embedding", "gru"] });
    const exported = convertAndExport(network, "pytorch");
    const source = readContainer(bytes).tensors;
    expect(exported.size).toBe(source.size);
    for (const [name, { shape, data }] of source) {
      const tensor = exported.get(name.replace("emb.", "embedding.")) as FloatTensor;
      expect(exact(tensor)).toEqual(exact({ shape, data: data as Float32Array }));
    }
  });
});

describe("a model that is exported to PyTorch and converted again", () => {
  it.each([
    [{ layers: [5, 5], inputs: 3, outputs: 2, activation: "sigmoid" }, ["gru", "fc"], ["fc=sigmoid"]],
    [{ layers: [5, 4], inputs: 3, outputs: 0 }, ["gru", "gru2"], []],
    [
      { layers: [4], embedding: { vocabulary: 9, size: 6 }, outputs: 9, activation: "softmax" },
      ["embedding:embedding", "gru", "fc"],
      ["fc=softmax"],
    ],
  ] as const)("has the same tensors, to the bit (%#)", async (shape, layers, activations) => {
    const { model } = randomF32Model({ ...shape, normalise: false });
    const { tensors } = exportWeights(model, "pytorch");
    const all = [...tensors].map(([name, tensor]) => [name, { dtype: "F32", ...tensor }] as const);
    const bytes = writeContainer({ metadata: new Map(), tensors: new Map(all) });
    const { network } = await readPytorch(bytes, { source: "s", layers, activations });
    expect(toModel(network, { name: "again" }).tensors).toEqual(model.tensors);
  });
});
