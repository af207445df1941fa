// SenML where the tests of all formats leave off: every label of CBOR, versions, and which times are relative (RFC 8428).

import { describe, expect, it } from "vitest";
import { decodeSenml, decodeSenmlCbor } from "../../../host/stream/decode/senml.ts";

const NOW = 1_772_355_600_000;
const around = { topic: "t", captures: new Map(), now: () => NOW, ask: () => {} };
const read = (pack: unknown) => decodeSenml(new TextEncoder().encode(JSON.stringify(pack)), around);
const readCbor = (hex: string) => decodeSenmlCbor(Buffer.from(hex.replaceAll(" ", ""), "hex"), around);

describe("SenML in CBOR", () => {
  it("has numbers for the labels of base name, time, value and sum", () => {
    // [{ -2: "d:", -3: 1772355600, -5: 10, 0: "a", 2: 1 }, { 0: "a", 6: 60, 2: 2 }]
    expect(readCbor("82 a5 21 62643a 22 1a69a40010 24 0a 00 6161 02 01  a3 00 6161 06 183c 02 02")).toEqual([
      { bn: "d:", time: 0x69a40010, a: 11 },
      { bn: "d:", time: 0x69a40010 + 60, a: 12 },
    ]);
    // { -6: 100, 0: "a", 5: 7 }
    expect(readCbor("81 a3 25 1864 00 6161 05 07")).toEqual([{ bn: "", time: NOW / 1000, a: 107 }]);
  });

  it("has numbers for texts, truth values and the version", () => {
    expect(readCbor("82 a2 00 6161 03 626f6e  a2 00 6162 04 f5")).toEqual([
      { bn: "", time: NOW / 1000, a: "on", b: true },
    ]);
    // { -1: 11, … }
    expect(() => readCbor("81 a3 20 0b 00 6161 02 01")).toThrow("The SenML pack has a version above 10");
    expect(readCbor("81 a3 20 0a 00 6161 02 01")).toEqual([{ bn: "", time: NOW / 1000, a: 1 }]);
  });

  it("takes units, update times and data for no value", () => {
    // { 0: "a", 1: "m", 7: 5, 8: "x" }
    expect(readCbor("81 a4 00 6161 01 616d 07 05 08 6178")).toEqual([]);
  });

  it("refuses what is no pack of records", () => {
    expect(() => readCbor("a0")).toThrow("Payload is no SenML pack, which is an array of records");
    expect(() => readCbor("81 01")).toThrow("A record of the SenML pack is no object");
  });
});

describe("SenML in JSON", () => {
  it("takes times below 2^28 seconds for relative to now, and others as they are", () => {
    expect(read([{ n: "a", t: 2 ** 28, v: 1 }])).toEqual([{ bn: "", time: 2 ** 28, a: 1 }]);
    expect(read([{ n: "a", t: 2 ** 28 - 1, v: 1 }])).toEqual([{ bn: "", time: NOW / 1000 + 2 ** 28 - 1, a: 1 }]);
    expect(read([{ bt: -10, n: "a", t: 4, v: 1 }])).toEqual([{ bn: "", time: NOW / 1000 - 6, a: 1 }]);
  });

  it("calls a value of a base name alone `value`, and passes over one without any name", () => {
    expect(read([{ bn: "d:1", v: 4 }])).toEqual([{ bn: "d:1", time: NOW / 1000, value: 4 }]);
    expect(read([{ v: 4 }])).toEqual([]);
  });

  it("keeps base values until others come", () => {
    expect(
      read([
        { bn: "a:", bv: 5, n: "x", v: 1 },
        { n: "y", v: 1 },
        { bn: "b:", bv: 0, n: "x", v: 1 },
      ]),
    ).toEqual([
      { bn: "a:", time: NOW / 1000, x: 6, y: 6 },
      { bn: "b:", time: NOW / 1000, x: 1 },
    ]);
  });
});
