import { encode as encodeMessagePack } from "@msgpack/msgpack";
import { encode as encodeCbor } from "cborg";
import { describe, expect, it } from "vitest";
import { createDocumentDecoder, type DocumentFormat, type DocumentOptions } from "../../../host/stream/decode/index.ts";
import { createSamplesDecoder } from "../../../host/stream/decode/struct.ts";
import { PayloadError } from "../../../host/stream/payload.ts";

const NOW = 1_772_355_600_000;
const around = { topic: "t", ask() {}, captures: new Map<string, string>(), now: () => NOW };
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** What a payload is read as, without prototypes. */
const read = (format: DocumentFormat, payload: Uint8Array | string, options?: DocumentOptions) =>
  structuredClone(createDocumentDecoder(format, options)(Buffer.from(payload as string), around));
const reasonOf = (format: DocumentFormat, payload: Uint8Array | string, options?: DocumentOptions) => {
  try {
    read(format, payload, options);
  } catch (error) {
    if (error instanceof PayloadError) return error.reason;
    throw error;
  }
  return "read";
};

describe("cbor", () => {
  it("is read as plain data", () => {
    const data = { t: 21.5, n: [1, -2, 2 ** 40], on: true, no: null, ä: "ö", deep: { x: 1 } };
    expect(read("cbor", encodeCbor(data))).toEqual(data);
    // {1: 2, -1: 3}; a time (tag 1); an integer of 64 bits
    expect(read("cbor", hex("a2 01 02 20 03"))).toEqual({ 1: 2, "-1": 3 });
    expect(read("cbor", hex("c1 1a 514b67b0"))).toBe(1363896240);
    expect(read("cbor", hex("1b ffffffffffffffff"))).toBe(2 ** 64);
  });

  it.each([
    "",
    "ff",
    "a1",
    "9bffffffffffffffff",
    "5bffffffffffffffff",
    "81".repeat(100_000),
    `${"81".repeat(100)}00`,
    "00 00",
  ])("refuses %s", (text) => {
    expect(reasonOf("cbor", hex(text))).toBe("undecodable");
  });
});

describe("msgpack", () => {
  it("is read as plain data", () => {
    const data = { t: 21.5, n: [1, -2, 2 ** 40], on: true, no: null, deep: { x: 1 } };
    expect(read("msgpack", encodeMessagePack(data))).toEqual(data);
    expect(read("msgpack", hex("d6 ff 69a40f90"))).toBe(0x69a40f90); // a time
    expect(read("msgpack", hex("cf ffffffffffffffff"))).toBe(2 ** 64);
  });

  it.each(["", "c1", "81", "ddffffffff", "dfffffffff", "c6ffffffff", "91".repeat(100_000), "0000"])(
    "refuses %s",
    (text) => {
      expect(reasonOf("msgpack", hex(text))).toBe("undecodable");
    },
  );
});

describe("senml", () => {
  it("has a reading for each base name and time", () => {
    const pack = [
      { bn: "d:", bt: 1772355600, n: "temp", v: 21.5 },
      { n: "temp", t: 60, v: 21.6 },
      { n: "hum", v: 40 },
      { n: "hum", t: 60, v: 41 },
    ];
    expect(read("senml", JSON.stringify(pack))).toEqual([
      { bn: "d:", time: 1772355600, temp: 21.5, hum: 40 },
      { bn: "d:", time: 1772355660, temp: 21.6, hum: 41 },
    ]);
  });

  it("adds base values, counts times from now, and takes truth values, texts and sums", () => {
    const pack = [
      { bn: "d:", bv: 20, bt: -5, n: "a", v: 1.5 },
      { n: "b", vb: true },
      { n: "c", vs: "on" },
      { n: "d", s: 7 },
      { n: "e", u: "m" },
    ];
    expect(read("senml", JSON.stringify(pack))).toEqual([
      { bn: "d:", time: NOW / 1000 - 5, a: 21.5, b: true, c: "on", d: 7 },
    ]);
  });

  it.each(["{}", "[1]", '[{"n":"a","v":1,"x_":1}]', '[{"bver":11,"n":"a","v":1}]'])("refuses %s", (text) => {
    expect(reasonOf("senml", text)).toBe("undecodable");
  });

  it("is the same in CBOR", () => {
    expect(read("senml_cbor", hex("82a3006474656d70016343656c02f94d60a2006368756d02f95100"))).toEqual([
      { bn: "", time: NOW / 1000, temp: 21.5, hum: 40 },
    ]);
    expect(reasonOf("senml_cbor", hex("a0"))).toBe("undecodable");
  });
});

