import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDecoder } from "../../host/stream/payload.ts";
import { compileField } from "../../host/stream/pointer.ts";
import { parseTime } from "../../host/stream/time.ts";
import { byName, decoder, modelInputs, reasonOf } from "./payload-decoder.ts";

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
