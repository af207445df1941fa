// Weights as arrays of NumPy: np.savez(file, **{name: array}).

import { CliError } from "../../errors.ts";
import { readNpz } from "../npz.ts";
import type { SourceTensor } from "./elements.ts";

/**
 * Reads the arrays of an .npz file as weights.
 *
 * @throws {CliError} when an array is damaged, or holds no numbers
 */
export function readNpzWeights(bytes: Uint8Array, source: string): Map<string, SourceTensor> {
  return new Map(
    [...readNpz(bytes, source)].map(([name, { shape, data }]): [string, SourceTensor] => {
      const read = () => {
        const values = Float32Array.from(data);
        const bad = values.findIndex((value) => !Number.isFinite(value));
        if (bad >= 0)
          throw new CliError(`${source}: ${name}: Element ${bad} is ${values[bad]}, expected finite weights`);
        return values;
      };
      return [name, { dtype: "F32", shape, read }];
    }),
  );
}
