import { describe, expect, it } from "vitest";
import { createRuntime } from "../../host/runtime/runtime.ts";
import {
  adam,
  cosine,
  dense,
  dropout,
  type EpochEvent,
  embedding,
  gru,
  huber,
  input,
  sequential,
} from "../../host/train/index.ts";
import { mulberry32 } from "../../host/train/random.ts";

/** Sequences whose running mean is to be told: x [rows][steps][1]. */
function means(rows: number, steps: number) {
  const random = mulberry32(3);
  const x = Array.from({ length: rows }, () => Array.from({ length: steps }, () => [random() - 0.5]));
  const y = x.map((row) => row.map((_, t) => [row.slice(0, t + 1).reduce((sum, [v]) => sum + v!, 0) / (t + 1)]));
  return { x, y };
}

/** Sequences with a class: whether more tokens are above 4 than below. */
function classes(rows: number, steps: number) {
  const random = mulberry32(5);
  const x = Array.from({ length: rows }, () => Array.from({ length: steps }, () => Math.floor(random() * 10)));
  return { x, y: x.map((row) => Number(row.filter((token) => token > 4).length * 2 > steps)) };
}

const forecaster = () => {
  const model = sequential([gru(8, { returnSequences: true }), dense(1)]);
  model.compile({ loss: "mse", optimizer: adam({ learningRate: 0.01 }), metrics: ["mae"] });
  return model;
};

describe("fit", () => {
  it("learns, and answers a history as Keras does", async () => {
    const { x, y } = means(64, 8);
    const events: EpochEvent[] = [];
    const history = await forecaster().fit(x, y, {
      epochs: 120,
      validationSplit: 0.25,
      onEpoch: (e) => events.push(e),
    });
    expect(Object.keys(history)).toEqual(["loss", "mae", "val_loss", "val_mae"]);
    expect(history.val_loss!.length).toBe(120);
    expect(history.val_loss!.at(-1)).toBeLessThan(history.val_loss![0]! / 20);
    expect(events.at(-1)).toEqual({
      epoch: 119,
      epochs: 120,
      results: { loss: history.loss!.at(-1), mae: history.mae!.at(-1) },
      validation: { loss: history.val_loss!.at(-1), mae: history.val_mae!.at(-1) },
    });
  });

  it("learns classes of sequences of tokens", async () => {
    const { x, y } = classes(96, 9);
    const model = sequential([
      embedding(10, 4),
      gru(8, { returnSequences: true }),
      dropout(0.1),
      gru(8),
      dense(2, { activation: "softmax" }),
    ]);
    const schedule = cosine(0.02, 160);
    model.compile({
      loss: "sparse_categorical_crossentropy",
      optimizer: adam({ learningRate: schedule }),
      metrics: ["accuracy"],
    });
    const history = await model.fit(x, y, { epochs: 40, batchSize: 24 });
    const { accuracy, loss } = await model.evaluate(x, y);
    expect(history.accuracy![0]).toBeLessThan(0.75);
    expect(accuracy).toBeGreaterThan(0.95);
    expect(loss).toBeLessThan(0.2);
  });

  it("does the same again, in the same order of rows", async () => {
    const { x, y } = means(40, 6);
    const [one, other] = await Promise.all([
      forecaster().fit(x, y, { epochs: 3 }),
      forecaster().fit(x, y, { epochs: 3 }),
    ]);
    const unshuffled = await forecaster().fit(x, y, { epochs: 3, shuffle: false });
    expect(other).toEqual(one);
    expect(unshuffled).not.toEqual(one);
  });

  it("goes on where it ended when it is called again, in batches of another size, too", async () => {
    const { x, y } = means(64, 6);
    const [whole, parts] = [forecaster(), forecaster()];
    await whole.fit(x, y, { epochs: 2, shuffle: false });
    await parts.fit(x, y, { epochs: 1, shuffle: false });
    await parts.evaluate(x, y, { batchSize: 50 });
    await parts.fit(x, y, { epochs: 1, shuffle: false });
    expect(parts.weights()).toEqual(whole.weights());
  });

  it("weighs samples and classes", async () => {
    const { x, y } = classes(32, 5);
    const trained = async (options: object) => {
      const model = sequential([embedding(10, 4), gru(6), dense(1, { activation: "sigmoid" })]);
      model.compile({ loss: "binary_crossentropy" });
      await model.fit(x, y, options);
      return model.weights();
    };
    const plain = await trained({});
    expect(await trained({ sampleWeight: y.map(() => 1) })).toEqual(plain);
    expect(await trained({ classWeight: { 1: 3 } })).toEqual(
      await trained({ sampleWeight: y.map((v) => (v ? 3 : 1)) }),
    );
    expect(await trained({ classWeight: { 1: 3 } })).not.toEqual(plain);
  });

  it("ends after the batch at hand when it is told to", async () => {
    const { x, y } = means(64, 6);
    const control = new AbortController();
    let batches = 0;
    await forecaster().fit(x, y, {
      batchSize: 8,
      epochs: 9,
      signal: control.signal,
      onBatch: ({ epoch, batch }) => {
        batches++;
        if (epoch === 1 && batch === 2) control.abort();
      },
    });
    expect(batches).toBe(11);
  });

  it("lets others have their turn", async () => {
    const random = mulberry32(1);
    const data = (last: number) => ({
      data: Float32Array.from({ length: 32 * 40 * last }, random),
      shape: [32, 40, last],
    });
    const model = sequential([gru(96, { returnSequences: true }), dense(1)]);
    model.compile({ loss: huber(0.5) });
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const start = performance.now();
    await model.fit(data(8), data(1), { epochs: 6 });
    const lasted = performance.now() - start;
    clearInterval(timer);
    // Every 12 ms and a part of a batch, which lasts less; a loaded machine makes it longer.
    expect(turns).toBeGreaterThan(lasted / 50);
  });
});

