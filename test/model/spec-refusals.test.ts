import { describe, expect, it } from "vitest";
import { F32, GRU, type Json, Q15, refusal, TOKEN, without } from "./documents.ts";

const DENSE: Json = { kind: "dense", size: 1, activation: "linear" };

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
