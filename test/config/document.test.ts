import { describe, expect, it } from "vitest";
import { ConfigError, formatPath, type Problem, parseConfigDocument } from "../../host/config/document.ts";

/** The places at which problems are told. */
function placesOf(text: string, ...problems: Partial<Problem>[]): string[] {
  const document = parseConfigDocument(text, "f");
  const all = problems.map((problem) => ({ path: [], message: "x", ...problem }));
  return document.error(all).message.split("\n");
}

describe("parseConfigDocument", () => {
  it("answers plain data", () => {
    const { value, file } = parseConfigDocument("a: [1, { b: true }]\nc: &x text\nd: *x\n", "f.yaml");
    expect(value).toEqual({ a: [1, { b: true }], c: "text", d: "text" });
    expect(file).toBe("f.yaml");
    expect(parseConfigDocument('{"a": [1]}', "f").value).toEqual({ a: [1] });
  });

  it("tells every place where YAML is malformed, with one line each", () => {
    const parse = () => parseConfigDocument("a: 1\na: 2\nb: [\n", "f.yaml");
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(/^f\.yaml:2:1 Map keys must be unique\nf\.yaml:4:1 [^\n]+$/);
  });

  it("tells what makes a document without end", () => {
    const bomb = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"];
    for (const [from, to] of ["ab", "bc", "cd", "de"]) {
      bomb.push(`${to}: &${to} [${Array.from({ length: 10 }, () => `*${from}`)}]`);
    }
    expect(() => parseConfigDocument(bomb.join("\n"), "f.yaml")).toThrow(ConfigError);
    expect(() => parseConfigDocument(bomb.join("\n"), "f.yaml")).toThrow(/^f\.yaml: Excessive alias count/);
    expect(() => parseConfigDocument("a: *b", "f.yaml")).toThrow(
      expect.objectContaining({ name: "ConfigError", cause: expect.any(ReferenceError) }),
    );
  });
});

describe("ConfigDocument.error", () => {
  const text = "a: 1\nb:\n  c: [x, { d: y }]\n  e:\nf: &f\n  g: 2\nh: *f\n";

  it.each([
    [["a"], "f:1:4 a: x"],
    [["b"], "f:2:1 b: x"], // a mapping stands for itself by its key
    [["b", "c"], "f:3:6 b.c: x"],
    [["b", "c", 0], "f:3:7 b.c[0]: x"],
    [["b", "c", 1], "f:3:10 b.c[1]: x"],
    [["b", "c", 1, "d"], "f:3:15 b.c[1].d: x"],
    [["b", "c", 7], "f:3:6 b.c[7]: x"],
    [["b", "c", 7, "d"], "f:3:6 b.c[7].d: x"],
    [["b", "e"], "f:4:5 b.e: x"],
    [["b", "nope"], "f:2:1 b.nope: x"],
    [["b", "nope", "deeper"], "f:2:1 b.nope.deeper: x"],
    [["h", "g"], "f:6:6 h.g: x"], // by the alias
    [["a", "deeper"], "f:1:4 a.deeper: x"],
    [[], "f:1:1 x"],
    [["nope"], "f:1:1 nope: x"],
  ] as const)("finds %j", (path, line) => {
    expect(placesOf(text, { path })).toEqual([line]);
  });

  it("finds a key at fault, not its value", () => {
    expect(placesOf(text, { path: [], key: "a" })).toEqual(["f:1:1 x"]);
    expect(placesOf(text, { path: ["b"], key: "c" })).toEqual(["f:3:3 b: x"]);
    expect(placesOf(text, { path: ["b", "c", 1], key: "d" })).toEqual(["f:3:12 b.c[1]: x"]);
    expect(placesOf(text, { path: ["b"], key: "nope" })).toEqual(["f:2:1 b: x"]);
  });

  it("takes the offset that a problem brings", () => {
    expect(placesOf(text, { offset: 5 })).toEqual(["f:2:1 x"]);
    expect(placesOf(text, { path: ["a"], offset: 0 })).toEqual(["f:1:1 a: x"]);
  });

  it("tells problems in the order of the file", () => {
    const order = placesOf(text, { path: ["h"] }, { path: ["a"] }, { path: ["b", "c"] });
    expect(order.map((line) => line.slice(0, 3))).toEqual(["f:1", "f:3", "f:7"]);
  });

  it("finds numbers that are keys", () => {
    expect(placesOf("1: a\n2: b\n", { path: ["2"] })).toEqual(["f:2:4 2: x"]);
  });

  it("stands at the start of an empty document", () => {
    expect(placesOf("", { path: ["a"] })).toEqual(["f:1:1 a: x"]);
  });
});

describe("formatPath", () => {
  it("prints members by dots and elements in brackets", () => {
    expect(formatPath(["streams", "pump", "inputs", 0, "field"])).toBe("streams.pump.inputs[0].field");
    expect(formatPath([0, "a"])).toBe("[0].a");
    expect(formatPath([])).toBe("");
  });
});
