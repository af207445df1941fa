// Random models of the benchmark's shapes: the smallest forecaster, one GRU layer and one output.

import { parseModel, serializeModel } from "../../host/model/model.ts";
import type { Model, Numeric, Tensor } from "../../host/model/types.ts";
import { quantizeModel } from "../../host/quantize/quantize.ts";
import { mulberry32 } from "../random.ts";

/** Makes a GRU of I inputs and H units with a dense layer of one output, with PyTorch's initial distribution. */
export function gruModel(numeric: Numeric, I: number, H: number): Model {
  const random = mulberry32(H);
  const tensor = (...shape: number[]): Tensor => ({
    dtype: "F32",
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => (2 * random() - 1) / Math.sqrt(H)),
  });
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const model = parseModel(
    serializeModel(
      {
        format: 1,
        name: `gru-${I}-${H}`,
        numeric: "f32",
        inputs: names("x", I).map((name) => ({ name })),
        outputs: [{ name: "y" }],
        layers: [
          { kind: "gru", size: H, reset: "after" },
          { kind: "dense", size: 1, activation: "linear" },
        ],
      },
      new Map([
        ["layers.0.W", tensor(3 * H, I)],
        ["layers.0.U", tensor(3 * H, H)],
        ["layers.0.b", tensor(3 * H)],
        ["layers.0.c", tensor(3 * H)],
        ["layers.1.W", tensor(1, H)],
        ["layers.1.b", tensor(1)],
      ]),
    ),
  );
  if (numeric === "f32") return model;
  const { spec, tensors } = quantizeModel(model, { ranges: model.spec.inputs.map(() => ({ min: -4, max: 4 })) });
  return parseModel(serializeModel(spec, tensors));
}
