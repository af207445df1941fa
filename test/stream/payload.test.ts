import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bindingProblem, createDecoder, type DecoderOptions, PayloadError } from "../../host/stream/payload.ts";
import { compileField } from "../../host/stream/pointer.ts";
import { parseTime } from "../../host/stream/time.ts";

const modelInputs = ["speed", "pressure"];
const byName = [{ name: "speed" }, { name: "pressure" }];

function decoder(options: Partial<DecoderOptions> = {}) {
  const decode = createDecoder({ payload: "json", inputs: byName, modelInputs, maxBytes: 200, ...options });
  return (payload: string | Uint8Array) => {
    const { sample, time } = decode(typeof payload === "string" ? new TextEncoder().encode(payload) : payload);
    return { sample: [...sample], time };
  };
}

function reasonOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof PayloadError) return error.reason;
    throw error;
  }
  return "accepted";
}

describe("createDecoder", () => {
  it("reads fields of a JSON object in the order of the model's inputs", () => {
    expect(decoder()('{"pressure":3.5,"speed":1480,"unit":"bar"}').sample).toEqual([1480, 3.5]);
  });

  it("reads fields by JSON Pointer", () => {
    const inputs = [
      { name: "pressure", field: "/hydraulics/1/bar" },
      { name: "speed", field: "rpm" },
    ];
    expect(decoder({ inputs })('{"rpm":9,"hydraulics":[0,{"bar":2}]}').sample).toEqual([9, 2]);
  });

  it("reads a JSON array in the order of the bindings", () => {
    const inputs = [{ name: "pressure" }, { name: "speed" }];
    expect(decoder({ payload: "array", inputs })("[1,2]").sample).toEqual([2, 1]);
  });

  it("reads a plain number", () => {
    const decode = decoder({ payload: "number", inputs: [{ name: "speed" }], modelInputs: ["speed"] });
    expect(decode(" -1.5e3\n").sample).toEqual([-1500]);
    expect(decode("+7").sample).toEqual([7]);
  });

  it("reads little-endian float32 at any alignment", () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat32(1, 1.5, true);
    new DataView(bytes.buffer).setFloat32(5, -2, true);
    expect(decoder({ payload: "f32le" })(bytes.subarray(1)).sample).toEqual([1.5, -2]);
  });

  it.each([
    ["{oops", "not_json"],
    ["", "not_json"],
    ['{"speed":NaN,"pressure":1}', "not_json"],
    ['{"speed":1}', "missing_field"],
    ["[1,2]", "missing_field"],
    ["null", "missing_field"],
    ['{"speed":null,"pressure":1}', "missing_field"],
    ['{"speed":true,"pressure":1}', "not_a_number"],
    ['{"speed":"1 bar","pressure":1}', "not_a_number"],
    ['{"speed":"","pressure":1}', "not_a_number"],
    ['{"speed":1e999,"pressure":1}', "not_finite"],
    ['{"speed":1e39,"pressure":1}', "not_finite"],
    [`{"speed":1,"pressure":1,"x":"${"x".repeat(200)}"}`, "too_large"],
  ])("refuses the JSON payload %s as %s", (payload, reason) => {
    expect(reasonOf(() => decoder()(payload))).toBe(reason);
  });

  it("refuses JSON that is not UTF-8", () => {
    expect(reasonOf(() => decoder()(Uint8Array.of(0x22, 0xff, 0x22)))).toBe("not_json");
  });

  it.each([
    ["array", "[1]", "wrong_length"],
    ["array", "{}", "not_json"],
    ["array", '[1,"x"]', "not_a_number"],
    ["f32le", "1234567", "wrong_length"],
    ["number", "nan", "not_finite"],
    ["number", "-Inf", "not_finite"],
    ["number", "1e999", "not_finite"],
    ["number", "12 bar", "not_a_number"],
    ["number", "0x10", "not_a_number"],
    ["number", "", "not_a_number"],
  ] as const)("refuses the %s payload %j as %s", (payload, text, reason) => {
    const inputs = payload === "number" ? [{ name: "speed" }] : byName;
    const names = payload === "number" ? ["speed"] : modelInputs;
    expect(reasonOf(() => decoder({ payload, inputs, modelInputs: names })(text))).toBe(reason);
  });

  it("refuses NaN in float32", () => {
    const bytes = new Uint8Array(new Float32Array([Number.NaN, 1]).buffer);
    expect(reasonOf(() => decoder({ payload: "f32le" })(bytes))).toBe("not_finite");
  });

  describe("with a greatest age", () => {
    const inputs = [{ name: "speed" }, { name: "pressure", field: "/hydraulics/pressure", maxAge: 60 }];

    it("leaves a gap for what is missing or null", () => {
      const decode = decoder({ inputs });
      expect(decode('{"speed":1,"hydraulics":{"pressure":2}}').sample).toEqual([1, 2]);
      expect(decode('{"speed":3}').sample).toEqual([3, Number.NaN]);
      expect(decode('{"speed":3,"hydraulics":{"pressure":null}}').sample).toEqual([3, Number.NaN]);
    });

    it("tells the greatest ages in the order of the model's inputs", () => {
      const options = { payload: "json", modelInputs, maxBytes: 200 } as const;
      expect(createDecoder({ ...options, inputs: inputs.toReversed() }).maxAges).toEqual([undefined, 60_000]);
    });

    it.each([
      ['{"hydraulics":{"pressure":2}}', "missing_field"],
      ['{"speed":1,"hydraulics":{"pressure":"high"}}', "not_a_number"],
      ['{"speed":1,"hydraulics":{"pressure":1e999}}', "not_finite"],
    ])("refuses %s as %s", (payload, reason) => {
      expect(reasonOf(() => decoder({ inputs })(payload))).toBe(reason);
    });

    it.each(["{}", '{"battery":80}', '{"speed":null,"pressure":null}', "null", "7"])(
      "refuses %s, which has none of the fields",
      (payload) => {
        const all = byName.map((input) => ({ ...input, maxAge: 60 }));
        expect(reasonOf(() => decoder({ inputs: all })(payload))).toBe("missing_field");
      },
    );
  });

  it("takes the time from the payload", () => {
    const decode = decoder({ time: { field: "ts", format: "unix" } });
    expect(decode('{"speed":1,"pressure":2,"ts":1732000000.5}').time).toBe(1732000000500);
    expect(reasonOf(() => decode('{"speed":1,"pressure":2}'))).toBe("bad_time");
  });

  it("tells what is wrong with a binding", () => {
    expect(() => decoder({ inputs: [{ name: "sped" }] })).toThrow('no input "sped"; it has "speed", "pressure"');
    expect(() => decoder({ inputs: [{ name: "speed" }] })).toThrow('inputs "pressure" are not bound');
    expect(() => decoder({ inputs: [...byName, { name: "speed" }] })).toThrow('"speed" is bound twice');
  });

  it("answers finite values or the documented error, whatever arrives", () => {
    const payloads = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    for (const payload of ["json", "array", "f32le"] as const) {
      const decode = decoder({ payload, maxBytes: 1000 });
      fc.assert(
        fc.property(payloads, (bytes) => {
          // `reasonOf` passes on any other error.
          const reason = reasonOf(() => {
            if (!decode(bytes).sample.every(Number.isFinite)) throw new Error("A value is not finite");
          });
          expect(reason).toMatch(/^[a-z_]+$/);
        }),
      );
    }
  });
});

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

