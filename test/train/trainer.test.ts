import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { TrainingError } from "../../host/train/errors.ts";
import { createTrainer } from "../../host/train/trainer.ts";
import type { Batch, OptimizerOptions, TrainerOptions, Weights } from "../../host/train/types.ts";
import { differentiate } from "../oracle/train.ts";
import { buildModel, tensorOf } from "../support/models.ts";
import { batchFor, CASES, caseOptions, denseSpec, gruSpec, numbersOf } from "../support/training.ts";

/** A model of these weights. */
const modelOf = ({ network }: TrainerOptions, weights: Weights) =>
  buildModel({ format: 1, name: "trained", numeric: "f32", horizon: 1, warmup: 0, ...network }, weights).model;

/** What sessions of the runtime predict, [B][T][O]. */
function predicted(
  options: TrainerOptions,
  weights: Weights,
  { rows, steps, inputs }: Batch,
  simd: boolean,
): Float32Array {
  const runtime = createRuntime(modelOf(options, weights), { simd });
  const I = options.network.inputs.length;
  const all = Array.from({ length: rows }, (_, row) => {
    const session = runtime.createSession();
    return Array.from({ length: steps }, (_, t) =>
      Array.from(session.step(Array.from({ length: I }, (_, i) => inputs[(row * steps + t) * I + i]!))),
    );
  });
  return Float32Array.from((options.targets === "last" ? all.map((row) => row.slice(-1)) : all).flat(2));
}

const SMALL = caseOptions({ name: "small", layers: [gruSpec(6), denseSpec(2)] });
const hashOf = (weights: Weights) => {
  const hash = createHash("sha256");
  for (const { data } of weights.values()) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest("hex").slice(0, 16);
};

describe("predict", () => {
  it.each(CASES)("answers the bits of the runtime: $name", (shape) => {
    const options = caseOptions(shape);
    const batch = batchFor(options, 5, 8);
    const trainer = createTrainer(options);
    trainer.step(batch);
    const found = trainer.predict(batch);
    for (const simd of [true, false]) expect(found).toEqual(predicted(options, trainer.weights(), batch, simd));
  });

  it("applies the scaling of the output as the runtime does", () => {
    const scaling = [
      ["output.offset", tensorOf("F32", [2], [20, -3])],
      ["output.scale", tensorOf("F32", [2], [7, 0.1])],
    ] as const;
    const options = { ...SMALL, initial: new Map([...(SMALL.initial ?? []), ...scaling]) };
    const batch = batchFor(options, 5, 8);
    const trainer = createTrainer(options);
    expect(trainer.predict(batch)).toEqual(predicted(options, trainer.weights(), batch, true));
    const { sum } = differentiate(options, numbersOf(options), batch);
    expect(trainer.evaluate(batch).sum / sum).toBeCloseTo(1, 5);
  });

  it("goes on where the batch before ended, for the rows that are carried", () => {
    const options = caseOptions({ name: "carried", layers: [gruSpec(6), gruSpec(5, "before"), denseSpec(2)], skip: 3 });
    const whole = batchFor(options, 3, 8);
    const cut = (from: number, to: number) => {
      const rows = [0, 1, 2].flatMap((row) => Array.from(whole.inputs).slice((row * 8 + from) * 3, (row * 8 + to) * 3));
      return { rows: 3, steps: to - from, inputs: rows };
    };
    const trainer = createTrainer(options);
    const all = trainer.predict(whole);
    const rowsOf = (values: Float32Array, steps: number) =>
      [0, 1, 2].map((row) => values.slice(row * steps * 2, (row + 1) * steps * 2));
    const expected = rowsOf(all, 8).map((row) => row.slice(10));
    trainer.predict(cut(0, 5));
    const found = rowsOf(trainer.predict({ ...cut(5, 8), carry: [true, false, true] }), 3);
    const fresh = rowsOf(trainer.predict(cut(5, 8)), 3);
    expect(found).toEqual([expected[0], fresh[1], expected[2]]);
    expect(fresh[0]).not.toEqual(expected[0]);
  });
});

