// A model against a source whose state runs on, or which computes in 16 bits.

import { describe, expect, it } from "vitest";
import { createRuntime } from "../../../host/runtime/index.ts";
import type { Sequence } from "../../../tools/verify/reference.ts";
import { compareWithSource, toleranceOf } from "../../../tools/verify/source.ts";
import { F32Oracle } from "../../oracle/f32.ts";
import { randomF32Model, randomSamples } from "../../support/models.ts";

const BUILT = randomF32Model({ layers: [6], inputs: 2, outputs: 2 });
const runtime = createRuntime(BUILT.model);

/** Sequences as a source answers; `runsOn`: its state is kept from one to the next. */
function sequences(lengths: readonly number[], runsOn: boolean, error = 0): Sequence[] {
  let oracle = new F32Oracle(BUILT.model);
  return lengths.map((steps, index) => {
    if (!runsOn) oracle = new F32Oracle(BUILT.model);
    const samples = randomSamples(BUILT.spec, steps, 20 + index);
    const outputs64 = Float64Array.from(samples.flatMap((sample) => [...oracle.step(sample)]));
    const outputs = outputs64.map((value) => value + error * Math.max(1, Math.abs(value)));
    return { inputs: Float64Array.from(samples.flat()), outputs, steps, lastOnly: false };
  });
}

describe("compareWithSource", () => {
  it("compares sequences each by itself where that fits", () => {
    const given = sequences([7, 5], false);
    expect(compareWithSource(runtime, given, { stateful: ["gru"] })).toMatchObject({
      comparison: { passed: true, compared: 12 },
      sequences: given,
      lines: [],
    });
  });

  it("compares them as one where the source kept its state", () => {
    const found = compareWithSource(runtime, sequences([7, 5, 3], true), { stateful: ["gru", "gru_1"] });
    expect(found.comparison).toMatchObject({ passed: true, compared: 15 });
    expect(found.sequences).toMatchObject([{ steps: 15, lastOnly: false }]);
    expect(found.sequences[0]?.inputs.length).toBe(30);
    expect(found.lines).toEqual([
      "The source is stateful (gru, gru_1): its state ran on from each of the 3 sequences into the next, and they were compared as one",
    ]);
    expect(found.hint).toBeUndefined();
  });

  it("keeps the answers in double precision, where every sequence has them", () => {
    const [first, second] = sequences([7, 5], true) as [Sequence, Sequence];
    const both = [first, second].map((one) => ({
      ...one,
      outputs64: one.outputs,
      outputs: one.outputs.map(Math.fround),
    }));
    const { sequences: joined } = compareWithSource(runtime, both, { stateful: ["gru"] });
    expect(joined[0]?.outputs64).toEqual(Float64Array.of(...first.outputs, ...second.outputs));
    const { sequences: single } = compareWithSource(runtime, [both[0] as Sequence, second], { stateful: ["gru"] });
    expect(single[0]?.steps).toBe(12);
    expect(single[0]).not.toHaveProperty("outputs64");
  });

  it.each([
    ["one sequence alone", [9], false],
    ["sequences whose last answers alone are known", [7, 5], true],
    ["sequences that fit neither way", [7, 5], false],
  ])("says what a reference must do: %s", (_, lengths, lastOnly) => {
    const given = sequences(lengths, false, 0.01).map((one) => ({
      ...one,
      lastOnly,
      outputs: lastOnly ? one.outputs.slice(-2) : one.outputs,
    }));
    const found = compareWithSource(runtime, given, { stateful: ["gru"] });
    expect(found).toMatchObject({ comparison: { passed: false }, sequences: given, lines: [] });
    expect(found.hint).toBe(
      "The source is stateful (gru): the reference must call reset_state() of these layers before each sequence, or predict one sequence alone",
    );
  });

  it("says nothing of a state where the source keeps none", () => {
    const found = compareWithSource(runtime, sequences([7, 5], true), {});
    expect(found.comparison.passed).toBe(false);
    expect(found.hint).toBeUndefined();
  });

  it.each([
    ["float16", 0.009, true],
    ["float16", 0.011, false],
    ["bfloat16", 0.09, true],
    ["bfloat16", 0.11, false],
    [undefined, 0.001, false],
  ] as const)("allows what %s explains: an error of %d passes: %s", (precision, error, passed) => {
    const found = compareWithSource(runtime, sequences([9], false, error), { ...(precision && { precision }) });
    expect(found.comparison.passed).toBe(passed);
  });

  it("takes a tolerance that is given for the precision's own", () => {
    const given = sequences([9], false, 0.05);
    expect(compareWithSource(runtime, given, { precision: "float16" }, 0.06).comparison.passed).toBe(true);
    expect([toleranceOf("float16"), toleranceOf("bfloat16"), toleranceOf(undefined)]).toEqual([1e-2, 1e-1, undefined]);
  });
});
