import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseSpec } from "../../host/model/spec.ts";

/** JSON of any shape, to be bent. */
type Json = Record<string, unknown>;

const F32: Json = {
  format: 1,
  name: "pump",
  numeric: "f32",
  inputs: [{ name: "speed" }, { name: "pressure" }],
  outputs: [{ name: "pressure" }],
  layers: [
    { kind: "gru", size: 8, reset: "after" },
    { kind: "dense", size: 1, activation: "linear" },
  ],
};

const Q15: Json = {
  ...F32,
  numeric: "q15",
  inputs: [
    { name: "speed", fraction: 4 },
    { name: "pressure", fraction: -2 },
  ],
  outputs: [{ name: "pressure", fraction: 20 }],
  layers: [
    { kind: "gru", size: 8, reset: "before", shift_x: 8, shift_h: 9 },
    { kind: "dense", size: 1, activation: "linear" },
  ],
};

const TOKEN: Json = { ...F32, inputs: [{ name: "token" }], embedding: { vocabulary: 9, size: 4 } };
const GRU: Json = { kind: "gru", size: 8, reset: "after" };
const DENSE: Json = { kind: "dense", size: 1, activation: "linear" };

/** The message with which a document is refused. */
function refusal(document: unknown): string {
  try {
    parseSpec(document);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFormatError);
    return (error as Error).message;
  }
  throw new Error("The document is not refused");
}

/** A document without one of its fields. */
function without(document: Json, field: string): Json {
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== field));
}

describe("parseSpec", () => {
  it("fills in the defaults", () => {
    expect(parseSpec(F32)).toEqual({ ...F32, horizon: 1, warmup: 0 });
  });

  it("keeps every field of a full document", () => {
    const full = {
      ...F32,
      inputs: [{ name: "speed", unit: "1/min", range: [-1.5, 3000] }, { name: "Drück 😀" }],
      outputs: [{ name: "p", unit: "bar", forecasts: "speed" }],
      horizon: 24,
      skip: { length: 96 },
      interval: 0.5,
      warmup: 200,
      detector: { scale: [1, 2], nested: { any: null } },
      provenance: { script: "train.py" },
      selftest: { steps: 4096, tolerance: 1e-4 },
    };
    expect(parseSpec(full)).toEqual(full);
  });

  it("keeps shifts and fractions of q15", () => {
    expect(parseSpec(Q15)).toEqual({ ...Q15, horizon: 1, warmup: 0 });
  });

  it("gives its fields in one order", () => {
    const reversed = Object.fromEntries(Object.entries(F32).reverse());
    expect(JSON.stringify(parseSpec(reversed))).toBe(JSON.stringify(parseSpec(F32)));
  });

  it("gives a self-test of f32 its default tolerance, and one of q15 none", () => {
    expect(parseSpec({ ...F32, selftest: { steps: 1 } }).selftest).toEqual({ steps: 1, tolerance: 1e-5 });
    expect(parseSpec({ ...Q15, selftest: { steps: 1 } }).selftest).toEqual({ steps: 1, tolerance: 0 });
  });

  it("takes a field that is undefined as absent", () => {
    expect(parseSpec({ ...F32, skip: undefined, typo: undefined })).not.toHaveProperty("skip");
  });

  it("reads a token model", () => {
    expect(parseSpec(TOKEN).embedding).toEqual({ vocabulary: 9, size: 4 });
  });

  it("reads a last layer of a GRU, which is as large as the output", () => {
    expect(parseSpec({ ...F32, layers: [{ ...GRU, size: 1 }] }).layers).toHaveLength(1);
  });
});

