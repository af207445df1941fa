// A model in ten lines: one GRU unit that follows a temperature slowly, written by hand.
//
//     node examples/model.mjs

import { createRuntime, parseModel, serializeModel } from "rivulet";

const f32 = (shape, values) => ({ dtype: "F32", shape, data: Float32Array.from(values) });

const spec = {
  format: 1,
  name: "slow",
  numeric: "f32",
  inputs: [{ name: "temperature", unit: "°C" }],
  outputs: [{ name: "temperature", unit: "°C", forecasts: "temperature" }],
  layers: [
    { kind: "gru", size: 1, reset: "after" },
    { kind: "dense", size: 1, activation: "linear" },
  ],
};
const tensors = new Map([
  // The input becomes (temperature - 20) / 100, small enough that tanh is nearly the identity.
  ["input.offset", f32([1], [20])],
  ["input.scale", f32([1], [0.01])],
  // Rows r, z, n. z = sigmoid(2) = .88: a step takes over 12 % of the candidate, which is the input itself.
  ["layers.0.W", f32([3, 1], [0, 0, 1])],
  ["layers.0.U", f32([3, 1], [0, 0, 0])],
  ["layers.0.b", f32([3], [0, 2, 0])],
  ["layers.0.c", f32([3], [0, 0, 0])],
  ["layers.1.W", f32([1, 1], [100])],
  ["layers.1.b", f32([1], [20])],
]);

const model = parseModel(serializeModel(spec, tensors));
const session = createRuntime(model).createSession();
for (const temperature of [30, 30, 30, 30, 10, 10]) {
  const [next] = session.step([temperature]);
  console.log(`${model.id}: ${temperature} °C, expects ${next.toFixed(2)} °C next`);
}