describe("influx", () => {
  it("has a point for each line", () => {
    const text =
      'env,host=pi temperature=21.5,humidity=40i 1772355600000000000\n# comment\n\nenv on=t,s="a b,c=\\"d\\""\n';
    expect(read("influx", text)).toEqual([
      {
        measurement: "env",
        tags: { host: "pi" },
        fields: { temperature: "21.5", humidity: 40 },
        time: "1772355600000000000",
      },
      { measurement: "env", tags: {}, fields: { on: true, s: 'a b,c="d"' } },
    ]);
  });

  it("knows escapes", () => {
    expect(read("influx", "a\\ b,t\\,x=y\\=z f\\ g=1u")).toEqual([
      { measurement: "a b", tags: { "t,x": "y=z" }, fields: { "f g": 1 } },
    ]);
  });

  it.each(["a", "a b", "a b=1 c", "a b=1 1 1", "a,b c=1", "a =1"])("refuses %s", (text) => {
    expect(reasonOf("influx", text)).toBe("undecodable");
  });
});

describe("cayenne_lpp", () => {
  it("is numbers by type and channel", () => {
    expect(read("cayenne_lpp", hex("01 67 00D7 02 68 50 03 67 FF38 05 73 27 8F"))).toEqual({
      temperature_1: 21.5,
      relative_humidity_2: 40,
      temperature_3: -20,
      barometric_pressure_5: 1012.7,
    });
    expect(read("cayenne_lpp", hex("01 88 06765F F2960A 0003E8"))).toEqual({
      gps_1_latitude: 42.3519,
      gps_1_longitude: -87.9094,
      gps_1_altitude: 10,
    });
    expect(read("cayenne_lpp", hex("06 71 04D2 FB2E 0000"))).toEqual({
      accelerometer_6_x: 1.234,
      accelerometer_6_y: -1.234,
      accelerometer_6_z: 0,
    });
  });

  it.each(["01", "0167", "016700", "01FF00"])("refuses %s", (text) => {
    expect(reasonOf("cayenne_lpp", hex(text))).toBe("undecodable");
  });
});

describe("struct", () => {
  const struct = [
    { name: "a", type: "i16be", scale: 0.1 },
    { name: "b", type: "u8", offset: -40 },
    { name: "c", type: "f32le", at: 4 },
  ] as const;

  it("is numbers by place", () => {
    expect(read("struct", hex("00D7 64 00 0000AC41"), { struct })).toEqual({ a: 21.5, b: 60, c: 21.5 });
    expect(reasonOf("struct", hex("00D7 64 00 0000AC"), { struct })).toBe("undecodable");
  });

  it("may be text of bytes", () => {
    expect(read("struct", "00D764000000AC41", { struct, encoding: "hex" })).toEqual({ a: 21.5, b: 60, c: 21.5 });
    expect(read("struct", "ANdkAAAArEE=", { struct, encoding: "base64" })).toEqual({ a: 21.5, b: 60, c: 21.5 });
    for (const text of ["ANdkA", "%%%%", "x"])
      expect(reasonOf("struct", text, { struct, encoding: "base64" })).toBe("undecodable");
    for (const text of ["0", "zz"]) expect(reasonOf("struct", text, { struct, encoding: "hex" })).toBe("undecodable");
  });

  it("may stand in a field of another format", () => {
    const unpack = { field: "/data", encoding: "base64", format: "struct" } as const;
    expect(read("json", '{"port":2,"data":"ANdkAAAArEE="}', { struct, unpack })).toMatchObject({
      port: 2,
      a: 21.5,
      b: 60,
    });
    expect(reasonOf("json", '{"port":2}', { struct, unpack })).toBe("missing_field");
    expect(reasonOf("json", '{"data":7}', { struct, unpack })).toBe("undecodable");
  });
});

describe("samples", () => {
  it("are numbers one after the other, the last one of now", () => {
    const decode = createSamplesDecoder({ type: "i16le", intervalMs: 10 }, 2);
    expect(decode(hex("0100 0200 0300 FFFF"), around)).toEqual([
      { v: [1, 2], t: NOW - 10 },
      { v: [3, -1], t: NOW },
    ]);
    for (const text of ["", "00", "000000000000"]) expect(() => decode(hex(text), around)).toThrow(PayloadError);
  });
});
