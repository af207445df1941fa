import { describe, expect, it } from "vitest";
import { CliError, UsageError } from "../../../tools/errors.ts";
import type { Block } from "../../../tools/read/pytorch/blocks.ts";
import { fittingOrders, givenOrder, orderText } from "../../../tools/read/pytorch/order.ts";

const gru = (name: string, inputs: number, outputs: number) =>
  ({ name, kind: "gru", inputs, outputs, layers: [] }) as unknown as Block;
const linear = (name: string, inputs: number, outputs: number, first = 0, kind: "linear" | "matrix" = "linear") =>
  ({
    name,
    kind,
    inputs,
    outputs,
    W: Float32Array.from({ length: inputs * outputs }, (_, i) => first + i),
    b: new Float32Array(outputs),
  }) as unknown as Block;

const texts = (blocks: readonly Block[]) => fittingOrders(blocks, "m.pt").map(orderText);

describe("givenOrder", () => {
  const blocks = [gru("gru", 3, 4), linear("fc", 4, 2), linear("emb", 3, 9, 0, "matrix")];
  const given = (...names: string[]) => givenOrder(blocks, names, "m.pt");

  it("places layers as they are told, with functions behind them", () => {
    const two = [gru("gru", 3, 4), linear("fc", 4, 2)];
    const { placed, functions } = givenOrder(two, ["gru", "tanh", "fc", "softmax"], "m.pt");
    expect(orderText({ placed })).toBe("gru,fc");
    expect([...functions].map(([name, { text, applied }]) => [name, text, applied.activation])).toEqual([
      ["gru", "tanh", "tanh"],
      ["fc", "softmax", "softmax"],
    ]);
    expect(givenOrder(two, ["gru", "fc"], "m.pt").functions.size).toBe(0);
  });

  it("takes a matrix for an embedding where it is told so", () => {
    const two = [gru("gru", 3, 4), linear("emb", 9, 3, 0, "matrix")];
    const table = [gru("gru", 9, 4), linear("emb", 9, 3, 0, "matrix")];
    expect(orderText(givenOrder(table, ["emb:embedding", "gru"], "m.pt"))).toBe("emb:embedding,gru");
    expect(() => givenOrder(two, ["emb:embedding", "gru"], "m.pt")).toThrow("emb gives 9 values, gru takes 3");
  });

  it.each([
    [
      ["gru", "head"],
      /^--layers: Found "head", expected NAME or NAME:embedding of gru, fc, emb, or a function after one: /,
    ],
    [["gru:table"], /^--layers: Found "gru:table"/],
    [["emb:embedding:x"], /^--layers: Found "emb:embedding:x"/],
    [["tanh", "gru"], /^--layers: Found "tanh"/],
    [["gru", "tanh", "tanh"], /^--layers: Found "tanh"/],
    [["gru:embedding"], /^--layers: "gru" cannot be an embedding: that is the first layer, and has no bias$/],
    [["gru", "emb:embedding"], /^--layers: "emb" cannot be an embedding/],
    [["fc:embedding"], /^--layers: "fc" cannot be an embedding/],
    [["gru", "fc"], /^--layers: emb is missing, expected each layer of m\.pt once$/],
    [["gru"], /^--layers: fc, emb is missing/],
    [["gru", "fc", "emb", "emb"], /^--layers: A layer stands twice, expected each layer of m\.pt once$/],
    [["fc", "gru", "emb"], /^--layers: fc gives 2 values, gru takes 3$/],
  ])("refuses %j", (names, message) => {
    expect(() => given(...names)).toThrow(UsageError);
    expect(() => given(...names)).toThrow(message);
  });
});

describe("fittingOrders", () => {
  it("finds the one order that the sizes allow", () => {
    expect(texts([linear("out", 5, 1), gru("gru", 3, 4), linear("mid", 4, 5)])).toEqual(["gru,mid,out"]);
  });

  it("finds every order, those with the GRU early first", () => {
    expect(texts([linear("fc", 4, 4), gru("gru", 4, 4)])).toEqual(["gru,fc", "fc,gru"]);
    expect(texts([linear("a", 4, 4, 1), linear("b", 4, 4, 2), gru("gru", 4, 4)])).toEqual([
      "gru,a,b",
      "gru,b,a",
      "a,gru,b",
      "b,gru,a",
      "a,b,gru",
      "b,a,gru",
    ]);
  });

  it("takes a matrix in front for an embedding, too, where that fits", () => {
    expect(texts([gru("gru", 3, 4), linear("emb", 3, 9, 0, "matrix")])).toEqual(["emb:embedding,gru"]);
    expect(texts([gru("gru", 3, 3), linear("emb", 3, 3, 0, "matrix")])).toEqual([
      "gru,emb",
      "emb:embedding,gru",
      "emb,gru",
    ]);
    expect(texts([linear("emb", 3, 3, 0, "matrix")])).toEqual(["emb"]);
  });

  it("tells tied layers apart no more than their weights do", () => {
    expect(texts([linear("a", 4, 4), linear("b", 4, 4), gru("gru", 4, 4)])).toEqual(["gru,a,b", "a,gru,b", "a,b,gru"]);
    expect(texts([linear("a", 4, 4), linear("b", 4, 4, 0, "matrix"), gru("gru", 4, 4)]).length).toBeGreaterThan(3);
  });

  it("finds at most 24 orders", () => {
    const blocks = Array.from({ length: 5 }, (_, i) => linear(`l${i}`, 4, 4, 10 * i));
    expect(texts(blocks)).toHaveLength(24);
    expect(texts(blocks.slice(1))).toHaveLength(24);
    expect(texts(blocks.slice(2))).toHaveLength(6);
  });

  it("refuses sizes that do not fit, and more than eight layers", () => {
    expect(() => texts([gru("gru", 3, 2), linear("fc", 5, 4)])).toThrow(
      /^m\.pt: No order of the layers fits their sizes: gru \(3 to 2\), fc \(5 to 4\)\. .*--map$/,
    );
    const chain = (count: number) => Array.from({ length: count }, (_, i) => linear(`l${i}`, i + 1, i + 2));
    expect(texts(chain(8))).toEqual(["l0,l1,l2,l3,l4,l5,l6,l7"]);
    expect(() => texts(chain(9))).toThrow(
      new CliError(
        "m.pt: Order of the 9 layers is unknown; give it with --layers, for example --layers l0,l1,l2,l3,l4,l5,l6,l7,l8",
      ),
    );
  });
});
