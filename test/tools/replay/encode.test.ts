import { describe, expect, it } from "vitest";
import { UsageError } from "../../../tools/errors.ts";
import { createRowEncoder, type EncoderOptions } from "../../../tools/replay/encode.ts";

const HEADER = ["time", "site", "pump", "speed", "state"];
const CELLS = ["12:00", "north", "7", "1480.5", "on"];

const encoder = (options: Partial<EncoderOptions> = {}) =>
  createRowEncoder({ header: HEADER, topic: "plant/{site}/{pump}/data", payload: "json", ...options });

describe("createRowEncoder", () => {
  it("fills captures of the topic from columns, and writes the others as JSON", () => {
    expect(encoder()(CELLS)).toEqual({
      topic: "plant/north/7/data",
      payload: '{"time":"12:00","speed":1480.5,"state":"on"}',
    });
  });

  it("fills captures at the start, at the end, and twice", () => {
    expect(encoder({ topic: "{site}/x/{pump}" })(CELLS).topic).toBe("north/x/7");
    expect(encoder({ topic: "{site}{site}" })(CELLS).topic).toBe("northnorth");
    expect(encoder({ topic: "plain" })(CELLS).topic).toBe("plain");
  });

  it("writes chosen columns in their order, also those in the topic", () => {
    expect(encoder({ columns: ["speed", "pump"] })(CELLS).payload).toBe('{"speed":1480.5,"pump":7}');
    expect(encoder({ columns: ["speed", "pump"], payload: "array" })(CELLS).payload).toBe("[1480.5,7]");
  });

  it.each([
    ["1e3", "1000"],
    [" 5 ", "5"],
    ["-0.5", "-0.5"],
    ["", "null"],
    [" ", "null"],
    ["Infinity", "null"],
    ["NaN", "null"],
    ["none", "null"],
    ["1e999", '"1e999"'],
    ["0x10", '"0x10"'],
    ["007", '"007"'],
    ["-01.5", '"-01.5"'],
    ["0", "0"],
    ["0.5", "0.5"],
    ["1,5", '"1,5"'],
    ['say "x"', '"say \\"x\\""'],
  ])("writes the cell %j as %s in JSON", (cell, json) => {
    const encode = createRowEncoder({ header: ['a"b'], topic: "t", payload: "json" });
    expect(encode([cell]).payload).toBe(`{"a\\"b":${json}}`);
  });

  it("reads numbers with a decimal comma where it is told to", () => {
    const encode = createRowEncoder({ header: ["a"], topic: "t", payload: "json", hasDecimalComma: true });
    expect(["1,5", "-,5e1", "2", "1.234,5", "1,2,3"].map((cell) => encode([cell]).payload)).toEqual([
      '{"a":1.5}',
      '{"a":-5}',
      '{"a":2}',
      '{"a":"1.234,5"}',
      '{"a":"1,2,3"}',
    ]);
  });

  it("writes little-endian floats", () => {
    const { payload } = encoder({ columns: ["speed", "pump"], payload: "f32le" })(CELLS);
    expect([...(payload as Uint8Array)]).toEqual([0x00, 0x10, 0xb9, 0x44, 0, 0, 0xe0, 0x40]);
  });

  it("writes one column as a plain number", () => {
    expect(encoder({ columns: ["speed"], payload: "number" })(["", "n", "7", "1e3"]).payload).toBe("1000");
  });

  it.each(["array", "number", "f32le"] as const)("refuses what is no number as %s", (payload) => {
    const encode = encoder({ columns: ["speed"], payload });
    for (const cell of ["", "fast", "Infinity", "0x10", "007"]) {
      expect(() => encode(["", "n", "7", cell])).toThrow(
        new SyntaxError(`column "speed" is "${cell}", expected a number`),
      );
    }
    expect(() => encode(["", "n", "7"])).toThrow('column "speed" is "", expected a number');
  });

  it.each(["a/+", "a#", "", "a//b", "a/"])("refuses a row that makes the topic plant/%s", (site) => {
    const encode = encoder({ topic: "plant/{site}" });
    expect(() => encode(["", site])).toThrow(new SyntaxError(`"plant/${site}" is not a topic to publish on`));
  });

  it("refuses a row that ends before the column of its topic", () => {
    expect(() => encoder({ topic: "plant/{site}" })([])).toThrow('"plant/" is not a topic to publish on');
  });

  it.each([
    [{ topic: "plant/+" }, '"plant/+" has a wildcard, expected a topic to publish on'],
    [{ topic: "#" }, '"#" has a wildcard, expected a topic to publish on'],
    [{ topic: "{site}/#" }, '"{site}/#" has a wildcard, expected a topic to publish on'],
    [{ topic: "plant/{room}" }, 'There is no column "room"; the file has "time", "site", "pump", "speed", "state"'],
    [{ topic: "plant/{}" }, 'There is no column ""; the file has "time"'],
    [{ columns: ["speed", "sped"] }, 'There is no column "sped"; the file has "time"'],
    [{ columns: [] }, "No column is left for the payload"],
    [{ payload: "number" }, "A plain number is one column, found 3; name it with --columns"],
  ] as const)("refuses %j as wrong usage", (options, message) => {
    expect(() => encoder(options)).toThrow(UsageError);
    expect(() => encoder(options)).toThrow(message);
  });

  it("takes a column whose name has a wildcard", () => {
    const encode = createRowEncoder({ header: ["a+", "b"], topic: "plant/{a+}", payload: "json" });
    expect(encode(["x", "1"])).toEqual({ topic: "plant/x", payload: '{"b":1}' });
  });

  it("refuses a topic that takes every column", () => {
    expect(() => createRowEncoder({ header: ["a"], topic: "{a}", payload: "json" })).toThrow(
      "No column is left for the payload",
    );
  });
});
