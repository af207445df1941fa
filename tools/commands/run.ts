import { isMainThread } from "node:worker_threads";
import { ConfigError } from "../../host/config/document.ts";
import { isJournal } from "../../host/journal.ts";
import { createLogger } from "../../host/mqtt/log.ts";
import { settledWithin } from "../../host/mqtt/timeout.ts";
import { startReloadableRun } from "../../host/reload.ts";
import { StateStoreError } from "../../host/store/store.ts";
import { version } from "../../package.json";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";

/**
 * Runs the streams of a configuration file until `io.signal` is aborted, and reads it again on a hangup; logs to `io.stderr`.
 *
 * @returns exit code 0 after a graceful stop
 * @throws {CliError} when the configuration, a model or the state directory cannot be used
 */
export async function runRun(args: { readonly config: string }, io: Io): Promise<number> {
  const log = createLogger(io.stderr, { isJournal: isJournal(io.env) });
  // LevelDB makes files all the time, and those of the state are private. A thread cannot set this, nor do tests need it.
  if (isMainThread) process.umask(0o077);
  const { signal } = io;
  if (signal?.aborted) return 0;
  // Listening from the start: a signal while the models are loaded must count too.
  const aborted = new Promise<undefined>((resolve) => {
    signal?.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  try {
    let fail: (error: StateStoreError) => void = () => {};
    const failed = new Promise<StateStoreError>((resolve) => {
      fail = resolve;
    });
    const starting = startReloadableRun({
      file: args.config,
      env: io.env,
      log,
      version,
      onFatal: fail,
      onLogSettings: log.configure,
    });
    // A disk or a share that does not answer must not keep the process.
    const run = await Promise.race([starting, aborted]);
    if (run === undefined) {
      await settledWithin(
        starting.then((late) => late.stop()),
        START_MS,
      );
      return 0;
    }
    const forget = io.onHangup?.(() => void run.reload().catch(fail));
    const failure = await Promise.race([aborted, failed]);
    forget?.();
    log.info("run", "stopping", "stopping");
    await run.stop();
    if (failure !== undefined) throw failure;
    log.info("run", "stopped", "stopped");
    return 0;
  } catch (error) {
    if (error instanceof ConfigError || error instanceof StateStoreError) {
      throw new CliError(error.message, { cause: error });
    }
    throw error;
  }
}

/** For a start that is under way when the signal to stop comes. */
const START_MS = 2000;
