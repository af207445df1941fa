// Names, forms and faults of state dicts, on small safetensors files made here.
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import type { GruLayer } from "../../tools/read/network.ts";
import { type PytorchOptions, readPytorch } from "../../tools/read/pytorch/index.ts";

/** Shape of each tensor; all have the values 1, 2, 3, … / 64 over the file, unless given. */
type Shapes = Readonly<Record<string, readonly number[]>>;

function safetensors(shapes: Shapes, given: Readonly<Record<string, readonly number[]>> = {}): Uint8Array {
  const header: Record<string, unknown> = {};
  const values: number[] = [];
  for (const [name, shape] of Object.entries(shapes)) {
    const begin = 4 * values.length;
    const count = shape.reduce((product, size) => product * size, 1);
    for (let i = 0; i < count; i++) values.push(given[name]?.[i] ?? (values.length + 1) / 64);
    header[name] = { dtype: "F32", shape, data_offsets: [begin, 4 * values.length] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + 4 * values.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, text.length, true);
  bytes.set(text, 8);
  values.forEach((value, i) => {
    view.setFloat32(8 + text.length + 4 * i, value, true);
  });
  return bytes;
}

const GRU: Shapes = { weight_ih_l0: [6, 3], weight_hh_l0: [6, 2], bias_ih_l0: [6], bias_hh_l0: [6] };

const prefixed = (prefix: string, shapes: Shapes = GRU): Shapes =>
  Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [`${prefix}${name}`, shape]));

const read = (bytes: Uint8Array, options: Partial<PytorchOptions> = {}) =>
  readPytorch(bytes, { source: "model.safetensors", ...options });

const without = (shapes: Shapes, ...names: readonly string[]): Shapes =>
  Object.fromEntries(Object.entries(shapes).filter(([name]) => !names.includes(name)));

describe("readPytorch", () => {
  it.each(["", "module.", "_orig_mod.", "model.", "module._orig_mod.model.", "encoder.", "model.encoder."])(
    "finds a GRU under the prefix '%s'",
    async (prefix) => {
      const { network } = await read(safetensors(prefixed(prefix)));
      expect(network).toMatchObject({ inputs: 3, layers: [{ kind: "gru", size: 2, reset: "after" }] });
      expect(network.layers[0]?.name).toBe(prefix.includes("encoder") ? "encoder.l0" : "gru.l0");
    },
  );

  it("keeps rows and biases where they are: gate order rzn, b apart from c", async () => {
    const { network } = await read(safetensors(GRU));
    const { W, U, b, c } = network.layers[0] as GruLayer;
    const count = (first: number, length: number) => Array.from({ length }, (_, i) => (first + i) / 64);
    expect([...W]).toEqual(count(1, 18));
    expect([...U]).toEqual(count(19, 12));
    expect([...b]).toEqual(count(31, 6));
    expect([...c]).toEqual(count(37, 6));
  });

  it("negates the update gate of a cell wz, wr, w, and takes h from the first columns", async () => {
    const gate = {
      "wz.weight": [1, 3],
      "wz.bias": [1],
      "wr.weight": [1, 3],
      "wr.bias": [1],
      "w.weight": [1, 3],
      "w.bias": [1],
    };
    const values = {
      "wz.weight": [1, 2, 3],
      "wz.bias": [4],
      "wr.weight": [5, 6, 7],
      "wr.bias": [8],
      "w.weight": [9, 10, 11],
      "w.bias": [12],
    };
    const { network } = await read(safetensors(gate, values));
    const [cell] = network.layers as [GruLayer];
    expect(cell.reset).toBe("before");
    expect([...cell.U]).toEqual([5, -1, 9]);
    expect([...cell.W]).toEqual([6, 7, -2, -3, 10, 11]);
    expect([...cell.b]).toEqual([8, -4, 12]);
  });

  it.each([
    "parametrizations.weight_hh_l0.original0 parametrizations.weight_hh_l0.original1",
    "weight_hh_l0_g weight_hh_l0_v",
  ])("merges weight_norm stored as %s", async (names) => {
    const [g, v] = names.split(" ") as [string, string];
    const shapes = { ...without(GRU, "weight_hh_l0"), [g]: [6, 1], [v]: [6, 2] };
    const values = { [g]: [5, 5, 5, 5, 5, 10], [v]: [3, 4, 3, 4, 3, 4, 3, 4, 3, 4, 3, 4] };
    const { network } = await read(safetensors(shapes, values));
    const expected = [3, 4, 3, 4, 3, 4, 3, 4, 3, 4, 6, 8];
    [...(network.layers[0] as GruLayer).U].forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i] as number, 6);
    });
  });
});

