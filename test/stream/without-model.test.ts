import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { SampleError, SnapshotError } from "../../host/model/errors.ts";
import { createRuntimeWithoutModel } from "../../host/stream/without-model.ts";

describe("createRuntimeWithoutModel", () => {
  const runtime = createRuntimeWithoutModel(["flow", "level"]);

  it("predicts nothing, and is known by its inputs", () => {
    const hash = createHash("sha256").update('["flow","level"]').digest("hex");
    expect(runtime).toMatchObject({ numeric: "f32", inputSize: 2, outputSize: 0, stateBytes: 0 });
    expect(runtime.model).toMatchObject({ id: `none@${hash.slice(0, 8)}`, hash, bytes: 0 });
    expect([...runtime.createSession().step([1, 2])]).toEqual([]);
  });

  it("counts its sessions", () => {
    const own = createRuntimeWithoutModel(["a"]);
    const [first, second] = [own.createSession(), own.createSession()];
    expect(own.sessionCount).toBe(2);
    first.release();
    second.release();
    expect(own.sessionCount).toBe(0);
  });

  it.each([
    [[1], "Sample has 1 values, expected 2"],
    [[1, 2, 3], "Sample has 3 values, expected 2"],
    [[1, Number.NaN], 'Input "level" is NaN, expected a finite number'],
    [[Number.POSITIVE_INFINITY, 1], 'Input "flow" is Infinity, expected a finite number'],
  ])("refuses the sample %j", (sample, message) => {
    const step = () => runtime.createSession().step(sample);
    expect(step).toThrow(SampleError);
    expect(step).toThrow(message);
  });

  it("has the first 16 bytes of the hash for a state, and takes no other", () => {
    const session = runtime.createSession();
    const snapshot = session.snapshot();
    expect(Buffer.from(snapshot).toString("hex")).toBe(runtime.model.hash.slice(0, 32));
    snapshot[0]! ^= 1;
    expect(() => session.restore(snapshot)).toThrow(SnapshotError);
    expect(() => session.restore(session.snapshot().subarray(0, 15))).toThrow(SnapshotError);
    expect(() => session.restore(createRuntimeWithoutModel(["level", "flow"]).createSession().snapshot())).toThrow(
      "State is of another model, or of other inputs",
    );
    expect(() => session.restore(session.snapshot())).not.toThrow();
  });
});
