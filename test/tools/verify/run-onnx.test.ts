// How an ONNX source is run, with a runtime of our own in the place of onnxruntime: it computes what the network does.

import { describe, expect, it } from "vitest";
import { CliError } from "../../../tools/errors.ts";
import { fromHalf, toHalf } from "../../../tools/read/half.ts";
import type { Network } from "../../../tools/read/network.ts";
import type { OnnxPlan } from "../../../tools/read/onnx/plan.ts";
import { Evaluator } from "../../../tools/verify/evaluate.ts";
import type { OnnxData, OnnxRuntime, OnnxTensor } from "../../../tools/verify/onnxruntime.ts";
import type { Sequence } from "../../../tools/verify/reference.ts";
import { runOnnx } from "../../../tools/verify/run-onnx.ts";
import { dense, gru, matrix, network } from "../../support/networks.ts";

const NETWORK = network(2, [gru(2, 3, 1), dense(3, 2, 2)]);

/** What the runtime was asked. */
interface Feed {
  readonly dims: readonly number[];
  readonly type: OnnxTensor["type"];
  readonly values: readonly number[];
}

type Answer = (feeds: Readonly<Record<string, OnnxTensor>>) => Readonly<Record<string, OnnxTensor>>;

/** A runtime that answers so, and remembers what came for input "x". */
function fake(answer: Answer) {
  const feeds: Feed[] = [];
  const calls = { released: 0 };
  const runtime: OnnxRuntime = {
    version: "0",
    open: async () => ({
      run: async (given) => {
        const x = given.x as OnnxTensor;
        feeds.push({
          dims: x.dims,
          type: x.type,
          values: Array.from<number | bigint, number>(x.data as Float64Array, Number),
        });
        return answer(given);
      },
      release: async () => void calls.released++,
    }),
  };
  return { runtime, feeds, calls };
}

const tensor = (dims: readonly number[], data: OnnxData, type: OnnxTensor["type"] = "float32"): OnnxTensor => ({
  type,
  dims,
  data,
});

function planOf(axes: OnnxPlan["input"]["axes"], output: OnnxPlan["output"]["axes"], elementType = 1): OnnxPlan {
  return { input: { name: "x", elementType, axes }, states: [], output: { name: "y", axes: output } };
}

/** Answers of `of` to inputs [B][T][I]: all, or the last only, as [B][T][O] or [B][O]. */
function batchFirst(of: Network, lastOnly = false): Answer {
  return ({ x }) => {
    const [batch = 1, steps = 1, width = 1] = (x as OnnxTensor).dims;
    const rows = Array.from({ length: batch }, (_, b) => {
      const values = Array.from((x as OnnxTensor).data as Float32Array, Number);
      const inputs = Float64Array.from(values.slice(b * steps * width, (b + 1) * steps * width));
      const answers = new Evaluator(inputs).answers(of).map((row) => [...row]);
      return lastOnly ? answers.slice(-1).flat() : answers.flat();
    });
    return { y: tensor([batch, rows[0]?.length ?? 0], Float32Array.from(rows.flat())) };
  };
}

const TIME = { role: "time", size: null } as const;
const VALUES = { role: "values", size: null } as const;
const batch = (size: number | null) => ({ role: "batch", size }) as const;

/** Every sequence answers as the network does. */
function expectRight(of: Network, sequences: readonly Sequence[]): void {
  for (const { inputs, outputs, steps, lastOnly } of sequences) {
    expect(inputs.length).toBe(steps * of.inputs);
    const rows = new Evaluator(inputs).answers(of).map((row) => [...row].map(Math.fround));
    expect([...outputs]).toEqual(lastOnly ? rows.at(-1) : rows.flat());
  }
}