describe("parseSpec refuses", () => {
  const cases: readonly [title: string, document: unknown, message: string][] = [
    ["what is no object", [], "rivulet: found an array of 0, expected an object"],
    ["null", null, "rivulet: found null, expected an object"],
    [
      "a version from the future, whatever else it holds",
      { format: 3, novel: true },
      "format: version 3, this reader knows 2; the file was written by a newer version of Rivulet, update it",
    ],
    ["a missing version", without(F32, "format"), "format: missing, expected 1 or 2"],
    ["version 0", { ...F32, format: 0 }, "format: found 0, expected 1 or 2"],
    ["a version in quotes", { ...F32, format: "1" }, 'format: found "1", expected 1 or 2'],
    ["an unknown field", { ...F32, flavour: 1 }, "flavour: unknown field"],
    ["an unknown field that would upset a terminal", { ...F32, "\u009b": 1 }, "\\u009b: unknown field"],
    ["a misspelt field, with a hint", { ...F32, layer: 1 }, 'layer: unknown field, did you mean "layers"?'],
    ["a field named __proto__", JSON.parse(`{"__proto__": 1, "format": 1}`), "__proto__: unknown field"],
    ["a missing name", without(F32, "name"), "name: missing, expected 1 to 64 characters of A-Z a-z 0-9 _ . -"],
    [
      "a name with a slash",
      { ...F32, name: "a/b" },
      'name: found "a/b", expected 1 to 64 characters of A-Z a-z 0-9 _ . -',
    ],
    [
      "a name with a line break",
      { ...F32, name: "a\n" },
      'name: found "a\\n", expected 1 to 64 characters of A-Z a-z 0-9 _ . -',
    ],
    [
      "a long name, shortened",
      { ...F32, name: "a".repeat(65) },
      `name: found "${"a".repeat(40)}…", expected 1 to 64 characters of A-Z a-z 0-9 _ . -`,
    ],
    ["an unknown numeric form", { ...F32, numeric: "f64" }, 'numeric: found "f64", expected "f32" or "q15"'],
    ["horizon 0", { ...F32, horizon: 0 }, "horizon: found 0, expected an integer from 1 to 65535"],
    ["a horizon of null", { ...F32, horizon: null }, "horizon: found null, expected an integer from 1 to 65535"],
    ["interval 0", { ...F32, interval: 0 }, "interval: found 0, expected a number above 0"],
    [
      "an infinite interval",
      JSON.parse(JSON.stringify(F32).replace("{", `{"interval":1e999,`)),
      "interval: found Infinity, expected a number above 0",
    ],
    ["a fractional warm-up", { ...F32, warmup: 1.5 }, "warmup: found 1.5, expected an integer from 0 to 2147483647"],
    ["a negative warm-up", { ...F32, warmup: -1 }, "warmup: found -1, expected an integer from 0 to 2147483647"],
    ["a detector that is an array", { ...F32, detector: [] }, "detector: found an array of 0, expected an object"],
    [
      "a detector above 64 KiB",
      { ...F32, detector: { a: "ä".repeat(32768) } },
      "detector: 65544 bytes as JSON, at most 65536 are allowed",
    ],
    ["a provenance of text", { ...F32, provenance: "x" }, 'provenance: found "x", expected an object'],
    [
      "a provenance that holds a number",
      { ...F32, provenance: { seed: 1 } },
      "provenance.seed: found 1, expected a string",
    ],
    [
      "a self-test without steps",
      { ...F32, selftest: {} },
      "selftest.steps: missing, expected an integer from 1 to 4096",
    ],
    [
      "a self-test of no steps",
      { ...F32, selftest: { steps: 0 } },
      "selftest.steps: found 0, expected an integer from 1 to 4096",
    ],
    [
      "a self-test of 4097 steps",
      { ...F32, selftest: { steps: 4097 } },
      "selftest.steps: found 4097, expected an integer from 1 to 4096",
    ],
    [
      "tolerance 0",
      { ...F32, selftest: { steps: 1, tolerance: 0 } },
      "selftest.tolerance: found 0, expected a number above 0",
    ],
    [
      "a tolerance of q15",
      { ...Q15, selftest: { steps: 1, tolerance: 1 } },
      "selftest.tolerance: not allowed here: the self-test of a q15 model is exact",
    ],
  ];
  it.each(cases)("%s", (_, document, message) => {
    expect(refusal(document)).toBe(message);
  });
});

