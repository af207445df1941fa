// The committed models of Keras, the tutorials among them: how far this cell and Keras' own single precision are from the network in
// double precision. Likewise of PyTorch in pytorch.test.ts.
import { describe, expect, it } from "vitest";
import { serializeModel } from "../../host/model/model.ts";
import { loadModel } from "../../host/runtime/index.ts";
import { toModel } from "../../tools/read/network.ts";
import { distances } from "../support/distance.ts";
import { CASES, CASES_2, readCase, reference } from "./keras-cases.ts";

describe("the cell beside Keras, both against double precision", () => {
  const lines: string[] = [];

  it.each([...CASES, ...CASES_2].map((one) => [one.name, one] as const))("%s", async (name, one) => {
    const { network } = await readCase(one);
    const { spec, tensors } = toModel(network, { name: "case" });
    const { x, y } = reference(one.name);
    const found = distances(await loadModel(serializeModel(spec, tensors)), x, y);
    lines.push(`${name}: Keras ${found.source.toExponential(1)}, cell ${found.cell.toExponential(1)}`);
    // A few answers make no statistic: three roundings of the signal are allowed in any case.
    expect(found.cell).toBeLessThanOrEqual(Math.max(2 * found.source, 3 * 2 ** -24 * found.signal));
    if (name === CASES_2.at(-1)?.name) console.log(lines.join("\n"));
  });

  it("knows the tutorials", () => {
    expect(CASES.filter(({ name }) => name.startsWith("tutorial-")).length).toBeGreaterThanOrEqual(4);
  });
});
