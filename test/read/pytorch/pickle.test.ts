import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { readPickle } from "../../../tools/read/pytorch/pickle.ts";
import { Opaque, PickleGlobal, type PickleHost } from "../../../tools/read/pytorch/pickle-machine.ts";

type Part = number | string;

const bytesOf = (parts: readonly Part[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...new TextEncoder().encode(part)])));

function read(parts: readonly Part[], host: Partial<PickleHost> = {}): unknown {
  return readPickle(bytesOf(parts), {
    source: "data.pkl",
    checkGlobal: () => {},
    call: () => undefined,
    persistent: (id) => ["persistent", id],
    ...host,
  });
}

describe("readPickle", () => {
  it.each<[string, Part[], unknown]>([
    ["NONE", ["N"], null],
    ["NEWTRUE", [0x88], true],
    ["NEWFALSE", [0x89], false],
    ["BININT1", ["K", 200], 200],
    ["BININT2", ["M", 1, 2], 513],
    ["BININT", ["J", 0xfe, 0xff, 0xff, 0xff], -2],
    ["INT", ["I42\n"], 42],
    ["INT true", ["I01\n"], true],
    ["INT false", ["I00\n"], false],
    ["INT one", ["I1\n"], 1],
    ["LONG", ["L-7L\n"], -7],
    ["FLOAT", ["F2.5\n"], 2.5],
    ["BINFLOAT", ["G", 0xc0, 0x04, 0, 0, 0, 0, 0, 0], -2.5],
    ["LONG1", [0x8a, 2, 0x01, 0x80], -32767],
    ["LONG1 of no bytes", [0x8a, 0], 0],
    ["LONG1 positive", [0x8a, 3, 0xff, 0xff, 0x7f], 8388607],
    ["LONG1 of nine bytes", [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1], new Opaque("int")],
    ["LONG1 of eight bytes", [0x8a, 8, 0, 0, 0, 0, 0, 1, 0, 0], 2 ** 40],
    ["LONG4", [0x8b, 2, 0, 0, 0, 5, 1], 261],
    ["UNICODE", ["Vab\n"], "ab"],
    ["BINUNICODE", ["X", 3, 0, 0, 0, "aé"], "aé"],
    ["SHORT_BINUNICODE", [0x8c, 2, "xy"], "xy"],
    ["BINUNICODE8", [0x8d, 1, 0, 0, 0, 0, 0, 0, 0, "z"], "z"],
    ["SHORT_BINSTRING", ["U", 2, "ab"], "ab"],
    ["BINSTRING", ["T", 2, 0, 0, 0, "ab"], "ab"],
    ["EMPTY_LIST", ["]"], []],
    ["EMPTY_TUPLE", [")"], []],
    ["EMPTY_DICT", ["}"], new Map()],
    ["EMPTY_SET", [0x8f], []],
    ["TUPLE1", ["K", 1, 0x85], [1]],
    ["TUPLE2", ["K", 1, "K", 2, 0x86], [1, 2]],
    ["TUPLE3", ["K", 1, "K", 2, "K", 3, 0x87], [1, 2, 3]],
    ["TUPLE", ["K", 9, "(", "K", 1, "K", 2, "t"], [1, 2]],
    ["LIST", ["(", "K", 1, "K", 2, "l"], [1, 2]],
    ["DICT", ["(", 0x8c, 1, "a", "K", 2, "d"], new Map([["a", 2]])],
    ["APPEND", ["]", "K", 1, "a", "K", 2, "a"], [1, 2]],
    ["APPENDS", ["]", "(", "K", 1, "K", 2, "e"], [1, 2]],
    ["ADDITEMS", [0x8f, "(", "K", 1, "K", 2, 0x90], [1, 2]],
    ["FROZENSET", ["(", "K", 1, "K", 2, 0x91], [1, 2]],
    ["SETITEM", ["}", "K", 1, "K", 2, "s"], new Map([[1, 2]])],
    [
      "SETITEMS",
      ["}", "(", "K", 1, "K", 2, "K", 3, "K", 4, "u"],
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    ["POP", ["K", 1, "K", 2, "0"], 1],
    ["POP of a mark", ["K", 1, "(", "0"], 1],
    ["POP_MARK", ["K", 1, "(", "K", 2, "K", 3, "1"], 1],
    ["DUP", ["K", 1, "2", 0x86], [1, 1]],
    ["PROTO", [0x80, 4, "K", 1], 1],
    ["FRAME", [0x95, 3, 0, 0, 0, 0, 0, 0, 0, "K", 1], 1],
    ["PUT and GET", ["K", 5, "p7\n", "0", "g7\n"], 5],
    ["BINPUT and BINGET", ["K", 5, "q", 7, "0", "h", 7], 5],
    ["LONG_BINPUT and LONG_BINGET", ["K", 5, "r", 7, 1, 0, 0, "0", "j", 7, 1, 0, 0], 5],
    ["MEMOIZE", ["K", 5, 0x94, "K", 6, 0x94, 0x86, "0", "h", 1, "h", 0, 0x86], [6, 5]],
    ["BINPERSID", ["K", 3, "Q"], ["persistent", 3]],
    ["GLOBAL", ["ca\nb\n"], new PickleGlobal("a.b")],
    ["STACK_GLOBAL", [0x8c, 1, "a", 0x8c, 1, "b", 0x93], new PickleGlobal("a.b")],
    ["BINBYTES", ["B", 2, 0, 0, 0, 1, 2], new Opaque("bytes")],
    ["SHORT_BINBYTES", ["C", 2, 1, 2], new Opaque("bytes")],
    ["BINBYTES8", [0x8e, 1, 0, 0, 0, 0, 0, 0, 0, 1], new Opaque("bytes")],
    ["BYTEARRAY8", [0x96, 1, 0, 0, 0, 0, 0, 0, 0, 1], new Opaque("bytearray")],
  ])("reads %s", (_, parts, expected) => {
    expect(read([...parts, "."])).toEqual(expected);
  });

  it("keeps one list or dictionary however often it is recalled", () => {
    expect(read(["]", 0x94, "K", 1, "a", "h", 0, 0x86, "."])).toEqual([[1], [1]]);
    const [first, second] = read(["]", 0x94, "h", 0, 0x86, "."]) as unknown[];
    expect(first).toBe(second);
  });

  it("calls what the host knows, with its arguments", () => {
    const call = (name: string, args: readonly unknown[]) => ({ name, args });
    const made = { name: "m.f", args: [1, 2] };
    expect(read(["cm\nf\n", "K", 1, "K", 2, 0x86, "R."], { call })).toEqual(made);
    expect(read(["cm\nf\n", "K", 1, "K", 2, 0x86, 0x81, "."], { call })).toEqual(made);
    expect(read(["cm\nf\n", "K", 1, "K", 2, 0x86, "}", 0x92, "."], { call })).toEqual(made);
    expect(read(["(", "K", 1, "K", 2, "im\nf\n."], { call })).toEqual(made);
    expect(read(["(", "cm\nf\n", "K", 1, "K", 2, "o."], { call })).toEqual(made);
  });

  it("asks the host about every global", () => {
    const seen: string[] = [];
    const checkGlobal = (name: string) => void seen.push(name);
    read(["ca\nb\n", "0", 0x8c, 1, "c", 0x8c, 1, "d", 0x93, "0", "(ie\nf\n."], { checkGlobal });
    expect(seen).toEqual(["a.b", "c.d", "e.f"]);
  });

  it("drops attributes that are set, and keeps the object", () => {
    expect(read(["}", "K", 1, "K", 2, "s", "}", "b."])).toEqual(new Map([[1, 2]]));
    expect(() => read(["K", 1, "}", "b."])).toThrow("sets attributes of what is no object");
  });

  it("drops entries whose key is no number or text", () => {
    expect(read(["}", "(", "]", "K", 1, 0x8c, 1, "a", "K", 2, "u."])).toEqual(new Map([["a", 2]]));
  });

  it("drops what is put into objects of unknown classes", () => {
    const made = new Opaque("a.b");
    expect(read(["ca\nb\n", ")R", "K", 1, "a."])).toEqual(made);
    expect(read(["ca\nb\n", ")R", "K", 1, "K", 2, "s."])).toEqual(made);
  });

  it.each<[string, Part[], number]>([
    ["the stack is empty", ["."], 0],
    ["the stack is empty", ["(", "."], 1],
    ["the stack is empty", ["p0\n."], 0],
    ["the stack is empty", ["K", 1, 0x86, "."], 2],
    ["there is no mark on the stack", ["K", 1, "t."], 2],
    ["refers to memo 3, which is not set", ["h", 3, "."], 0],
    ["calls a function with what are no arguments", ["ca\nb\n", "K", 1, "R."], 7],
    ["calls what is no function", ["K", 1, ")", "R."], 3],
    ["a global whose name is no text", ["K", 1, "K", 2, 0x93, "."], 4],
    ["the pickle is cut off", ["K"], 0],
    ["the pickle is cut off", ["N"], 1],
    ["the pickle is cut off", ["ca\nb"], 0],
    ["the pickle is cut off", ["X", 9, 0, 0, 0, "abc"], 0],
    ["the pickle is cut off", ["G", 0, 0], 0],
    ["opcode 0xff is not allowed; save model.state_dict(), which needs none but plain ones", [0xff], 0],
    ["opcode 0x01 is not allowed; save model.state_dict(), which needs none but plain ones", [0x01], 0],
  ])("refuses: %s", (message, parts, at) => {
    expect(() => read(parts)).toThrow(new CliError(`data.pkl, byte ${at}: ${message}`));
  });
});