describe("step", () => {
  /** One update in double precision. */
  function updated(options: TrainerOptions, batch: Batch, change: OptimizerOptions, norm = Number.POSITIVE_INFINITY) {
    const { gradients } = differentiate(options, numbersOf(options), batch);
    const { learningRate = 1e-3, weightDecay = 0 } = change;
    const length = Math.hypot(
      ...[...gradients].filter(([name]) => !name.startsWith("input")).flatMap(([, g]) => [...g]),
    );
    const factor = Math.min(1, norm / length);
    return new Map(
      [...numbersOf(options)].map(([name, values]) => {
        if (name.startsWith("input")) return [name, values];
        const decay = change.noDecay?.includes(name) ? 0 : weightDecay;
        const g = gradients.get(name)!.map((v) => v * factor);
        // The first update of Adam: the moments, corrected, are g and g².
        const epsilon = change.epsilonTo === "corrected" ? 1e-7 : 1e-7 / Math.sqrt(0.001);
        return [
          name,
          values.map((w, i) => w * (1 - decay * learningRate) - (learningRate * g[i]!) / (Math.abs(g[i]!) + epsilon)),
        ];
      }),
    );
  }

  const worst = (found: Weights, expected: ReadonlyMap<string, Float64Array>) =>
    Math.max(
      ...[...expected].flatMap(([name, values]) => [...values].map((v, i) => Math.abs(v - found.get(name)!.data[i]!))),
    );

  it.each<[string, OptimizerOptions, number?]>([
    ["Adam", { learningRate: 0.01 }],
    ["epsilon as PyTorch has it", { learningRate: 0.01, epsilonTo: "corrected" }],
    ["weight decay", { learningRate: 0.01, weightDecay: 0.5, noDecay: ["layers.0.b", "layers.0.c"] }],
    ["a clipped norm", { learningRate: 0.01, clipNorm: 1e-5 }, 1e-5],
  ])("updates by %s", (_, optimizer, norm) => {
    const options = { ...SMALL, optimizer };
    const batch = batchFor(options, 8, 8);
    const trainer = createTrainer(options);
    trainer.step(batch);
    expect(worst(trainer.weights(), updated(options, batch, optimizer, norm))).toBeLessThan(2e-6);
  });

  it("learns: the loss of a delayed sum falls to a hundredth", () => {
    const options = { ...SMALL, optimizer: { learningRate: 0.01 } };
    const { network } = options;
    const batch = batchFor(options, 8, 8);
    const inputs = Array.from(batch.inputs);
    const targets = inputs.flatMap((_, i) => {
      if (i % 3 > 1) return [];
      return [Math.floor(i / 3) % 8 === 0 ? Number.NaN : Math.tanh(inputs[i - 3]! + inputs[i % 3 === 0 ? i + 1 : i]!)];
    });
    const trainer = createTrainer({ network, loss: "mse", optimizer: options.optimizer, batch: 8, steps: 8 });
    const own = { rows: 8, steps: 8, inputs, targets };
    const first = trainer.step(own).loss;
    for (let i = 0; i < 600; i++) trainer.step(own);
    expect(trainer.updates).toBe(601);
    expect(trainer.step(own).loss).toBeLessThan(first / 100);
  });

  it("leaves what is frozen, offsets, scales and parameters that are no weights", () => {
    const options = caseOptions({
      name: "",
      layers: [gruSpec(4, "before"), denseSpec(2, "elu")],
      frozen: ["layers.0.U"],
    });
    const trainer = createTrainer(options);
    const before = trainer.weights();
    trainer.step(batchFor(options, 4, 4));
    const same = [...trainer.weights()].filter(([name, { data }]) => data.join() === before.get(name)!.data.join());
    expect(same.map(([name]) => name)).toEqual([
      "input.offset",
      "input.scale",
      "layers.0.U",
      "layers.0.c",
      "layers.1.p",
    ]);
  });

  it("differentiates with the values that dropout left", () => {
    const plain = caseOptions({ name: "", layers: [gruSpec(6), denseSpec(5, "tanh"), gruSpec(4), denseSpec(2)] });
    const options: TrainerOptions = { ...plain, dropout: [0.5, 0.25, 0.5], seed: 3, optimizer: { learningRate: 0.01 } };
    const batch = batchFor(options, 8, 8);
    const mix = (value: number) => {
      let x = value >>> 0;
      x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
      x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
      return (x ^ (x >>> 16)) >>> 0;
    };
    const kept = (layer: number, t: number, unit: number, row: number) => {
      const rate = options.dropout?.[layer] ?? 0;
      const size = plain.network.layers[layer]!.size;
      const key = Math.imul(3, 0x85ebca6b) ^ Math.imul(layer + 1, 0x27d4eb2f);
      const random = mix(key + Math.imul((t * size + unit) * 8 + row, 0x9e3779b9));
      return rate === 0 ? 1 : random >= rate * 2 ** 32 ? 1 / (1 - rate) : 0;
    };
    const expected = differentiate(options, numbersOf(options), batch, kept);
    const { loss, norm } = createTrainer(options).step(batch);
    const length = [...expected.gradients].filter(([name]) => !name.startsWith("input"));
    expect(loss / (expected.sum / expected.weight)).toBeCloseTo(1, 5);
    expect(norm / Math.hypot(...length.flatMap(([, values]) => [...values]))).toBeCloseTo(1, 5);
  });

  it("takes no account of targets that are NaN and steps of weight 0", () => {
    const trainer = createTrainer(SMALL);
    const batch = batchFor(SMALL, 4, 8);
    const weights = Array.from(batch.weights!, (w, i) => (i % 5 === 0 ? 0 : w));
    const plain = trainer.gradients({ ...batch, weights });
    const targets = Array.from(batch.targets, (v, i) => (Math.floor(i / 2) % 5 === 0 ? Number.NaN : v));
    expect(trainer.gradients({ ...batch, targets })).toEqual(plain);
    expect(trainer.gradients({ ...batch, weights, targets: targets.map((v) => (Number.isNaN(v) ? 1e30 : v)) })).toEqual(
      plain,
    );
  });

  it("refuses an update that is not finite, and stays as it was", () => {
    const trainer = createTrainer(SMALL);
    const before = trainer.weights();
    const batch = batchFor(SMALL, 4, 8);
    expect(() => trainer.step({ ...batch, targets: Array.from(batch.targets, () => 1e30) })).toThrow(TrainingError);
    expect(() => trainer.step({ ...batch, targets: Array.from(batch.targets, () => 1e30) })).toThrow(
      /^Update 1 was not made: the loss is Infinity, the norm of its gradient \S+, expected finite numbers; lower the learning rate, limit/,
    );
    expect([trainer.updates, trainer.weights()]).toEqual([0, before]);
  });
});