describe("compileField", () => {
  it("follows RFC 6901", () => {
    const document = { "a/b": 1, "m~n": 2, "": 3, list: [10, 20], plain: { "/x": 4 } };
    expect(compileField("/a~1b")(document)).toBe(1);
    expect(compileField("/m~0n")(document)).toBe(2);
    expect(compileField("/")(document)).toBe(3);
    expect(compileField("/list/1")(document)).toBe(20);
    expect(compileField("/list/01")(document)).toBeUndefined();
    expect(compileField("/list/length")(document)).toBeUndefined();
    expect(compileField("")(document)).toBe(document);
    expect(compileField("/list/1/x")(document)).toBeUndefined();
    expect(compileField("/list/10")(document)).toBeUndefined();
    expect(compileField("/list/0")([])).toBeUndefined();
    expect(compileField("/0")(["x"])).toBe("x");
    expect(compileField("/10")(Array.from({ length: 11 }, (_, i) => i))).toBe(10);
    expect(compileField("/1x")(["x", "y"])).toBeUndefined();
    expect(compileField("/plain/~1x")(document)).toBe(4);
    expect(compileField("/~01")({ "~1": 5 })).toBe(5);
    expect(compileField("plain")(document)).toEqual({ "/x": 4 });
    expect(compileField("a/b")(document)).toBe(1);
    for (const field of ["/a~2", "/a~", "/~"]) {
      expect(() => compileField(field)).toThrow(SyntaxError);
      expect(() => compileField(field)).toThrow(`"${field}" is not a JSON Pointer: ~ must be written ~0`);
    }
    expect(compileField("a~2")({ "a~2": 1 })).toBe(1);
  });

  it.each([null, undefined, 7, "text", true])("finds nothing in %j", (document) => {
    expect(compileField("/a")(document)).toBeUndefined();
    expect(compileField("length")(document)).toBeUndefined();
  });

  it("finds own members only", () => {
    for (const field of ["__proto__", "constructor", "/constructor/name", "toString"]) {
      expect(compileField(field)({})).toBeUndefined();
    }
  });
});

