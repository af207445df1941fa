import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelFormatError } from "../../host/model/errors.ts";
import { parseModel, serializeModel } from "../../host/model/model.ts";
import { headerOf, rawContainer, withDocument, withHeader } from "../support/containers.ts";
import { randomF32Model, randomQ15Model, withSelftest } from "../support/models.ts";
import type { ShapeOptions } from "../support/shapes.ts";

const F32 = withSelftest(randomF32Model({ inputs: 2, layers: [3], skip: 2 }), 2);
const Q15 = withSelftest(randomQ15Model({ inputs: 2, layers: [3], skip: 2 }), 2);
const TOKENS = randomQ15Model({
  embedding: { vocabulary: 4, size: 2 },
  layers: [2, { dense: 3, activation: "relu" }],
  activation: "softmax",
});
const FILES = [F32.bytes, Q15.bytes, TOKENS.bytes];

const SHAPES: readonly ShapeOptions[] = [
  { layers: [3] },
  { layers: [3, 4], outputs: 0, reset: "before" },
  { layers: [{ dense: 3, activation: "tanh" }, 4], outputs: 3, activation: "sigmoid" },
  { layers: [3], skip: 7, outputs: 2 },
  { layers: [3], embedding: { vocabulary: 11, size: 3 }, outputs: 11, activation: "softmax" },
];

/** True when the bytes are read or refused as documented; any other error goes through. */
function isAnswered(bytes: Uint8Array): boolean {
  try {
    return parseModel(bytes).bytes === bytes.length;
  } catch (error) {
    if (error instanceof ModelFormatError && error.message.startsWith(`${error.field}: `)) return true;
    throw error;
  }
}

describe("parseModel", () => {
  it("gives the document, the tensors, the hash and the identity of a file", () => {
    const hash = createHash("sha256").update(F32.bytes).digest("hex");
    const model = parseModel(F32.bytes);
    expect(model).toMatchObject({ hash, id: `random@${hash.slice(0, 8)}`, bytes: F32.bytes.length, spec: F32.spec });
    expect(Object.fromEntries(model.tensors)).toEqual(Object.fromEntries(F32.tensors));
  });

  it("refuses a safetensors file that is not a model", () => {
    expect(() => parseModel(rawContainer({ __metadata__: { format: "pt" } }))).toThrow(
      "__metadata__.rivulet: missing; this safetensors file is not a Rivulet model",
    );
  });

  it("ignores other metadata", () => {
    const header = headerOf(F32.bytes) as Record<string, object>;
    const changed = { ...header, __metadata__: { ...header.__metadata__, format: "pt" } };
    expect(parseModel(withHeader(F32.bytes, changed)).spec).toEqual(F32.spec);
  });

  it("refuses a document that is not JSON", () => {
    expect(() => parseModel(rawContainer({ __metadata__: { rivulet: "{" } }))).toThrow(
      /^__metadata__\.rivulet: not JSON: /,
    );
  });

  it("refuses a document that names a field twice", () => {
    expect(() => parseModel(rawContainer({ __metadata__: { rivulet: '{"format":1,"format":2}' } }))).toThrow(
      '__metadata__.rivulet: the key "format" stands twice in an object',
    );
  });

  it("refuses a document of another version before it looks at the tensors", () => {
    expect(() => parseModel(withDocument(F32.bytes, { format: 3 }))).toThrow(/^format: version 3, this reader knows 2/);
  });

  it("refuses tensors that are not those of the document", () => {
    const { layers } = F32.spec;
    const spec = { ...F32.spec, layers: [{ ...layers[0], size: 4 }, layers[1]] };
    expect(() => parseModel(withDocument(F32.bytes, spec))).toThrow("shape [9, 2], expected [12, 2]");
  });

  it("refuses a file above the size it was told", () => {
    expect(() => parseModel(F32.bytes, { maxBytes: 1000 })).toThrow(
      `file: ${F32.bytes.length} bytes, at most 1000 are allowed`,
    );
  });
});

