import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readContainer } from "../../host/model/safetensors.ts";
import { type ExportFormat, exportWeights } from "../../tools/export/layers.ts";
import { readNpz } from "../../tools/read/npz.ts";
import { changed } from "../support/changed.ts";
import { cli } from "../support/cli.ts";
import { type BuiltModel, buildModel, randomF32Model, randomQ15Model, tensorOf } from "../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-export-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function save(name: string, content: Uint8Array): string {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** Calls the command and reads the tensors back from the file. */
async function exported(built: BuiltModel, to: ExportFormat) {
  const output = path.join(folder, `out-${to}`);
  const { code, stdout, stderr } = await cli(["export", save("m", built.bytes), "--to", to, "-o", output]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const bytes = new Uint8Array(readFileSync(output));
  const tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }> =
    to === "pytorch" ? readContainer(bytes).tensors : readNpz(bytes, output);
  return { tensors, stdout, bytes };
}

/** The model of one GRU layer (H = 1, I = 2) and a dense one (M = 2) with weights that tell where they stand. */
function lettered(reset: "after" | "before"): BuiltModel {
  const shape = { layers: [1], inputs: 2, outputs: 2, normalise: false, reset } as const;
  const values: Record<string, readonly number[]> = {
    "layers.0.W": [11, 12, 21, 22, 31, 32],
    "layers.0.U": [1, 2, 3],
    "layers.0.b": [0.25, 0.5, 0.75],
    "layers.0.c": [10, 20, 30],
    "layers.1.W": [5, 6],
    "layers.1.b": [7, 8],
  };
  return changed(randomF32Model(shape), (name) => values[name] ?? []);
}

const bits = (values: ArrayLike<number>) => [...new Uint32Array(Float32Array.from(values).buffer)];

describe("rivulet export --to pytorch", () => {
  it("names rows r, z, n and weights [out, in] as a state dict does", async () => {
    const { tensors, stdout } = await exported(lettered("after"), "pytorch");
    expect(
      Object.fromEntries([...tensors].map(([name, { shape, data }]) => [name, [shape, [...Array.from(data)]]])),
    ).toEqual({
      "gru.weight_ih_l0": [
        [3, 2],
        [11, 12, 21, 22, 31, 32],
      ],
      "gru.weight_hh_l0": [
        [3, 1],
        [1, 2, 3],
      ],
      "gru.bias_ih_l0": [[3], [0.25, 0.5, 0.75]],
      "gru.bias_hh_l0": [[3], [10, 20, 30]],
      "fc.weight": [
        [2, 1],
        [5, 6],
      ],
      "fc.bias": [[2], [7, 8]],
    });
    expect(stdout).toMatch(
      /: 6 tensors of random@\w{8}, \d+ bytes\n {2}gru: nn\.GRU\(2, 1, num_layers=1, batch_first=True\)\n {2}fc: nn\.Linear\(1, 2\)\n$/,
    );
  });

  it("puts GRU layers of equal size in a row into one nn.GRU, others into the next", () => {
    const layers = [4, 4, 6, { dense: 6, activation: "tanh" }, 6] as const;
    const { model } = randomF32Model({
      layers,
      inputs: 2,
      embedding: { vocabulary: 7, size: 3 },
      activation: "sigmoid",
    });
    const { tensors, layers: lines } = exportWeights(model, "pytorch");
    expect(lines).toEqual([
      "embedding: nn.Embedding(7, 3)",
      "gru: nn.GRU(3, 4, num_layers=2, batch_first=True)",
      "gru2: nn.GRU(4, 6, num_layers=1, batch_first=True)",
      "fc: nn.Linear(6, 6), then tanh",
      "gru3: nn.GRU(6, 6, num_layers=1, batch_first=True)",
      "fc2: nn.Linear(6, 1), then sigmoid",
    ]);
    expect(tensors.get("gru.weight_ih_l1")?.data).toBe(model.tensors.get("layers.1.W")?.data);
    expect(tensors.get("fc2.weight")?.data).toBe(model.tensors.get("layers.5.W")?.data);
  });

  it("gives back every bit, negative zeros and subnormal numbers too", async () => {
    const built = changed(randomF32Model({ layers: [5, 5], inputs: 3, outputs: 2, skip: 2 }), (name, { data }) =>
      name.endsWith(".c") ? data.map((_, i) => (i % 2 ? -0 : 1e-42)) : data,
    );
    const { tensors } = await exported(built, "pytorch");
    const source: Record<string, string> = {
      "layers.0.W": "gru.weight_ih_l0",
      "layers.0.U": "gru.weight_hh_l0",
      "layers.0.b": "gru.bias_ih_l0",
      "layers.0.c": "gru.bias_hh_l0",
      "layers.1.W": "gru.weight_ih_l1",
      "layers.1.U": "gru.weight_hh_l1",
      "layers.1.b": "gru.bias_ih_l1",
      "layers.1.c": "gru.bias_hh_l1",
      "layers.2.W": "fc.weight",
      "layers.2.b": "fc.bias",
    };
    expect(tensors.size).toBe(built.tensors.size);
    const again = new Map(
      [...built.tensors].map(([name, { shape }]) => {
        const { data = [] } = tensors.get(source[name] ?? name) ?? {};
        return [name, tensorOf("F32", shape, data)];
      }),
    );
    // The same file, and so the same hash.
    expect(buildModel(built.spec, again).model.id).toBe(built.model.id);
    expect(bits(tensors.get("gru.bias_hh_l0")?.data ?? [])).toContain(0x80000000);
  });

  it("hands over what neither framework keeps in a layer, and says so", async () => {
    const built = randomF32Model({ layers: [4], inputs: 2, skip: 3 });
    const { tensors, stdout } = await exported(built, "pytorch");
    expect([...tensors.keys()]).toEqual(
      expect.arrayContaining(["input.offset", "input.scale", "skip.W", "output.offset", "output.scale"]),
    );
    expect(stdout).toContain("  skip.W [1, 6], as in the model file\n");
  });

  it("refuses a reset-before layer, which nn.GRU does not compute", async () => {
    const file = save("before.safetensors", randomF32Model({ layers: [4, 4], reset: "before" }).bytes);
    const output = path.join(folder, "refused");
    const { code, stderr } = await cli(["export", file, "--to", "pytorch", "-o", output]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "error: layers.0: Reset-before, which nn.GRU does not compute; use --to keras-npz\n",
    });
    expect(existsSync(output)).toBe(false);
  });
});

