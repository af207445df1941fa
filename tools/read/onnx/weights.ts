import type { Constant, Site } from "./values.ts";

/**
 * The numbers of a constant in single precision.
 *
 * @throws {CliError} when one is NaN or infinite, or too large for single precision
 */
export function weightsOf(site: Site, constant: Constant): Float32Array {
  const weights = Float32Array.from(constant.data);
  const at = weights.findIndex((value) => !Number.isFinite(value));
  if (at >= 0)
    throw site.refuse(
      `"${constant.name}" holds ${constant.data[at]} at index ${at}; weights are finite in single precision`,
    );
  return weights;
}