describe("predict and toModel", () => {
  it("answer the bits of the runtime", async () => {
    const { x, y } = means(12, 6);
    const model = forecaster();
    await model.fit(x, y);
    const { data, shape } = await model.predict(x, { batchSize: 5 });
    const runtime = createRuntime(model.toModel({ name: "mean", inputs: [{ name: "flow" }] }));
    const expected = x.map((row) => {
      const session = runtime.createSession();
      return row.map((sample) => session.step(sample)[0]);
    });
    expect(shape).toEqual([12, 6, 1]);
    expect([...data]).toEqual(expected.flat());
    expect(runtime.model.spec).toMatchObject({ name: "mean", inputs: [{ name: "flow" }], outputs: [{ name: "y0" }] });
  });

  it("have one answer a row behind a GRU layer that returns no sequences", async () => {
    const model = sequential([input([null, 2]), gru(3), dense(4)]);
    const { shape } = await model.predict([[[1, 2]], [[3, 4]]]);
    expect(shape).toEqual([2, 4]);
  });
});

describe("layers", () => {
  it("have the defaults of Keras: Glorot's limits, orthogonal columns, slopes", () => {
    const model = sequential([
      input([null, 5]),
      gru(16, { returnSequences: true, useBias: false }),
      dense(7, { activation: "leaky_relu" }),
    ]);
    model.build();
    const weights = model.weights();
    const data = (name: string) => [...weights.get(name)!.data];
    const [limit, U] = [Math.sqrt(6 / (5 + 48)), data("layers.0.U")];
    const products = [0, 1, 5].map((k) => U.reduce((sum, v, i) => (i % 16 === 0 ? sum + v * U[i + k]! : sum), 0));
    expect(Math.max(...data("layers.0.W").map(Math.abs))).toBeLessThanOrEqual(limit);
    expect(Math.max(...data("layers.0.W").map(Math.abs))).toBeGreaterThan(0.95 * limit);
    expect(products.map((value) => Math.abs(Math.round(value * 1e6)))).toEqual([1e6, 0, 0]);
    expect(data("layers.0.b").every((v) => v === 0)).toBe(true);
    expect(data("layers.1.p")).toEqual(Array(7).fill(Math.fround(0.2)));
  });

  it("stay where they are not trainable, and biases that are not used stay 0", async () => {
    const layers = [
      gru(4, { returnSequences: true, trainable: false }),
      dense(3, { activation: "prelu" }),
      dense(1, { useBias: false }),
    ];
    const model = sequential(layers);
    model.compile({ loss: "mse" });
    model.build(1);
    const before = model.weights();
    const { x, y } = means(8, 4);
    await model.fit(x, y);
    const same = [...model.weights()].filter(([name, { data }]) => data.join() === before.get(name)!.data.join());
    expect(same.map(([name]) => name)).toEqual(["layers.0.W", "layers.0.b", "layers.0.U", "layers.0.c", "layers.2.b"]);
  });

  it.each<[Parameters<typeof sequential>[0], string]>([
    [[], "Found no GRU or dense layer, expected one at least"],
    [[gru(4), gru(4)], "layers.1: a GRU layer behind one without returnSequences, expected a sequence"],
    [[gru(4), embedding(3, 2)], "embedding: expected as the first layer"],
    [[dropout(0.1), gru(4)], "dropout: expected behind a GRU or dense layer"],
    [[gru(4), dropout(0.1)], "dropout: expected a layer behind it"],
  ])("refuse %j", (layers, message) => {
    expect(() => sequential(layers)).toThrow(message);
  });
});