describe("rivulet export --to keras-npz", () => {
  it("transposes kernels, with gates z, r, h", async () => {
    const { tensors, stdout } = await exported(lettered("after"), "keras-npz");
    expect(
      Object.fromEntries([...tensors].map(([name, { shape, data }]) => [name, [shape, [...Array.from(data)]]])),
    ).toEqual({
      "gru/kernel": [
        [2, 3],
        [21, 11, 31, 22, 12, 32],
      ],
      "gru/recurrent_kernel": [
        [1, 3],
        [2, 1, 3],
      ],
      "gru/bias": [
        [2, 3],
        [0.5, 0.25, 0.75, 20, 10, 30],
      ],
      "dense/kernel": [
        [1, 2],
        [5, 6],
      ],
      "dense/bias": [[2], [7, 8]],
    });
    expect(stdout).toContain("  gru: GRU(1, reset_after=True, return_sequences=True)\n  dense: Dense(2, activation=");
  });

  it("adds the biases of a reset-before layer", async () => {
    const { tensors, stdout } = await exported(lettered("before"), "keras-npz");
    expect(tensors.get("gru/bias")).toEqual({ shape: [3], data: Float32Array.of(20.5, 10.25, 30.75) });
    expect(stdout).toContain("reset_after=False");
  });

  it("leaves every bit of a bias alone where there is no second one", () => {
    const built = changed(lettered("before"), (name, { data }) => {
      if (name === "layers.0.c") return data.map(() => 0);
      return name === "layers.0.b" ? [-0, 0.1, 1e-42] : data;
    });
    const bias = exportWeights(built.model, "keras-npz").tensors.get("gru/bias");
    expect(bits(bias?.data ?? [])).toEqual(bits([0.1, -0, 1e-42]));
  });

  it("gives back every bit when the gates are turned round again", async () => {
    const layers = [5, { dense: 4, activation: "relu" }, 3] as const;
    const built = randomF32Model({ layers, embedding: { vocabulary: 7, size: 3 }, outputs: 7, activation: "softmax" });
    const { tensors, bytes } = await exported(built, "keras-npz");
    const rows = (name: string) => {
      const {
        shape: [n = 0, m = 0],
        data,
      } = tensors.get(name) ?? { shape: [], data: [] };
      return Array.from({ length: m }, (_, row) => Array.from({ length: n }, (__, k) => data[k * m + row] as number));
    };
    const rzn = <T>(zrh: readonly T[]) => {
      const size = zrh.length / 3;
      return [...zrh.slice(size, 2 * size), ...zrh.slice(0, size), ...zrh.slice(2 * size)];
    };
    const all = new Map(built.tensors);
    const put = (name: string, values: readonly number[]) =>
      all.set(name, tensorOf("F32", built.tensors.get(name)?.shape ?? [], values));
    for (const [index, gru] of [
      [0, "gru"],
      [2, "gru_1"],
    ] as const) {
      put(`layers.${index}.W`, rzn(rows(`${gru}/kernel`)).flat());
      put(`layers.${index}.U`, rzn(rows(`${gru}/recurrent_kernel`)).flat());
      const bias = Array.from(tensors.get(`${gru}/bias`)?.data ?? []);
      put(`layers.${index}.b`, rzn(bias.slice(0, bias.length / 2)));
      put(`layers.${index}.c`, rzn(bias.slice(bias.length / 2)));
    }
    for (const [index, dense] of [
      [1, "dense"],
      [3, "dense_1"],
    ] as const) {
      put(`layers.${index}.W`, rows(`${dense}/kernel`).flat());
      put(`layers.${index}.b`, Array.from(tensors.get(`${dense}/bias`)?.data ?? []));
    }
    put("embedding.weight", Array.from(tensors.get("embedding/embeddings")?.data ?? []));
    expect(buildModel(built.spec, all).model.id).toBe(built.model.id);
    expect((await exported(built, "keras-npz")).bytes).toEqual(bytes);
  });
});

describe("rivulet export", () => {
  it.each(["pytorch", "keras-npz"])("refuses a quantized model for %s", async (to) => {
    const { bytes, model } = randomQ15Model({ layers: [4] });
    const { code, stderr } = await cli(["export", save("q15", bytes), "--to", to, "-o", path.join(folder, "refused")]);
    expect(code).toBe(1);
    expect(stderr).toBe(`error: Model ${model.id} is q15; export the f32 model that it was made from\n`);
  });

  it.each([
    [["-o", "x"], "required option '--to <framework>' not specified"],
    [["--to", "onnx", "-o", "x"], "Allowed choices are pytorch, keras-npz."],
    [["--to", "pytorch"], "required option '-o, --output <file>' not specified"],
  ])("exits with 2 for %j", async (flags, message) => {
    const { code, stderr } = await cli(["export", "m", ...flags]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
