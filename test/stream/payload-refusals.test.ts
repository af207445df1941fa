import { describe, expect, it } from "vitest";
import { bindingProblem, createDecoder, PayloadError } from "../../host/stream/payload.ts";
import { byName, decoder, modelInputs, reasonOf } from "./payload-decoder.ts";

describe("createDecoder with a part of the inputs", () => {
  const part = { isPartial: true, inputs: [{ name: "pressure", maxAge: 60 }] };

  it.each([
    ["json", '{"pressure":7,"speed":1}'],
    ["array", "[7]"],
    ["number", "7"],
  ] as const)("leaves the other inputs open in %s", (payload, text) => {
    const decode = decoder({ ...part, payload });
    expect(decode(text).sample).toEqual([Number.NaN, 7]);
    expect(decode(text).sample).toEqual([Number.NaN, 7]);
  });

  it("leaves the other inputs open in f32le", () => {
    const bytes = new Uint8Array(Float32Array.of(7).buffer);
    expect(decoder({ ...part, payload: "f32le" })(bytes).sample).toEqual([Number.NaN, 7]);
    expect(reasonOf(() => decoder({ ...part, payload: "f32le" })(new Uint8Array(8)))).toBe("wrong_length");
    expect(reasonOf(() => decoder({ ...part, payload: "array" })("[1,2]"))).toBe("wrong_length");
  });

  it("knows the greatest ages of its own inputs", () => {
    const options = { payload: "json", modelInputs, maxBytes: 200, ...part } as const;
    expect(createDecoder(options).maxAges).toEqual([undefined, 60_000]);
  });

  it("still refuses inputs that the model does not have, or has twice", () => {
    expect(() => decoder({ isPartial: true, inputs: [{ name: "sped" }] })).toThrow(RangeError);
    const twice = [{ name: "speed" }, { name: "speed" }];
    expect(() => decoder({ isPartial: true, inputs: twice })).toThrow('input "speed" is bound twice');
  });

  it("says whether its payloads are stepped or held", () => {
    const options = { payload: "json", modelInputs, maxBytes: 200, ...part } as const;
    const payload = new TextEncoder().encode('{"pressure":7,"speed":1}');
    expect(createDecoder(options)(payload).action).toBe("step");
    expect(createDecoder({ ...options, action: "hold" })(payload).action).toBe("hold");
    const fleeting = { ...options, inputs: [{ name: "pressure", maxAge: 1 }, { name: "speed" }] };
    expect(() => createDecoder({ ...fleeting, action: "hold" })).toThrow(RangeError);
    expect(() => createDecoder({ ...fleeting, action: "hold" })).toThrow(
      'input "speed" is held, so it needs a greatest age',
    );
    expect(createDecoder(fleeting)(payload).action).toBe("step");
  });
});

describe("what is wrong with a payload", () => {
  it("is an error that callers tell apart", () => {
    expect(() => decoder()("{")).toThrow(expect.objectContaining({ name: "PayloadError", reason: "not_json" }));
  });

  it.each([
    ["json", '{"speed":1}', 'Field "pressure" is missing'],
    ["json", '{"speed":true,"pressure":1}', 'The field "speed" is a boolean, expected a number'],
    ["json", '{"speed":[1],"pressure":1}', 'The field "speed" is an array, expected a number'],
    ["json", '{"speed":{},"pressure":1}', 'The field "speed" is an object, expected a number'],
    ["json", '{"speed":"x","pressure":1}', 'The field "speed" is a string, expected a number'],
    ["json", '{"speed":1,"pressure":-1e39}', 'The field "pressure" is not a finite single precision number'],
    ["json", "{", "Payload is not JSON"],
    ["array", "[1,null]", "The value 1 is null, expected a number"],
    ["array", "{}", "Payload is not a JSON array"],
    ["array", "[1]", "Payload has 1 values, expected 2"],
    ["f32le", "1234567", "Payload has 7 bytes, expected 8"],
    ["number", "nan", "Payload is not a finite number"],
    ["number", "-INFINITY", "Payload is not a finite number"],
    ["number", "x", "Payload is not a number"],
    ["number", "1e39", "The payload is not a finite single precision number"],
  ] as const)("is told: %s %s", (payload, text, message) => {
    const one = payload === "number" ? { inputs: [{ name: "speed" }], modelInputs: ["speed"] } : {};
    expect(() => decoder({ payload, ...one })(text)).toThrow(PayloadError);
    expect(() => decoder({ payload, ...one })(text)).toThrow(message);
  });

  it("is told of its length, at the limit and beyond", () => {
    const decode = decoder({ maxBytes: 24 });
    expect(decode('{"speed":1,"pressure":2}').sample).toEqual([1, 2]);
    expect(() => decode('{"speed":1,"pressure":2} ')).toThrow("json payload has 25 bytes, expected at most 24");
  });

  it("is told in float32 by the place of the value", () => {
    const bytes = new Uint8Array(Float32Array.of(1, Number.POSITIVE_INFINITY).buffer);
    expect(() => decoder({ payload: "f32le" })(bytes)).toThrow("The value 1 is not a finite single precision number");
  });

  it("is told when none of the fields is there", () => {
    const inputs = byName.map((input) => ({ ...input, maxAge: 60 }));
    expect(() => decoder({ inputs })("{}")).toThrow("None of the fields is there");
    expect(decoder({ inputs })('{"speed":1}').sample).toEqual([1, Number.NaN]);
  });

  it("is told of its time", () => {
    const decode = decoder({ time: { field: "/at/0", format: "unix_ms" } });
    expect(decode('{"speed":1,"pressure":2,"at":[5]}').time).toBe(5);
    expect(() => decode('{"speed":1,"pressure":2,"at":["x"]}')).toThrow('Field "/at/0" is not a time in unix_ms');
    expect(decoder()('{"speed":1,"pressure":2,"at":[5]}').time).toBeUndefined();
  });

  it.each([
    ["1", 1],
    ["-1.", -1],
    ["+.5", 0.5],
    ["1.25E+2", 125],
    ["\t7 \r\n", 7],
    ["3.4e38", 3.4e38],
  ])("is nothing with the plain number %j", (text, value) => {
    const decode = decoder({ payload: "number", inputs: [{ name: "speed" }], modelInputs: ["speed"] });
    expect(decode(text)).toMatchObject({ sample: [value], time: undefined });
  });

  it.each(["1 2", "1,5", ".", "e5", "1e", "--1", "1_000", "Infinityx", "nano"])("is that %j is no number", (text) => {
    const decode = decoder({ payload: "number", inputs: [{ name: "speed" }], modelInputs: ["speed"] });
    expect(reasonOf(() => decode(text))).toBe("not_a_number");
  });
});

describe("bindingProblem", () => {
  it("tells what is wrong, and at which input", () => {
    expect(bindingProblem(byName, modelInputs)).toBeUndefined();
    expect(bindingProblem([{ name: "speed" }, { name: "x" }], modelInputs)).toEqual({
      index: 1,
      message: 'the model has no input "x"; it has "speed", "pressure"',
    });
    expect(bindingProblem([...byName, { name: "speed" }], modelInputs)).toEqual({
      index: 2,
      message: 'input "speed" is bound twice',
    });
    expect(bindingProblem([], modelInputs)).toEqual({
      index: undefined,
      message: 'the model\'s inputs "speed", "pressure" are not bound',
    });
  });
});
