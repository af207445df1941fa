import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { isZip, readArchive, versionIn } from "../../../tools/read/keras/archive.ts";
import { Attributes } from "../../../tools/read/keras/attributes.ts";
import { readConfig } from "../../../tools/read/keras/config.ts";
import { type Json, layer, read, refusal } from "./config-json.ts";

const sequential = (layers: readonly unknown[], config: Json = {}) => ({
  class_name: "Sequential",
  config: { name: "s", layers, ...config },
});

describe("Attributes", () => {
  it("shows a value that it refuses in at most 100 characters, and nothing of deep nesting", () => {
    const shown = (value: unknown) => {
      const attributes = new Attributes({
        where: "m.keras",
        name: "d",
        className: "Dense",
        attributes: { units: value },
        group: "dense",
        holder: "",
        readsState: false,
      });
      return attributes.refusal("units", "no").message;
    };
    const deep = JSON.parse(`${"[".repeat(20_000)}${"]".repeat(20_000)}`);
    expect(shown(deep)).toBe("m.keras: units is nested too deeply; no");
    expect(shown("x".repeat(200))).toBe(`m.keras: units is "${"x".repeat(99)}; no`);
    expect(shown(undefined)).toBe("m.keras: units is missing; no");
  });
});

describe("readConfig of a sequential model", () => {
  it("lists the layers in their order, without the input", () => {
    const { name, inputShape, chain } = read(
      sequential([
        layer("InputLayer", "x", { config: { name: "x", batch_shape: [null, null, 3] } }),
        layer("GRU", "g"),
      ]),
    );
    expect({ name, inputShape }).toEqual({ name: "s", inputShape: [null, 3] });
    expect(chain).toMatchObject([
      {
        where: 'm.keras: layer "g" (GRU)',
        name: "g",
        className: "GRU",
        attributes: { name: "g" },
        group: "gru",
        readsState: false,
      },
    ]);
  });

  it("numbers groups by class, as Keras names them", () => {
    const classes = ["GRU", "Dense", "GRU", "TimeDistributed", "BatchNormalization", "GRU", "SpatialDropout1D"];
    expect(read(sequential(classes.map((name, i) => layer(name, `l${i}`)))).chain.map(({ group }) => group)).toEqual([
      "gru",
      "dense",
      "gru_1",
      "time_distributed",
      "batch_normalization",
      "gru_2",
      "spatial_dropout1d",
    ]);
  });

  it("takes the shape that the first layer or the model states", () => {
    const shaped = (config: Json, more: Json = {}) =>
      read(sequential([layer("GRU", "g", { config: { name: "g", ...config } })], more)).inputShape;
    expect(shaped({ batch_input_shape: [null, 7, 2] })).toEqual([7, 2]);
    expect(shaped({ batch_shape: [1, null] })).toEqual([null]);
    expect(shaped({}, { build_input_shape: [null, 4, 6] })).toEqual([4, 6]);
    expect(shaped({ batch_shape: [null, 1, 1] }, { build_input_shape: [null, 4, 6] })).toEqual([1, 1]);
    expect(shaped({ batch_shape: "3" })).toBeUndefined();
    expect(shaped({ batch_shape: [null, 1.5] })).toBeUndefined();
    expect(shaped({})).toBeUndefined();
  });

  it("may have no name, or be a list of layers alone", () => {
    expect(read({ class_name: "Sequential", config: [layer("GRU", "g")] })).toMatchObject({
      name: "keras",
      chain: [{ name: "g" }],
    });
    expect(read(sequential([{ class_name: "GRU", name: "outer", config: {} }, layer("GRU", "g")])).chain).toMatchObject(
      [{ name: "outer" }, { name: "g" }],
    );
    expect(read(sequential([{ class_name: "GRU", config: {} }])).chain).toMatchObject([{ name: "0" }]);
  });

  it.each([
    ["Subclass", "The model is a Subclass; only Sequential and functional models are read"],
    [undefined, "The model is a undefined; only Sequential"],
  ])("refuses a model of class %s", (class_name, message) => {
    expect(refusal({ class_name, config: {} })).toContain(`m.keras: ${message}`);
  });

  it.each([
    "keras",
    "keras.layers",
    "keras.src.models",
    "tf_keras.layers",
    "tensorflow.keras.layers",
    "tensorflow.python.keras.layers",
  ])("knows layers of module %s", (module) => {
    expect(read(sequential([layer("GRU", "g", { module })])).chain).toHaveLength(1);
  });

  it.each(["keras_contrib", "mine", "mine.keras", "tensorflow.models"])("refuses layers of module %s", (module) => {
    expect(refusal(sequential([layer("GRU", "g", { module })]))).toBe(
      `m.keras: layer "g" (GRU): Is a class of module ${module}; only layers of Keras itself are known`,
    );
    expect(refusal({ ...sequential([]), module })).toContain(`Is a class of module ${module}`);
  });

  it("refuses what is no configuration", () => {
    expect(() => readConfig("{", "m.json")).toThrow(
      new CliError("m.json: Not JSON; it must be the text of model.to_json()"),
    );
    expect(refusal([])).toBe("m.keras: Not a JSON object; the configuration is damaged");
    expect(refusal({ class_name: "Sequential", config: 5 })).toContain("m.keras: config: Not a JSON object");
    expect(refusal({ class_name: "Sequential", config: {} })).toContain("config.layers: Not a JSON array");
    expect(refusal(sequential([5]))).toContain("m.keras: layer 0: Not a JSON object");
    expect(refusal(sequential([{ config: {} }]))).toBe("m.keras: layer 0 has no class_name");
    expect(refusal(sequential([{ class_name: "GRU" }]))).toContain("m.keras: layer 0: Not a JSON object");
    expect(refusal(sequential(Array(1001).fill(0)))).toBe("m.keras: 1001 layers; at most 1000 are read");
    expect(read(sequential(Array.from({ length: 1000 }, (_, i) => layer("Dropout", `${i}`)))).chain).toHaveLength(1000);
  });
});

