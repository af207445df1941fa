import { describe, expect, it } from "vitest";
import { parseSpec } from "../../host/model/spec.ts";
import { F32, GRU, Q15, refusal, TOKEN, without } from "./documents.ts";

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