describe("parseTime", () => {
  it.each([
    ["2024-02-30T00:00:00Z", "iso8601", undefined],
    ["2023-02-29", "iso8601", undefined],
    ["2024-02-29", "iso8601", Date.UTC(2024, 1, 29)],
    ["2024-13-01", "iso8601", undefined],
    [1732000000, "unix", 1732000000000],
    [1732000000123, "unix_ms", 1732000000123],
    ["2024-11-19T07:06:40Z", "iso8601", 1732000000000],
    ["2024-11-19T08:06:40+01:00", "iso8601", 1732000000000],
    ["2024-11-19T08:06:40+0100", "iso8601", 1732000000000],
    ["2024-11-19 07:06:40", "iso8601", 1732000000000],
    ["2024-11-19T07:06:40.250Z", "iso8601", 1732000000250],
    ["2024-11-19T08:06:40+01", "iso8601", 1732000000000],
    ["2024-11-19T02:36:40-0430", "iso8601", 1732000000000],
    ["2024-11-19t07:06:40z", "iso8601", 1732000000000],
    ["2024-11-19T07:06:40,250Z", "iso8601", 1732000000250],
    ["2024-11-19T07:06Z", "iso8601", 1731999960000],
    ["2024-11-19", "iso8601", 1731974400000],
    [" 2024-11-19", "iso8601", undefined],
    ["2024-11-19T07", "iso8601", undefined],
    [1732000000, "iso8601", undefined],
    [1732000000.0006, "unix", 1732000000001],
    [1732000000.0004, "unix", 1732000000000],
    [1.6, "unix_ms", 2],
    [1.4, "unix_ms", 1],
    [8.64e15, "unix_ms", 8.64e15],
    [8.64e15 + 1, "unix_ms", undefined],
    [-8.64e15, "unix_ms", -8.64e15],
    [-8.64e15 - 1, "unix_ms", undefined],
    [Number.NaN, "unix_ms", undefined],
    [undefined, "unix", undefined],
    [null, "iso8601", undefined],
    ["1732000000", "unix", 1732000000000],
    [" 1732000000.25 ", "unix", 1732000000250],
    ["1732000000", "unix_ms", 1732000000],
    ["0x5", "unix", undefined],
    ["", "unix", undefined],
    [1732000000123456, "unix_us", 1732000000123],
    ["1732000000123456789", "unix_ns", 1732000000123],
    [1e300, "unix", undefined],
    ["yesterday", "iso8601", undefined],
    ["2024-13-19T07:06:40Z", "iso8601", undefined],
  ] as const)("reads %j in %s as %s", (value, format, expected) => {
    expect(parseTime(value, format)).toBe(expected);
  });
});
