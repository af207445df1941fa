// Whole reports as they were when people last read them: `npx vitest run test/tools/quantize/report/golden.test.ts -u` writes
// test/vectors/report/ anew, to be read before it is committed.

import { describe, expect, it } from "vitest";
import type { Model } from "../../../../host/model/types.ts";
import { quantizeInMemory } from "../../../../host/quantize/in-memory.ts";
import { reportHtml } from "../../../../tools/quantize/report/html.ts";
import { report } from "../../../../tools/quantize/report/measure.ts";
import { formatReport } from "../../../../tools/quantize/report/text.ts";
import type { QuantizationReport } from "../../../../tools/quantize/report/types.ts";
import { changed } from "../../../support/changed.ts";
import { randomF32Model } from "../../../support/models.ts";
import { mulberry32 } from "../../../support/random.ts";
import type { ShapeOptions } from "../../../support/shapes.ts";
import { rangeSamples, wildSamples } from "../../../support/streams.ts";

const SHAPES: Readonly<Record<string, ShapeOptions>> = {
  "a plain model": { inputs: 2, layers: [5], outputs: 2 },
  "reset-before, a skip, no scales": {
    inputs: 3,
    layers: [4, 3],
    outputs: 2,
    reset: "before",
    skip: 2,
    normalise: false,
  },
  "an embedding and a softmax": {
    layers: [4],
    embedding: { vocabulary: 7, size: 3 },
    outputs: 3,
    activation: "softmax",
  },
  "dense layers": {
    inputs: 2,
    layers: [
      { dense: 4, activation: "linear" },
      { dense: 4, activation: "tanh" },
      4,
      { dense: 3, activation: "relu" },
      { dense: 3, activation: "sigmoid" },
    ],
  },
  "a GRU at the end": { inputs: 2, layers: [4], outputs: 0 },
};

function reportOf(f32: Model, q15 = quantizeInMemory(f32)): QuantizationReport {
  const { spec } = f32;
  const source = (seed: number) =>
    spec.embedding ? wildSamples(spec, mulberry32(seed)) : rangeSamples(spec, mulberry32(seed));
  const beyond = source(6)(60).map((value, i) => (spec.embedding === undefined && i === 31 ? 3 * value : value));
  return report(f32, q15, source(5)(150), beyond, { driftSteps: 300, traceSteps: 120 });
}

/** JSON with nine digits: libraries differ in the last ones. */
const jsonOf = (value: unknown) =>
  JSON.stringify(value, (_, part) => (typeof part === "number" ? Number(part.toPrecision(9)) : part), 1);

describe("a report", () => {
  it.each(Object.entries(SHAPES))("of %s is as it was", async (name, shape) => {
    const found = jsonOf(reportOf(randomF32Model(shape).model));
    await expect(`${found}\n`).toMatchFileSnapshot(`../../../vectors/report/${name.replaceAll(/\W+/g, "-")}.json`);
  });

  it("of a model whose weights are damaged is as it was, in text and as a page", async () => {
    const { model } = randomF32Model({ inputs: 2, layers: [6], outputs: 2 });
    const broken = changed(quantizeInMemory(model), (name, { data }) =>
      name === "layers.0.U" ? data.map((value, i) => (i < 36 ? Math.max(-127, value ^ 0x40) : value)) : data,
    ).model;
    const found = reportOf(model, broken);
    await expect(formatReport(found)).toMatchFileSnapshot("../../../vectors/report/damaged.txt");
    await expect(reportHtml(found)).toMatchFileSnapshot("../../../vectors/report/damaged.html");
  });
});