describe("a loss that is not finite", () => {
  const [trainer, batch] = [createTrainer(SMALL), batchFor(SMALL, 4, 8)];
  const changed = (values: ArrayLike<number>, at: number, to: number) =>
    Array.from(values, (v, i) => (i === at ? to : v));

  it.each<[string, Partial<Batch>, string]>([
    ["an input", { inputs: changed(batch.inputs, 55, Number.NaN) }, 'inputs: row 2, step 2, "x1" is NaN, expected'],
    ["an input too great for f32", { inputs: changed(batch.inputs, 0, 1e39) }, 'inputs: row 0, step 0, "x0" is 1e+39'],
    [
      "a target",
      { targets: changed(batch.targets, 17, Number.NEGATIVE_INFINITY) },
      "targets: row 1, element 17 is -Infinity",
    ],
    ["a weight", { weights: changed(batch.weights!, 31, Number.NaN) }, "weights: row 3, element 31 is NaN"],
  ])("is told with its place: %s", (_, change, place) => {
    expect(() => trainer.step({ ...batch, ...change })).toThrow(TrainingError);
    expect(() => trainer.step({ ...batch, ...change })).toThrow(place);
    expect(trainer.updates).toBe(0);
  });
});

describe("snapshot", () => {
  it("goes on with the same bits", () => {
    const options: TrainerOptions = {
      ...caseOptions({ name: "", layers: [gruSpec(6), denseSpec(2)], skip: 3 }),
      dropout: [0.2],
    };
    const batch = { ...batchFor(options, 8, 8), carry: true };
    const [one, other] = [createTrainer(options), createTrainer(options)];
    one.step(batch);
    other.restore(one.snapshot());
    expect(other.step(batch)).toEqual(one.step(batch));
    expect(other.snapshot()).toEqual(one.snapshot());
  });

  it("is refused where it is of another network", () => {
    const other = createTrainer(caseOptions({ name: "", layers: [gruSpec(3)] }));
    expect(() => other.restore(createTrainer(SMALL).snapshot())).toThrow(
      /^Snapshot of training: Found \d+ numbers, expected \d+ numbers of the same network$/,
    );
  });
});

