import { parseModel, serializeModel } from "../model/model.ts";
import type { Model, Numeric } from "../model/types.ts";
import { quantizeModel } from "./quantize.ts";

/**
 * Quantizes an f32 model by the input ranges in its file. The result is what a file of it would be read as, hash included.
 * A detector is left out: its residuals are of the f32 model.
 *
 * @throws {RangeError} when an input has no range, or weights are too large for fixed point
 */
export function quantizeInMemory(model: Model): Model {
  const { inputs, embedding } = model.spec;
  const ranges = inputs.map(({ name, range }) => {
    if (range) return { min: range[0], max: range[1] };
    if (embedding) return { min: 0, max: 0 };
    throw new RangeError(
      `Model ${model.id} has no range for input "${name}", which q15 needs; run \`rivulet quantize\` with calibration data`,
    );
  });
  const { spec, tensors } = quantizeModel(model, { ranges });
  return parseModel(serializeModel(spec, tensors));
}

/**
 * Gives a model in the numeric form that is asked for: itself, or quantized in memory.
 *
 * @param numeric  default: the model's own
 * @throws {RangeError} when the model cannot be had in that form
 */
export function inNumeric(model: Model, numeric: Numeric = model.spec.numeric): Model {
  if (numeric === model.spec.numeric) return model;
  if (numeric === "q15") return quantizeInMemory(model);
  throw new RangeError(`Model ${model.id} is quantized; for f32, use the model that it was made from`);
}
