import { createRuntime, type Model } from "../../host/runtime/index.ts";
import { DoubleNetwork } from "../../tools/verify/double.ts";

/** Root mean squares of the source's and of the cell's distance from double precision, over the answers that the source gave. */
export function distances(model: Model, inputs: ArrayLike<number>, answers: ArrayLike<number>) {
  const width = model.spec.inputs.length;
  const size = model.spec.outputs.length;
  const samples = Float32Array.from(inputs);
  const cell = createRuntime(model).createSession().run(samples);
  const network = new DoubleNetwork(model);
  const exact = new Float64Array((inputs.length / width) * size);
  for (let t = 0; t < inputs.length / width; t++) network.step(samples, t, exact.subarray(t * size, (t + 1) * size));
  const skipped = exact.length - answers.length;
  const rms = (values: ArrayLike<number>, from: number) => {
    const squares = Float64Array.from(
      answers,
      (_, i) => ((values[from + i] as number) - (exact[skipped + i] as number)) ** 2,
    );
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  };
  const signal = Math.sqrt(Float64Array.from(answers).reduce((sum, value) => sum + value ** 2, 0) / answers.length);
  return { source: rms(answers, 0), cell: rms(cell, skipped), signal };
}