describe("serializeModel", () => {
  it.each(SHAPES)("writes a model that reads back equal: %j", (options) => {
    for (const built of [randomF32Model(options), randomQ15Model(options)]) {
      expect(parseModel(built.bytes).spec).toEqual(built.spec);
      expect(Object.fromEntries(parseModel(built.bytes).tensors)).toEqual(Object.fromEntries(built.tensors));
    }
  });

  it("gives the same bytes whatever the order of fields and tensors", () => {
    const spec = Object.fromEntries(Object.entries(Q15.spec).reverse()) as unknown as typeof Q15.spec;
    expect(serializeModel(spec, new Map([...Q15.tensors].reverse()))).toEqual(Q15.bytes);
  });

  it("gives the same bytes for defaults that are left out", () => {
    const { horizon, warmup, ...spec } = F32.spec;
    expect([horizon, warmup]).toEqual([1, 0]);
    expect(serializeModel({ ...spec, selftest: { steps: 2 } }, F32.tensors)).toEqual(F32.bytes);
  });

  it("gives the bytes of a file that it wrote again", () => {
    for (const bytes of FILES) {
      const { spec, tensors } = parseModel(bytes);
      expect(serializeModel(spec, tensors)).toEqual(bytes);
    }
  });

  it("refuses to write a document that a reader refuses", () => {
    expect(() => serializeModel({ ...F32.spec, name: "" }, F32.tensors)).toThrow(/^name: found ""/);
  });

  it("refuses to write tensors that a reader refuses", () => {
    const scale = { dtype: "F32", shape: [2], data: Float32Array.of(1, 0) } as const;
    expect(() => serializeModel(F32.spec, new Map([...F32.tensors, ["input.scale", scale]]))).toThrow(
      "input.scale: element 1 is 0, expected a number above 0",
    );
  });

  it("refuses to write a tensor that the model does not have", () => {
    const extra = { dtype: "F32", shape: [1], data: Float32Array.of(1) } as const;
    expect(() => serializeModel(F32.spec, new Map([...F32.tensors, ["extra", extra]]))).toThrow(
      "extra: this model has no such tensor",
    );
  });

  it("refuses to write data that do not fill their shape", () => {
    const scale = { dtype: "F32", shape: [2], data: Float32Array.of(1) } as const;
    expect(() => serializeModel(F32.spec, new Map([...F32.tensors, ["input.scale", scale]]))).toThrow(
      /^input\.scale: F32 \[2\] needs 8 bytes/,
    );
  });
});

describe("parseModel answers with a model or ModelFormatError", () => {
  const file = fc.constantFrom(...FILES);

  it("on any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), isAnswered), { numRuns: 2000 });
  });

  it("on any header", () => {
    const header = fc.oneof(
      fc.json(),
      fc.json().map((text) => `{"__metadata__":${text}}`),
    );
    const document = fc.json().map((text) => JSON.stringify({ __metadata__: { rivulet: text } }));
    const data = fc.nat(8);
    fc.assert(
      fc.property(fc.oneof(header, document), data, (text, size) => isAnswered(rawContainer(text, size))),
      {
        numRuns: 2000,
      },
    );
  });

  it("on a file cut off at any byte", () => {
    for (const bytes of FILES) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => parseModel(bytes.subarray(0, length))).toThrow(ModelFormatError);
      }
    }
  });

  it("on a file with a changed byte", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });
    const property = fc.property(file, changes, (bytes, flips) => {
      const changed = bytes.slice();
      for (const [position, bits] of flips)
        changed[position % bytes.length] = (changed[position % bytes.length] ?? 0) ^ bits;
      return isAnswered(changed);
    });
    fc.assert(property, { numRuns: 2000 });
  });

  it("on a header with a changed value", () => {
    const property = fc.property(file, fc.nat(), fc.jsonValue(), (bytes, position, value) =>
      isAnswered(withHeader(bytes, replaced(headerOf(bytes), position, value))),
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it("on a document with a changed value", () => {
    const property = fc.property(file, fc.nat(), fc.jsonValue(), (bytes, position, value) =>
      isAnswered(withDocument(bytes, replaced(parseModel(bytes).spec, position, value))),
    );
    fc.assert(property, { numRuns: 1000 });
  });
});

/** A copy of a JSON value with one of its nodes, counted in reading order, replaced. */
function replaced(root: unknown, position: number, value: unknown): unknown {
  let count = 0;
  JSON.stringify(root, (_, node) => {
    count++;
    return node;
  });
  let visited = 0;
  const text = JSON.stringify(root, (_, node) => (visited++ === position % count ? value : node));
  return JSON.parse(text);
}
