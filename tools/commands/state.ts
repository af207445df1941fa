import { resolve } from "node:path";
import { describeRebuilt, repairState } from "../../host/store/level.ts";
import { StateStoreError } from "../../host/store/store.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";

/**
 * Replaces a damaged state directory by what can be read of it; the damaged files are kept.
 *
 * @throws {CliError} when the directory is in use, is not there, or what can be read cannot be written
 */
export async function runStateRepair(args: { readonly directory: string }, io: Io): Promise<void> {
  const directory = resolve(args.directory);
  try {
    const repaired = await repairState(directory);
    if (repaired === undefined) {
      io.stdout.write(joinLines([`${directory} is not damaged: all checksums are right`]));
      return;
    }
    io.stdout.write(joinLines([...repaired.damages, ...describeRebuilt(repaired)]));
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    throw new CliError(error.message, { cause: error });
  }
}