describe("parseSpec refuses inputs and outputs:", () => {
  const inputs = (...items: unknown[]) => ({ ...F32, inputs: items });
  const outputs = (...items: unknown[]) => ({ ...F32, outputs: items });
  const label = "1 to 64 characters without control characters";
  const cases: readonly [title: string, document: unknown, message: string][] = [
    ["missing", without(F32, "inputs"), "inputs: missing, expected an array of 1 to 65535"],
    ["none", inputs(), "inputs: found an array of 0, expected an array of 1 to 65535"],
    [
      "too many",
      inputs(...new Array(65536).fill({})),
      "inputs: found an array of 65536, expected an array of 1 to 65535",
    ],
    ["not an object", inputs("speed"), 'inputs[0]: found "speed", expected an object'],
    ["a misspelt field", inputs({ name: "a", rnage: [0, 1] }), 'inputs[0].rnage: unknown field, did you mean "range"?'],
    ["no name", inputs({ name: "a" }, {}), `inputs[1].name: missing, expected ${label}`],
    ["an empty name", inputs({ name: "" }), `inputs[0].name: found "", expected ${label}`],
    ["a control character", inputs({ name: "a\u009b" }), `inputs[0].name: found "a\\u009b", expected ${label}`],
    ["half a surrogate pair", inputs({ name: "\ud800" }), `inputs[0].name: found "\\ud800", expected ${label}`],
    [
      "a name that stands twice",
      inputs({ name: "a" }, { name: "a" }),
      'inputs[1].name: "a" stands twice, expected unique names',
    ],
    ["a unit that is no text", inputs({ name: "a", unit: 1 }), `inputs[0].unit: found 1, expected ${label}`],
    [
      "an empty range",
      inputs({ name: "a", range: [1, 1] }),
      "inputs[0].range: found [1, 1], expected [min, max] with min < max",
    ],
    [
      "a range of one",
      inputs({ name: "a", range: [1] }),
      "inputs[0].range: found [1], expected [min, max] with min < max",
    ],
    [
      "a range of null",
      inputs({ name: "a", range: [null, 1] }),
      "inputs[0].range: found [null, 1], expected [min, max] with min < max",
    ],
    [
      "a range that is no array",
      inputs({ name: "a", range: "0-1" }),
      'inputs[0].range: found "0-1", expected [min, max] with min < max',
    ],
    [
      "a fraction in f32",
      inputs({ name: "a", fraction: 1 }),
      "inputs[0].fraction: not allowed here: only a q15 model has it",
    ],
    [
      "no fraction in q15",
      { ...Q15, inputs: [{ name: "a" }] },
      "inputs[0].fraction: missing, expected an integer from -30 to 30",
    ],
    [
      "fraction 31",
      { ...Q15, inputs: [{ name: "a", fraction: 31 }] },
      "inputs[0].fraction: found 31, expected an integer from -30 to 30",
    ],
    [
      "a fraction of a token",
      { ...TOKEN, numeric: "q15", inputs: [{ name: "a", fraction: 1 }] },
      "inputs[0].fraction: not allowed here: the input is a token",
    ],
    [
      "two inputs beside an embedding",
      { ...TOKEN, inputs: F32.inputs },
      "inputs: found 2, expected 1: the token of the embedding",
    ],
    ["no outputs", outputs(), "outputs: found an array of 0, expected an array of 1 to 65535"],
    [
      "an output that stands twice",
      outputs({ name: "a" }, { name: "a" }),
      'outputs[1].name: "a" stands twice, expected unique names',
    ],
    [
      "a forecast of no input",
      outputs({ name: "a", forecasts: "presure" }),
      'outputs[0].forecasts: "presure" is no input, did you mean "pressure"?',
    ],
    [
      "a forecast far from any input",
      outputs({ name: "a", forecasts: "z" }),
      'outputs[0].forecasts: "z" is no input, expected the name of an input',
    ],
    [
      "an output fraction in f32",
      outputs({ name: "a", fraction: 1 }),
      "outputs[0].fraction: not allowed here: only a q15 model has it",
    ],
    [
      "no output fraction in q15",
      { ...Q15, outputs: [{ name: "a" }] },
      "outputs[0].fraction: missing, expected an integer from -30 to 30",
    ],
    [
      "an embedding without a size",
      { ...TOKEN, embedding: { vocabulary: 2 } },
      "embedding.size: missing, expected an integer from 1 to 65535",
    ],
    [
      "an empty vocabulary",
      { ...TOKEN, embedding: { vocabulary: 0, size: 1 } },
      "embedding.vocabulary: found 0, expected an integer from 1 to 2147483647",
    ],
  ];
  it.each(cases)("%s", (_, document, message) => {
    expect(refusal(document)).toBe(message);
  });
});