describe("the same data and seed", () => {
  it.each([true, false])("give the same weights on every machine, SIMD %s", (simd) => {
    const options: TrainerOptions = {
      network: {
        inputs: [{ name: "a" }, { name: "b" }],
        outputs: [{ name: "y" }],
        layers: [gruSpec(9), gruSpec(5, "before"), denseSpec(4, "gelu"), denseSpec(1)],
        skip: { length: 3 },
      },
      loss: "huber",
      dropout: [0.1, 0.1],
      optimizer: { learningRate: 0.01, clipNorm: 0.5, weightDecay: 0.01 },
      batch: 12,
      steps: 10,
      seed: 5,
    };
    const trainer = createTrainer(options, { simd });
    for (let i = 0; i < 30; i++) trainer.step(batchFor(options, 12, 10, i));
    expect(hashOf(trainer.weights())).toBe("180d2f55bd4b384d");
  });
});

describe("createTrainer", () => {
  const refused = (change: Partial<TrainerOptions>) => () => createTrainer({ ...SMALL, ...change });

  it.each<[Partial<TrainerOptions>, string]>([
    [{ loss: "binary_crossentropy" }, "binary_crossentropy: the last layer is linear, expected sigmoid"],
    [{ loss: "categorical_crossentropy" }, "categorical_crossentropy: the last layer is linear, expected softmax"],
    [{ batch: 0 }, "batch: Found 0, expected a whole number from 1"],
    [{ steps: 1.5 }, "steps: Found 1.5, expected a whole number from 1"],
    [{ dropout: [1] }, "dropout of layer 0: Found 1, expected a number from 0 to below 1"],
    [{ frozen: ["layers.7.W"] }, "layers.7.W: the network has no such tensor, expected input.offset"],
    [
      { initial: new Map([["layers.0.b", tensorOf("F32", [3], [1, 2, 3])]]) },
      "layers.0.b: Found F32 [3], expected F32 [18]",
    ],
    [
      { network: { ...caseOptions({ name: "", layers: [gruSpec(3)] }).network, skip: { length: 2 } } },
      "skip: the last layer is a GRU layer, expected dense with linear; add one, or leave out the skip",
    ],
    [
      { network: { ...caseOptions({ name: "", layers: [denseSpec(3, "tanh")] }).network, skip: { length: 2 } } },
      "skip: the last layer is dense with tanh, expected dense with linear",
    ],
    [
      { network: { ...SMALL.network, embedding: { vocabulary: 4, size: 2 }, skip: { length: 2 } } },
      "skip: the network has an embedding, whose tokens cannot be weighed; leave out the skip",
    ],
    [{ network: { ...SMALL.network, layers: [] } }, "The network has no layers, expected one at least"],
    [{ network: { ...SMALL.network, outputs: [] } }, "The last layer has 2 values, expected 0, one for each output"],
  ])("refuses %o", (change, message) => {
    expect(refused(change)).toThrow(message);
  });

  it.each<[Partial<Batch>, string]>([
    [{ rows: 9 }, "rows: Found 9, expected 1 to 8, the trainer's"],
    [{ steps: 0 }, "steps: Found 0, expected 1 to 8, the trainer's"],
    [{ inputs: [1] }, "inputs: Found 1 values, expected 96"],
    [{ targets: [1] }, "targets: Found 1 values, expected 64"],
    [{ weights: [1] }, "weights: Found 1 values, expected 32"],
    [{ carry: [true] }, "carry: Found 1 values, expected 4"],
  ])("refuses a batch with %o", (change, message) => {
    expect(() => createTrainer(SMALL).step({ ...batchFor(SMALL, 4, 8), ...change })).toThrow(message);
  });

  it.each(["binary", ""] as const)("refuses targets of a %s cross-entropy that are no probabilities", (kind) => {
    const options = caseOptions(CASES.find(({ name }) => name === `${kind} cross-entropy`.trim())!);
    const batch = batchFor(options, 2, 2);
    const targets = Array.from(batch.targets, (v, i) => (i === 3 ? -1 : v));
    expect(() => createTrainer(options).step({ ...batch, targets })).toThrow(
      `targets: element 3 is -1, expected 0 to 1 for ${options.loss}`,
    );
  });

  it("refuses tokens and classes that there are not", () => {
    const options = caseOptions(CASES.find(({ name }) => name.startsWith("tokens"))!);
    const batch = batchFor(options, 2, 2);
    const trainer = createTrainer(options);
    expect(() => trainer.step({ ...batch, inputs: [0, 1, 11, 2] })).toThrow(
      "inputs: element 2 is 11, expected a whole number from 0 to 10",
    );
    expect(() => trainer.step({ ...batch, targets: [0, 1, 2, -1] })).toThrow(
      "targets: element 3 is -1, expected a whole number from 0 to 10",
    );
  });
});
