import { isMainThread } from "node:worker_threads";
import { ConfigError } from "../../host/config/document.ts";
import { createLogger } from "../../host/mqtt/log.ts";
import { startRun } from "../../host/run.ts";
import { StateStoreError } from "../../host/store/store.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";

/**
 * Runs the streams of a configuration file until `io.signal` is aborted; logs to `io.stderr`.
 *
 * @returns exit code 0 after a graceful stop
 * @throws {CliError} when the configuration, a model or the state directory cannot be used
 */
export async function runRun(args: { readonly config: string }, io: Io): Promise<number> {
  const log = createLogger(io.stderr);
  // LevelDB makes files all the time, and those of the state are private. A thread cannot set this, nor do tests need it.
  if (isMainThread) process.umask(0o077);
  const { signal } = io;
  if (signal?.aborted) return 0;
  // Listening from the start: a signal while the models are loaded must count too.
  const aborted = new Promise<void>((resolve) => {
    signal?.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    const bridge = await startRun({ file: args.config, env: io.env, log });
    await aborted;
    log.info("run", "stopping");
    await bridge.stop();
    log.info("run", "stopped");
    return 0;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof StateStoreError) {
      throw new CliError(error.message, { cause: error });
    }
    throw error;
  }
}
