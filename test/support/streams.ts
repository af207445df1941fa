import type { ModelSpec } from "../../host/model/types.ts";
import { integer, type Random } from "./random.ts";

/** Makes a source of samples for {@link ModelSpec}: each call returns the next `steps` of them, row by row. */
export type SampleSource = (steps: number) => Float64Array;

/**
 * Draws samples that are hard on a model: nine in ten values are uniform within their range, the others beyond it, as far as ±1e9.
 * A token model gets uniform tokens.
 */
export function wildSamples(spec: ModelSpec, random: Random): SampleSource {
  const { inputs, embedding } = spec;
  const size = inputs.length;
  const places = inputs.map(({ range = [-3, 3] }) => ({ min: range[0], width: range[1] - range[0] }));
  return (steps) => {
    const samples = new Float64Array(steps * size);
    for (let at = 0; at < samples.length; at++) {
      if (embedding) {
        samples[at] = integer(random, 0, embedding.vocabulary - 1);
        continue;
      }
      const { min, width } = places[at % size] as { min: number; width: number };
      const kind = random();
      const value = random();
      if (kind < 0.9) samples[at] = min + value * width;
      else if (kind < 0.98) samples[at] = min + (10 * value - 4.5) * width;
      else samples[at] = kind < 0.99 ? 1e9 : -1e9;
    }
    return samples;
  };
}

/** Draws samples within the ranges of the inputs, uniform and independent. */
export function rangeSamples(spec: ModelSpec, random: Random): SampleSource {
  const { inputs } = spec;
  return (steps) =>
    Float64Array.from({ length: steps * inputs.length }, (_, at) => {
      const [min, max] = inputs[at % inputs.length]?.range ?? [-3, 3];
      return min + random() * (max - min);
    });
}
