// Which of several networks a reference is of.

import { describe, expect, it, vi } from "vitest";
import type { DenseLayer, Network } from "../../../tools/read/network.ts";
import { writeNpz } from "../../../tools/read/npz.ts";
import { type Choice, chooseByReference } from "../../../tools/verify/choose.ts";
import { Evaluator } from "../../../tools/verify/evaluate.ts";
import { dense, gru, network } from "../../support/networks.ts";
import { mulberry32 } from "../../support/random.ts";

const FIRST = gru(2, 4, 1);
const MIDDLE = dense(4, 4, 2);
const LAST = dense(4, 2, 3);
const between = (activation: DenseLayer["activation"]): Network => network(2, [FIRST, { ...MIDDLE, activation }, LAST]);

const choice = (options: string, of: Network, isRare = false): Choice => ({ options, isRare, network: () => of });
const linear = choice("--layers gru,fc,fc", between("linear"));
const relu = choice("--layers gru,fc,relu,fc", between("relu"));
const tanh = choice("--layers gru,fc,tanh,fc", between("tanh"), true);
const sigmoid = choice("--layers gru,fc,sigmoid,fc", between("sigmoid"), true);

const noise = (rows: number, seed = 9, scale = 1) => {
  const random = mulberry32(seed);
  return Float64Array.from({ length: rows * 2 }, () => Math.fround(scale * (2 * random() - 1)));
};

/** A reference of one sequence, as one network answers it. */
function reference(of: Network, inputs: Float64Array, change = (value: number, _at: number) => value): Uint8Array {
  const outputs = Float64Array.from(new Evaluator(inputs).answers(of).flatMap((row) => [...row])).map(change);
  const steps = inputs.length / 2;
  return writeNpz(
    new Map([
      ["inputs", { shape: [1, steps, 2], data: inputs }],
      ["outputs", { shape: [1, steps, 2], data: outputs }],
    ]),
  );
}

const choose = (choices: readonly Choice[], bytes: Uint8Array) => chooseByReference(choices, bytes, "r.npz");

describe("chooseByReference", () => {
  it.each([linear, relu, tanh, sigmoid])("finds $options", (one) => {
    expect(choose([linear, relu, tanh, sigmoid], reference(one.network(), noise(30)))).toBe(one);
  });

  it("tries rare choices only where no other matches", () => {
    const rare = { ...tanh, network: vi.fn(tanh.network) };
    expect(choose([rare, relu], reference(relu.network(), noise(30)))).toBe(relu);
    expect(rare.network).not.toHaveBeenCalled();
  });

  it("takes an answer that is off by 1.8 % of the spread of an output, and none that is 2.2 % off", () => {
    const inputs = noise(200);
    const rows = new Evaluator(inputs).answers(relu.network());
    const spreads = [0, 1].map((o) => {
      const mean = rows.reduce((sum, row) => sum + (row[o] as number), 0) / rows.length;
      return Math.sqrt(rows.reduce((sum, row) => sum + ((row[o] as number) - mean) ** 2, 0) / rows.length);
    });
    const off = (part: number) =>
      reference(
        relu.network(),
        inputs,
        (value, at) => value + (at % 4 < 2 ? part : -part) * (spreads[at % 2] as number),
      );
    expect(choose([linear, relu], off(0.018))).toBe(relu);
    expect(() => choose([linear, relu], off(0.022))).toThrow(
      "r.npz: The converted model does not compute what the source does, in none of the 2 ways to put its layers together. The closest, --layers gru,fc,relu,fc, is off by 2.2 % of the signal;",
    );
  });

  it("looks beyond the first 200 steps where several match them", () => {
    const inputs = noise(300);
    inputs.fill(0, 0, 2 * 220);
    // A bias of its own keeps the layer between from 0 while nothing comes in.
    const positive = (activation: DenseLayer["activation"]) =>
      network(2, [
        { ...FIRST, b: new Float32Array(12), c: new Float32Array(12) },
        { ...MIDDLE, b: Float32Array.of(0.1, 0.1, 0.1, 0.1), activation },
        LAST,
      ]);
    const [a, b] = [choice("a", positive("linear")), choice("b", positive("relu"))];
    expect(choose([a, b], reference(b.network(), inputs))).toBe(b);
    expect(choose([a, b], reference(a.network(), inputs))).toBe(a);
  });

  it("says which it does not tell apart", () => {
    const inputs = noise(30, 9, 0);
    const still = { ...FIRST, b: new Float32Array(12), c: new Float32Array(12) };
    const same = ["a", "b", "c", "d", "e", "f"].map((name, at) =>
      choice(name, network(2, [still, dense(4, 4, 20), { ...LAST, W: LAST.W.map((value) => value + 0 * at) }])),
    );
    const bytes = reference((same[0] as Choice).network(), inputs);
    expect(() => choose(same, bytes)).toThrow(
      "r.npz: Does not tell a from b or c or d or e: its values never reach where they differ. Say which it is by these options, or give a reference with more and larger samples",
    );
  });

  it("sees an output that never moves against its size", () => {
    const constant = (bias: number) =>
      network(2, [FIRST, { ...LAST, W: new Float32Array(8), b: Float32Array.of(bias, bias) }]);
    const near = choice("near", constant(1000));
    const bytes = reference(constant(1001), noise(20));
    expect(choose([near], bytes)).toBe(near);
    expect(() => choose([choice("far", constant(900))], bytes)).toThrow("far, is off by 10 % of the signal");
  });

  it("judges by the worst output", () => {
    const bytes = reference(linear.network(), noise(30), (value, at) => (at % 2 === 1 ? value + 5 : value));
    expect(() => choose([linear], bytes)).toThrow("in none of the 1 ways");
  });

  it("compares last answers of sequences", () => {
    const sequences = Array.from({ length: 12 }, (_, i) => noise(5, 40 + i));
    const last = sequences.flatMap((inputs) => [...(new Evaluator(inputs).answers(relu.network()).at(-1) ?? [])]);
    const bytes = writeNpz(
      new Map([
        ["inputs", { shape: [12, 5, 2], data: Float64Array.from(sequences.flatMap((one) => [...one])) }],
        ["outputs", { shape: [12, 2], data: Float64Array.from(last) }],
      ]),
    );
    expect(choose([linear, relu, tanh], bytes)).toBe(relu);
  });

  it("leaves out choices whose shape the reference does not suit, unless none suits", () => {
    const wide = choice("wide", network(3, [gru(3, 4, 5), LAST]));
    const bytes = reference(relu.network(), noise(30));
    expect(choose([wide, relu], bytes)).toBe(relu);
    expect(() => choose([wide], bytes)).toThrow('r.npz: "inputs" has shape [1, 30, 2], expected [T, 3]');
  });

  it("takes an answer that is no number for one that does not match", () => {
    const broken = choice("broken", network(2, [FIRST, { ...LAST, b: Float32Array.of(NaN, 0) }]));
    const bytes = reference(relu.network(), noise(30));
    expect(choose([broken, relu], bytes)).toBe(relu);
  });
});
