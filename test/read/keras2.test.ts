// Files that Keras 2 itself wrote.
import { describe, expect, it } from "vitest";
import { readArchive } from "../../tools/read/keras/archive.ts";
import { readHdf5 } from "../../tools/read/keras/hdf5.ts";
import { CASES_2, caseFile, errorOf, readCase, reference } from "./keras-cases.ts";

const isHard = ({ name }: { name: string }) => /\/hard/.test(name);

describe("readKeras of a file of Keras 2", () => {
  it.each(CASES_2)("computes what Keras computes: $file", async (one) => {
    const { network } = await readCase(one);
    expect(network.substitutions).toEqual([]);
    const { y, outputs } = reference(one.name);
    expect(network.lastOnly).toBe(y.length === outputs);
    expect(await errorOf(network, one.name)).toBeLessThan(1e-5);
  });

  it.each(CASES_2.filter(isHard))(
    "puts sigmoid in the place of hard_sigmoid where that is allowed: $file",
    async (one) => {
      const [exact] = (await readCase(one)).network.layers;
      expect(exact).toMatchObject({ kind: "gru", gates: "hard" });
      const { network } = await readCase(one, { allowApproximate: true });
      expect(network.substitutions).toEqual([expect.stringMatching(/sigmoid in place of .* hard_sigmoid/)]);
      expect(await errorOf(network, one.name)).toBeGreaterThan(1e-3);
    },
  );

  it("has both folders of weights, and both kinds of names", async () => {
    const folders = new Set<string>();
    for (const { file } of CASES_2.filter((one) => /(?<!\.hdf5)\.keras$/.test(one.file))) {
      const { datasets } = await readHdf5(readArchive(caseFile(file), file).weights, file);
      for (const path of datasets.keys()) folders.add(path.split("/")[0] ?? "");
    }
    expect([...folders].sort()).toEqual(["_layer_checkpoint_dependencies", "layers"]);
    const { attributes } = await readHdf5(caseFile("../keras2/2.15/cell-h5.h5"), "cell");
    expect(attributes.get("model_weights/rnn@weight_names")).toContain("rnn/gru_cell/kernel:0");
  });
});