describe("parseSpec refuses layers:", () => {
  const layers = (...items: unknown[]) => ({ ...F32, layers: items });
  const q15 = (...items: unknown[]) => ({ ...Q15, layers: items });
  const shift = "an integer from 0 to 30";
  const cases: readonly [title: string, document: unknown, message: string][] = [
    ["none", layers(), "layers: found an array of 0, expected an array of 1 to 64"],
    ["65 of them", layers(...new Array(65).fill(DENSE)), "layers: found an array of 65, expected an array of 1 to 64"],
    ["not an object", layers(null), "layers[0]: found null, expected an object"],
    ["no kind", layers({ size: 1 }), 'layers[0].kind: missing, expected "gru" or "dense"'],
    ["an unknown kind", layers({ kind: "lstm", size: 1 }), 'layers[0].kind: found "lstm", expected "gru" or "dense"'],
    ["size 0", layers({ ...GRU, size: 0 }, DENSE), "layers[0].size: found 0, expected an integer from 1 to 65535"],
    [
      "a GRU without reset",
      layers(without(GRU, "reset"), DENSE),
      'layers[0].reset: missing, expected "after" or "before"',
    ],
    ["a GRU with an activation", layers({ ...GRU, activation: "tanh" }, DENSE), "layers[0].activation: unknown field"],
    ["a dense layer with reset", layers({ ...DENSE, reset: "after" }), "layers[0].reset: unknown field"],
    [
      "an unknown activation",
      layers({ ...DENSE, activation: "glue" }),
      'layers[0].activation: found "glue", expected "linear" or "sigmoid" or "tanh" or "relu" or "softmax" or "prelu" or "elu" or "hardtanh" or "gelu" or "gelu_tanh" or "silu" or "softplus" or "hardswish" or "hardsigmoid"',
    ],
    [
      "softmax before the last layer",
      layers({ ...DENSE, activation: "softmax" }, DENSE),
      "layers[0].activation: softmax, allowed only in the last layer",
    ],
    [
      "a last layer that is not the size of the output",
      layers(GRU),
      "layers[0].size: found 8, expected 1, the number of outputs",
    ],
    [
      "a shift in f32",
      layers({ ...GRU, shift_h: 1 }, DENSE),
      "layers[0].shift_h: not allowed here: only a q15 model has it",
    ],
    [
      "a GRU of q15 without a shift",
      q15({ ...GRU, shift_x: 1 }, DENSE),
      `layers[0].shift_h: missing, expected ${shift}`,
    ],
    ["shift 31", q15({ ...GRU, shift_x: 31, shift_h: 0 }, DENSE), `layers[0].shift_x: found 31, expected ${shift}`],
    ["an inner dense layer of q15 without a shift", q15(DENSE, DENSE), `layers[0].shift_x: missing, expected ${shift}`],
    [
      "a dense layer with shift_h",
      q15({ ...DENSE, shift_x: 1, shift_h: 1 }, DENSE),
      'layers[0].shift_h: unknown field, did you mean "shift_x"?',
    ],
    [
      "a tanh output of q15 without a shift",
      q15({ ...DENSE, activation: "tanh" }),
      `layers[0].shift_x: missing, expected ${shift}`,
    ],
    [
      "a linear output with a shift",
      q15({ ...DENSE, shift_x: 1 }),
      "layers[0].shift_x: not allowed here: a last layer that is linear has none",
    ],
    [
      "a relu output with a shift",
      q15({ ...DENSE, activation: "relu", shift_x: 1 }),
      "layers[0].shift_x: not allowed here: a last layer that is relu has none",
    ],
    [
      "a skip of no inputs",
      { ...F32, skip: { length: 0 } },
      "skip.length: found 0, expected an integer from 1 to 65535",
    ],
    [
      "a skip with an embedding",
      { ...TOKEN, skip: { length: 1 } },
      "skip: not allowed here: a model with an embedding has none",
    ],
    [
      "a skip around a GRU",
      { ...layers({ ...GRU, size: 1 }), skip: { length: 1 } },
      "skip: not allowed here: it needs a last layer that is dense and linear",
    ],
    [
      "a skip around relu",
      { ...layers({ ...DENSE, activation: "relu" }), skip: { length: 1 } },
      "skip: not allowed here: it needs a last layer that is dense and linear",
    ],
  ];
  it.each(cases)("%s", (_, document, message) => {
    expect(refusal(document)).toBe(message);
  });
});
