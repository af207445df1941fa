import { describe, expect, it } from "vitest";
import { createRuntime } from "../../host/runtime/runtime.ts";
import { createRuntimeWithoutModel } from "../../host/stream/without-model.ts";
import { describeModel } from "../../host/web/models.ts";
import { createTestStream } from "../support/bridge.ts";
import { randomF32Model } from "../support/models.ts";

describe("describeModel", () => {
  const { model } = randomF32Model({ inputs: 2, layers: [5, 3], outputs: 1 });
  const runtime = createRuntime(model);
  const stream = createTestStream({ runtime });

  it("tells the layers with what goes in and what they cost, and where the readings come from", () => {
    const found = describeModel(stream, "pump.safetensors");
    expect(found).toMatchObject({ stream: "pump", topics: ["plant/{device}/data"], file: "pump.safetensors" });
    expect(found.detector).toBeUndefined();
    const layers = found.model?.layers as unknown as {
      kind: string;
      size: number;
      from: number;
      multiplications: number;
    }[];
    expect(layers.filter(({ kind }) => kind === "gru").map(({ size, from }) => [from, size])).toEqual([
      [2, 5],
      [5, 3],
    ]);
    // Three gates of (inputs + states) x states.
    expect(layers[0]?.multiplications).toBe(3 * 5 * (2 + 5));
    expect(layers[1]?.multiplications).toBe(3 * 3 * (5 + 3));
    const sum = layers.reduce((total, { multiplications }) => total + multiplications, 0);
    expect(found.model?.multiplications).toBeGreaterThanOrEqual(sum);
    expect(found.model).toMatchObject({ id: model.id, hash: model.hash, numeric: "f32", horizon: 1 });
    expect(runtime.sessionCount).toBe(0);
  });

  it("leaves out a model where there is none", () => {
    const found = describeModel(createTestStream({ runtime: createRuntimeWithoutModel(["a"]) }));
    expect(found).toEqual({ stream: "pump", topics: ["plant/{device}/data"] });
  });

  it("tells how a detector is learnt, one alarm a week unless told otherwise", () => {
    const learnt = (settings: object) =>
      describeModel({ ...stream, alarms: { learn: { rows: 500 }, inputs: ["a", "b"], settings } as never }).detector;
    expect(learnt({})).toMatchObject({
      learns: { rows: 500 },
      inputs: [{ name: "a" }, { name: "b" }],
      alarmsPerWeek: 1,
    });
    expect(learnt({ perWeek: 0.2 })?.alarmsPerWeek).toBe(0.2);
  });

  it("tells of a detector what its file says, and what the configuration says instead", () => {
    const spec = { inputs: [{ name: "a", unit: "V", fraction: 2 }], interval: 60, alarmsPerWeek: 2, rows: 900 };
    const of = (settings: object) =>
      describeModel({ ...stream, alarms: { file: { id: "d@1", spec }, settings } as never }).detector;
    expect(of({})).toMatchObject({ id: "d@1", interval: 60, alarmsPerWeek: 2, rows: 900, inputs: spec.inputs });
    expect(of({ perWeek: 5 })?.alarmsPerWeek).toBe(5);
  });
});