describe("readPytorch refuses", () => {
  const cases: readonly [string, Shapes, RegExp][] = [
    ["a missing weight", without(GRU, "weight_hh_l0"), /Missing weights: weight_hh_l0$/],
    ["a missing bias", without(GRU, "bias_hh_l0"), /Missing weights: bias_hh_l0$/],
    [
      "a missing layer",
      { ...GRU, weight_ih_l2: [6, 2], weight_hh_l2: [6, 2], bias_ih_l2: [6], bias_hh_l2: [6] },
      /Missing weights: weight_ih_l1, weight_hh_l1, bias_ih_l1, bias_hh_l1$/,
    ],
    [
      "unused weights",
      { ...GRU, "norm.weight": [2], "norm.bias": [2], extra: [1] },
      /norm \(norm\.weight \[2\], norm\.bias \[2\]\) is nn\.LayerNorm/,
    ],
    ["weights of nothing that is known", { ...GRU, extra: [1] }, /no layer uses: extra; known are nn\.GRU/],
    ["other parametrizations", { ...GRU, "parametrizations.weight_hh_l0.0.v": [2] }, /no layer uses: parametrizations/],
    ["wrong shapes", { ...GRU, bias_hh_l0: [5] }, /bias_hh_l0 has shape \[5\], expected \[6\]/],
    ["rows that are not three gates", { ...GRU, weight_ih_l0: [7, 3] }, /has shape \[7, 3\], expected \[6, 3\]/],
    ["an empty weight", { weight_ih_l0: [6, 0], weight_hh_l0: [6, 2] }, /weight_ih_l0 is empty/],
    ["no weights", {}, /Holds no weights/],
    [
      "layers that do not fit",
      { ...GRU, "fc.weight": [4, 5], "fc.bias": [4] },
      /No order of the layers fits .*gru \(3 to 2\), fc \(5 to 4\)/,
    ],
    [
      "a cell without inputs",
      { "wz.weight": [2, 2], "wr.weight": [2, 2], "w.weight": [2, 2] },
      /over the concatenation/,
    ],
    [
      "a weight beside its pruning",
      { ...GRU, weight_hh_l0_orig: [6, 2], weight_hh_l0_mask: [6, 2] },
      /stands beside its own/,
    ],
    [
      "a mask that does not fit",
      { ...without(GRU, "weight_hh_l0"), weight_hh_l0_orig: [6, 2], weight_hh_l0_mask: [2, 6] },
      /_orig and _mask have the shapes \[6, 2\] and \[2, 6\]/,
    ],
    [
      "a weight beside its weight_norm",
      { ...GRU, weight_hh_l0_g: [6, 1], weight_hh_l0_v: [6, 2] },
      /stands beside its own/,
    ],
  ];
  it.each(cases)("%s", async (_, shapes, text) => {
    await expect(read(safetensors(shapes))).rejects.toThrow(text);
    await expect(read(safetensors(shapes))).rejects.toMatchObject({ name: "CliError" });
  });

  it.each([Number.NaN, Infinity, -Infinity])("the weight %d", async (value) => {
    const bytes = safetensors(GRU, { bias_ih_l0: [0, 0, value] });
    await expect(read(bytes)).rejects.toThrow(
      `model.safetensors: bias_ih_l0: Element 2 is ${value}, expected finite weights`,
    );
  });

  it("a TorchScript program", async () => {
    const member = new Uint8Array(1);
    const bytes = zipSync({ "m/data.pkl": member, "m/constants.pkl": member });
    await expect(read(bytes)).rejects.toThrow(/Holds a TorchScript program.*model\.state_dict\(\)/);
  });

  it("a zip file of something else", async () => {
    await expect(read(zipSync({ "a.txt": new Uint8Array(1) }))).rejects.toThrow(/without a data\.pkl/);
  });
});

describe("a map", () => {
  const shapes: Shapes = { "gate.w": [4, 5], "cand.w": [2, 5], "cand.b": [2] };
  const mapped = (text: string) => read(safetensors(shapes), { map: { text, source: "map.yaml" } });
  const cell = "reset: before, update: state, concat: hx, n: { weight: cand.w, b: cand.b }";

  it.each([
    ["layers: [", /^map\.yaml: /],
    ["layers: []", /^map\.yaml: layers: /],
    ["layers: [{ lstm: {} }]", /^map\.yaml: layers\.0/],
    ["layers: [{ gru: { reset: later, update: state } }]", /^map\.yaml: layers\.0\.gru\.reset: .*"after"\|"before"/],
    [`layers: [{ gru: { ${cell} } }]`, /layers\.0\.gru: Gate r is missing/],
    [
      `layers: [{ gru: { ${cell}, r: { weight: gate.w }, z: { weight: gate.w } } }]`,
      /expected W|expected \[1 H|\[4, 1\]/,
    ],
    [`layers: [{ gru: { ${cell}, r: { weight: nothing }, z: { weight: cand.w } } }]`, /Missing weights: nothing/],
    [`layers: [{ gru: { ${cell}, r: { weight: cand.w }, z: { weight: cand.w } } }]`, /no layer uses: gate\.w/],
    [
      "layers: [{ gru: { reset: after, update: state, order: rzz, W: a, U: b } }]",
      /order is rzz, expected the letters r, z, n/,
    ],
    ["layers: [{ embedding: cand.w }]", /holds no gru and no dense layer/],
    ["a: &a [1]\nlayers: *a", /^map\.yaml: /],
  ])("is refused with its place: %s", async (text, message) => {
    await expect(mapped(text)).rejects.toThrow(message);
    await expect(mapped(text)).rejects.toMatchObject({ name: "CliError" });
  });

  it("may leave out weights that it says to ignore", async () => {
    const text = `layers: [{ gru: { ${cell}, r: { weight: cand.w }, z: { weight: cand.w } } }]\nignore: [gate.w]`;
    expect((await mapped(text)).network).toMatchObject({ inputs: 3, layers: [{ size: 2, reset: "before" }] });
  });
});