describe("runOnnx", () => {
  it("runs one sequence of 1,000 steps, and releases the session", async () => {
    const { runtime, feeds, calls } = fake(batchFirst(NETWORK));
    const sequences = await runOnnx(
      runtime,
      { network: NETWORK, plan: planOf([batch(null), TIME, VALUES], [0, "time", "values"]) },
      "m.onnx",
    );
    expect(sequences.map(({ steps, lastOnly }) => [steps, lastOnly])).toEqual([[1000, false]]);
    expect(feeds.map(({ dims }) => dims)).toEqual([
      [1, 2, 2],
      [1, 1000, 2],
    ]);
    expectRight(NETWORK, sequences);
    expect(calls.released).toBe(1);
  });

  it("draws normal samples about the place that the normalisation expects", async () => {
    const placed: Network = {
      ...NETWORK,
      normalisation: { offset: Float32Array.of(100, -5), scale: Float32Array.of(0.5, 10) },
    };
    const { runtime } = fake(batchFirst(placed));
    const [sequence] = await runOnnx(
      runtime,
      { network: placed, plan: planOf([batch(null), TIME, VALUES], [0, "time", "values"]) },
      "m.onnx",
    );
    for (const [i, centre, unit] of [
      [0, 100, 2],
      [1, -5, 0.1],
    ] as const) {
      const own = [...(sequence as Sequence).inputs]
        .filter((_, at) => at % 2 === i)
        .map((value) => (value - centre) / unit);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length;
      expect(Math.abs(mean)).toBeLessThan(0.1);
      expect(variance).toBeGreaterThan(0.9);
      expect(variance).toBeLessThan(1.1);
    }
  });

  it("draws the same samples every time", async () => {
    const plan = planOf([batch(null), TIME, VALUES], [0, "time", "values"]);
    const [first, second] = [fake(batchFirst(NETWORK)), fake(batchFirst(NETWORK))];
    await runOnnx(first.runtime, { network: NETWORK, plan }, "m.onnx");
    await runOnnx(second.runtime, { network: NETWORK, plan }, "m.onnx");
    expect(first.feeds).toEqual(second.feeds);
  });

  it("takes fewer steps of a large network, 100 at least", async () => {
    const steps = async (rows: number) => {
      const large = network(1, [dense(1, rows, 3), dense(rows, rows, 4), dense(rows, 1, 5)]);
      const { runtime } = fake(({ x }) => ({ y: tensor([1], new Float32Array((x as OnnxTensor).dims[1] as number)) }));
      const plan = planOf([batch(1), TIME, VALUES], ["time", "values"]);
      const [sequence] = await runOnnx(runtime, { network: large, plan }, "m.onnx");
      return sequence?.steps;
    };
    expect(await steps(10)).toBe(1000);
    expect(await steps(1000)).toBe(Math.floor(5e8 / (1 + 1000 + 1e6 + 1000)));
    expect(await steps(2500)).toBe(100);
  });

  it("counts recurrent weights, and every stream", async () => {
    const wide = network(1, [gru(1, 400, 6), dense(400, 1, 7)]);
    const { runtime, feeds } = fake(({ x }) => {
      const [streams = 0, steps = 0] = (x as OnnxTensor).dims;
      return { y: tensor([1], new Float32Array(streams * steps)) };
    });
    const plan = planOf([batch(4), TIME, VALUES], [0, "time", "values"]);
    const sequences = await runOnnx(runtime, { network: wide, plan }, "m.onnx");
    expect(sequences.length).toBe(4);
    expect(feeds.at(-1)?.dims).toEqual([4, Math.floor(5e8 / (1 + 1200 + 1200 * 400 + 400) / 4), 1]);
  });

  it("runs a source of a fixed length until 1,000 steps are reached", async () => {
    const { runtime, feeds } = fake(batchFirst(NETWORK));
    const plan = planOf([batch(null), { role: "time", size: 24 }, VALUES], [0, "time", "values"]);
    const sequences = await runOnnx(runtime, { network: NETWORK, plan }, "m.onnx");
    expect(sequences.map(({ steps }) => steps)).toEqual(Array(42).fill(24));
    expect(feeds.every(({ dims }) => dims[1] === 24)).toBe(true);
    expectRight(NETWORK, sequences);
  });

  it("runs a source that answers at its last step over 32 lengths and a long one", async () => {
    const last: Network = { ...NETWORK, lastOnly: true };
    const { runtime } = fake(batchFirst(NETWORK, true));
    const sequences = await runOnnx(
      runtime,
      { network: last, plan: planOf([batch(null), TIME, VALUES], [0, "values"]) },
      "m.onnx",
    );
    expect(sequences.map(({ steps }) => steps)).toEqual([...Array.from({ length: 32 }, (_, i) => 32 - i), 1000]);
    expectRight(NETWORK, sequences);
  });

  it("finds the number of streams that the source was exported with", async () => {
    const right = batchFirst(NETWORK);
    const { runtime, feeds } = fake((given) => {
      if ((given.x as OnnxTensor).dims[0] !== 8) throw new CliError("m.onnx: onnxruntime cannot run it: dimensions");
      return right(given);
    });
    const sequences = await runOnnx(
      runtime,
      { network: NETWORK, plan: planOf([batch(null), TIME, VALUES], [0, "time", "values"]) },
      "m.onnx",
    );
    expect(feeds.map(({ dims }) => dims[0])).toEqual([1, 2, 3, 4, 8, 8]);
    expect(sequences.length).toBe(8);
    expectRight(NETWORK, sequences);
  });

  it("gives the first refusal where no number of streams works, and a fault at once", async () => {
    let count = 0;
    const refusing = fake(() => {
      throw new CliError(`m.onnx: refusal ${++count}`);
    });
    const plan = planOf([batch(null), TIME, VALUES], [0, "time", "values"]);
    await expect(runOnnx(refusing.runtime, { network: NETWORK, plan }, "m.onnx")).rejects.toThrow("m.onnx: refusal 1");
    expect(count).toBe(8);
    expect(refusing.calls.released).toBe(1);
    const broken = fake(() => {
      throw new TypeError("a fault");
    });
    await expect(runOnnx(broken.runtime, { network: NETWORK, plan }, "m.onnx")).rejects.toThrow(TypeError);
    expect(broken.feeds.length).toBe(1);
  });

  it("numbers streams along two batch axes, wherever they stand in the output", async () => {
    const right = batchFirst(NETWORK);
    const { runtime } = fake(({ x }) => {
      // Inputs [2][T][3][I]; outputs [3][T][O][2].
      const { dims, data } = x as OnnxTensor;
      const steps = dims[1] as number;
      const values = data as Float32Array;
      const y = new Float32Array(3 * steps * 2 * 2);
      for (let a = 0; a < 2; a++) {
        for (let b = 0; b < 3; b++) {
          const own = Float32Array.from({ length: steps * 2 }, (_, at) => {
            const [t, i] = [Math.floor(at / 2), at % 2];
            return values[((a * steps + t) * 3 + b) * 2 + i] as number;
          });
          const answers = right({ x: tensor([1, steps, 2], own) }).y?.data as Float32Array;
          for (const [at, value] of answers.entries())
            y[((b * steps + Math.floor(at / 2)) * 2 + (at % 2)) * 2 + a] = value;
        }
      }
      return { y: tensor([3, steps, 2, 2], y) };
    });
    const plan = planOf([batch(2), { role: "time", size: 9 }, batch(3), VALUES], [2, "time", "values", 0]);
    const sequences = await runOnnx(runtime, { network: NETWORK, plan }, "m.onnx");
    expect(sequences.length).toBe(6 * Math.ceil(1000 / 9));
    expectRight(NETWORK, sequences);
    expect(new Set(sequences.map(({ inputs }) => inputs[0])).size).toBe(sequences.length);
  });

  it("hands the states of a source of one step on from run to run, whatever their shape", async () => {
    const fed: number[][] = [];
    // The state counts the steps; the answer is the state's first value.
    const { runtime } = fake(({ h }) => {
      const values = [...((h as OnnxTensor).data as Float32Array)];
      fed.push(values, [...(h as OnnxTensor).dims]);
      const next = Float32Array.from(values, (value, at) => value + at + 1);
      return { y: tensor([2], Float32Array.of(values[0] as number, values[1] as number)), h1: tensor([3], next) };
    });
    const plan: OnnxPlan = {
      ...planOf([batch(1), VALUES], ["values"]),
      states: [{ name: "h", elementType: 1, sizes: [1, null, 3], output: "h1" }],
    };
    const sequences = await runOnnx(runtime, { network: NETWORK, plan }, "m.onnx");
    expect(sequences.map(({ steps, lastOnly }) => [steps, lastOnly])).toEqual([[1000, false]]);
    const outputs = (sequences[0] as Sequence).outputs;
    expect([...outputs.subarray(0, 6)]).toEqual([0, 0, 1, 2, 2, 4]);
    expect([...outputs.subarray(1998)]).toEqual([999, 1998]);
    expect(fed[1]).toEqual([1, 1, 3]);
    // One run beforehand finds out that it runs.
    expect(fed.slice(0, 6)).toEqual([
      [0, 0, 0],
      [1, 1, 3],
      [0, 0, 0],
      [1, 1, 3],
      [1, 2, 3],
      [1, 1, 3],
    ]);
  });

  it("refuses a state whose next value has another size or type", async () => {
    const plan: OnnxPlan = {
      ...planOf([batch(1), VALUES], ["values"]),
      states: [{ name: "h", elementType: 1, sizes: [3], output: "h1" }],
    };
    for (const next of [tensor([4], new Float32Array(4)), tensor([3], new Float64Array(3), "float64")]) {
      const { runtime } = fake(() => ({ y: tensor([2], new Float32Array(2)), h1: next }));
      await expect(runOnnx(runtime, { network: NETWORK, plan }, "m.onnx")).rejects.toThrow(
        'm.onnx: Output "h1" does not fit the state "h" that it is the next of',
      );
    }
  });

  it("runs sequences of one step where a state has no next value", async () => {
    const { runtime } = fake(() => ({ y: tensor([2], new Float32Array(2)) }));
    const plan: OnnxPlan = {
      ...planOf([batch(1), VALUES], ["values"]),
      states: [{ name: "h", elementType: 1, sizes: [3], output: undefined }],
    };
    const sequences = await runOnnx(runtime, { network: NETWORK, plan }, "m.onnx");
    expect(sequences.length).toBe(1000);
    expect(sequences.every(({ steps }) => steps === 1)).toBe(true);
  });

  it.each([
    [1, "float32", Float32Array, (value: number) => value === Math.fround(value)],
    [10, "float16", Uint16Array, (value: number) => Number.isInteger(value)],
    [11, "float64", Float64Array, (value: number) => value !== Math.fround(value)],
  ] as const)("feeds element type %i as %s", async (elementType, type, array, isOne) => {
    const seen: OnnxData[] = [];
    const { runtime, feeds } = fake(({ x }) => {
      seen.push((x as OnnxTensor).data);
      return { y: tensor([1], new Float32Array(2 * ((x as OnnxTensor).dims[1] as number))) };
    });
    const plan = planOf([batch(1), TIME, VALUES], [0, "time", "values"], elementType);
    const [sequence] = await runOnnx(runtime, { network: NETWORK, plan }, "m.onnx");
    expect(feeds.every((feed) => feed.type === type)).toBe(true);
    expect(seen[0]).toBeInstanceOf(array);
    expect(type === "float64" ? feeds[1]?.values.some(isOne) : feeds[1]?.values.every(isOne)).toBe(true);
    if (type === "float16")
      expect([...(sequence as Sequence).inputs]).toEqual(feeds[1]?.values.map((bits) => fromHalf(bits)));
    else expect([...(sequence as Sequence).inputs]).toEqual(feeds[1]?.values);
  });

  it.each([
    [2, Uint8Array, 0, 6],
    [3, Int8Array, -3, 3],
    [6, Int32Array, -3, 3],
    [7, BigInt64Array, -3, 3],
  ] as const)("draws whole numbers for element type %i", async (elementType, array, least, most) => {
    const seen: OnnxData[] = [];
    const { runtime, feeds } = fake(({ x }) => {
      seen.push((x as OnnxTensor).data);
      return { y: tensor([1], new Float32Array(2 * ((x as OnnxTensor).dims[1] as number))) };
    });
    await runOnnx(
      runtime,
      { network: NETWORK, plan: planOf([batch(1), TIME, VALUES], [0, "time", "values"], elementType) },
      "m.onnx",
    );
    expect(seen[0]).toBeInstanceOf(array);
    const values = new Set(feeds[1]?.values);
    expect([Math.min(...values), Math.max(...values), values.size]).toEqual([least, most, 7]);
  });

  it("draws tokens of the vocabulary", async () => {
    const tokens: Network = {
      ...network(1, [gru(3, 4, 12), dense(4, 5, 13)]),
      embedding: { vocabulary: 5, size: 3, weight: matrix(5, 3, 14) },
    };
    const { runtime, feeds } = fake(batchFirst(tokens));
    const sequences = await runOnnx(
      runtime,
      { network: tokens, plan: planOf([batch(null), TIME], [0, "time", "values"], 7) },
      "m.onnx",
    );
    expect([...new Set(feeds[1]?.values)].toSorted()).toEqual([0, 1, 2, 3, 4]);
    expectRight(tokens, sequences);
  });

  it("reads answers in half precision by their bits", async () => {
    const { runtime } = fake(({ x }) => {
      const count = 2 * ((x as OnnxTensor).dims[1] as number);
      return {
        y: tensor(
          [count],
          Uint16Array.from({ length: count }, (_, at) => toHalf(at / 4)),
          "float16",
        ),
      };
    });
    const [sequence] = await runOnnx(
      runtime,
      { network: NETWORK, plan: planOf([batch(1), TIME, VALUES], [0, "time", "values"]) },
      "m.onnx",
    );
    expect([...(sequence as Sequence).outputs.subarray(0, 4)]).toEqual([0, 0.25, 0.5, 0.75]);
  });

  it("refuses what it cannot compare", async () => {
    const { runtime } = fake(() => ({ y: tensor([1, 3], new Float32Array(3)) }));
    const plan = planOf([batch(1), TIME, VALUES], [0, "time", "values"]);
    await expect(runOnnx(runtime, { network: NETWORK, plan }, "m.onnx")).rejects.toThrow(
      "m.onnx: onnxruntime answers with [1, 3], expected 1 × 2 × 2 values",
    );
    const silent = fake(() => ({}));
    await expect(runOnnx(silent.runtime, { network: NETWORK, plan }, "m.onnx")).rejects.toThrow("answers with nothing");
    await expect(
      runOnnx(runtime, { network: NETWORK, plan: planOf(plan.input.axes, plan.output.axes, 9) }, "m.onnx"),
    ).rejects.toThrow('m.onnx: Input "x" has the element type 9 of ONNX, which is not run here');
    await expect(runOnnx(runtime, { network: NETWORK, plan: undefined } as never, "m.onnx")).rejects.toThrow(
      "m.onnx: Its output has an axis that is neither time nor batch nor values, and cannot be compared",
    );
  });
});