describe("what does not fit", () => {
  const { x, y } = means(4, 3);

  it.each<[string, () => Promise<unknown>, string]>([
    [
      "a shape of x",
      () =>
        forecaster().fit(
          y.map((row) => row.map(([v]) => v!)),
          y,
        ),
      "x: Found shape [4,3], expected [rows, steps, values]",
    ],
    ["a shape of y", () => forecaster().fit(x, y.slice(1)), "y: Found shape [3,3,1], expected [4,3,1]"],
    [
      "lists of several lengths",
      () => forecaster().fit([[[1], [2]], [[3]]], y),
      "x: a list has 1 elements, others have 2",
    ],
    ["lists among numbers", () => forecaster().fit([[[1], 2]], y), "x: lists and numbers are mixed at one depth"],
    [
      "a shape that is not full",
      () => forecaster().predict({ data: [1, 2], shape: [3, 1, 1] }),
      "x: Found 2 numbers, expected 3 of shape [3,1,1]",
    ],
    ["weights", () => forecaster().fit(x, y, { sampleWeight: [1] }), "sampleWeight: Found shape [1], expected [4,3]"],
    [
      "a split",
      () => forecaster().fit(x, y, { validationSplit: 0.9 }),
      "validationSplit: 0.9 of 4 rows leaves none on one side",
    ],
    [
      "another part",
      () => forecaster().fit(x, y, { validationSplit: 1 }),
      "validationSplit: Found 1, expected a number from 0 to below 1",
    ],
    ["no compile", () => sequential([gru(2)]).fit(x, y), "fit: the model is not compiled, call `compile` first"],
  ])("is refused: %s", async (_, act, message) => {
    await expect(act()).rejects.toThrow(message);
  });

  it("is refused: names that are not known, weights before their size is", () => {
    const model = sequential([gru(2)]);
    expect(() => model.compile({ loss: "rmse" as "mse" })).toThrow("loss: Found rmse, expected one of mse, huber");
    expect(() => model.compile({ loss: "mse", metrics: ["f1" as "mae"] })).toThrow(
      "metrics: Found f1, expected some of accuracy",
    );
    expect(() => model.compile({ loss: "mse", optimizer: "sgd" as "adam" })).toThrow(
      "optimizer: Found sgd, expected adam or adamw",
    );
    expect(() => model.weights()).toThrow("The model has no weights yet");
    expect(() => model.build()).toThrow("inputs: Found 0, expected the values of a sample");
  });
});
