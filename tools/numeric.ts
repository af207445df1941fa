import type { Model, Numeric } from "../host/model/types.ts";
import { inNumeric } from "../host/quantize/in-memory.ts";
import { CliError } from "./errors.ts";

/**
 * Gives a model in the form of `--numeric`.
 *
 * @throws {CliError} when it cannot be had in that form
 */
export function modelInNumeric(model: Model, numeric: Numeric | undefined): Model {
  try {
    return inNumeric(model, numeric);
  } catch (cause) {
    // Ranges that are missing, weights that do not fit: the model's fault, not the program's.
    if (cause instanceof RangeError) throw new CliError(cause.message, { cause });
    throw cause;
  }
}
