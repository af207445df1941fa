// Loads a model by HTTP and steps it in the page. With a bundler, import from "rivulet/runtime".

import { createRuntime, loadModel } from "/rivulet/runtime.js";

const model = await loadModel("/models/pump.safetensors");
const session = createRuntime(model).createSession();
const names = model.spec.outputs.map(({ name, unit }) => `${name} in ${unit}`);

for (const sample of [
  [2900, 5.1, 18.2, 52.5],
  [2903, 5.08, 18.25, 52.6],
  [2898, 5.11, 18.2, 52.6],
]) {
  const prediction = session.step(sample);
  const item = document.createElement("li");
  item.textContent = names.map((name, i) => `${name}: ${prediction[i].toFixed(2)}`).join(", ");
  document.querySelector("#predictions").append(item);
}
document.querySelector("#state").textContent = `${model.id}: ${session.snapshot().length} bytes of state`;