describe("readArchive", () => {
  const text = (value: string) => new TextEncoder().encode(value);
  const parts = { "config.json": text("{}"), "model.weights.h5": Uint8Array.of(1, 2) };

  it("unpacks configuration, weights and version", () => {
    const metadata = text('{"keras_version": "3.4.1"}');
    const found = readArchive(zipSync({ ...parts, "metadata.json": metadata }), "m.keras");
    expect({ ...found, weights: [...found.weights] }).toEqual({ config: "{}", weights: [1, 2], version: "3.4.1" });
    expect("version" in readArchive(zipSync(parts), "m.keras")).toBe(false);
    expect("version" in readArchive(zipSync({ ...parts, "metadata.json": text("{") }), "m.keras")).toBe(false);
  });

  it.each(["config.json", "model.weights.h5"])("refuses an archive without %s", (name) => {
    const rest = Object.fromEntries(Object.entries(parts).filter(([key]) => key !== name));
    expect(() => readArchive(zipSync(rest), "m.keras")).toThrow(
      new CliError(`m.keras: Not a .keras file: ${name} is missing; save it with model.save("x.keras")`),
    );
  });

  it("refuses texts that are not UTF-8", () => {
    const bad = Uint8Array.of(0xff);
    expect(() => readArchive(zipSync({ ...parts, "config.json": bad }), "m.keras")).toThrow(
      "m.keras: config.json: Not UTF-8 text; copy or save the file again",
    );
    expect(() => readArchive(zipSync({ ...parts, "metadata.json": bad }), "m.keras")).toThrow(
      "metadata.json: Not UTF-8",
    );
  });

  it("knows a zip file and the version in a text", () => {
    expect([isZip(text("PK..")), isZip(text("P")), isZip(text("xK")), isZip(new Uint8Array(0))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect([
      versionIn('{"keras_version":"2.15.0"}'),
      versionIn('{"keras_version":3}'),
      versionIn("{}"),
      versionIn("x"),
    ]).toEqual(["2.15.0", undefined, undefined, undefined]);
  });
});
