// What systemd is told of a service: sd_notify(3). Node has no datagrams of Unix sockets; systemd's own program sends them.

import { execFile } from "node:child_process";
import type { Progress } from "./metrics/progress.ts";
import type { Logger } from "./mqtt/log.ts";

/** What telling systemd takes. */
export interface ServiceManagerOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Whether messages progress: only then systemd's watchdog is fed. */
  readonly progress: Pick<Progress, "stuckMs">;
  /** Sends lines of sd_notify(3); default: by `systemd-notify`. */
  readonly send?: (lines: readonly string[], env: NodeJS.ProcessEnv) => Promise<void>;
}

/** Tells systemd how the service is, where it asks for that; it does in a unit of `Type=notify`. */
export class ServiceManager {
  readonly #options: ServiceManagerOptions;
  #timer: NodeJS.Timeout | undefined;
  #isTold = false;
  #isStuckTold = false;
  /** One after the other: a later message must not come first. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: ServiceManagerOptions) {
    this.#options = options;
  }

  /** The service has started, or has read its configuration again. */
  ready(status: string): Promise<void> {
    const period = watchdogMs(this.#options.env);
    if (this.#timer === undefined && period !== undefined) this.#timer = setInterval(() => this.#feed(), period / 2);
    return this.#tell("READY=1", `STATUS=${status}`);
  }

  /** The service reads its configuration again. */
  reloading(): Promise<void> {
    return this.#tell("RELOADING=1", "STATUS=reading the configuration again");
  }

  /** The service ends. */
  async stopping(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tell("STOPPING=1", "STATUS=stopping");
  }

  #feed(): void {
    const { progress, log } = this.#options;
    const { stuckMs } = progress;
    if (stuckMs === undefined) {
      this.#isStuckTold = false;
      void this.#tell("WATCHDOG=1");
      return;
    }
    if (this.#isStuckTold) return;
    this.#isStuckTold = true;
    const text = `messages wait, and none was done with for ${Math.round(stuckMs / 1000)} s: systemd will start the service anew`;
    log.error("run", text, "messages_stuck");
  }

  #tell(...lines: readonly string[]): Promise<void> {
    const { env, log, send = sendByProgram } = this.#options;
    if (!env.NOTIFY_SOCKET) return Promise.resolve();
    this.#last = this.#last
      .then(() => send(lines, env))
      .catch((error) => {
        if (this.#isTold) return;
        this.#isTold = true;
        const { code, message } = error as NodeJS.ErrnoException;
        const reason = code === "ENOENT" ? "there is no program systemd-notify" : message;
        log.warn("run", `systemd cannot be told how the service is: ${reason}`, "notify_failed");
      });
    return this.#last;
  }
}

/** Within which systemd wants to hear of the service, ms; undefined when it does not. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | undefined {
  const ms = Number(WATCHDOG_USEC) / 1000;
  if (!(ms > 0) || (WATCHDOG_PID !== undefined && Number(WATCHDOG_PID) !== process.pid)) return undefined;
  return ms;
}

/** It waits until systemd has read the message: of a process that has ended systemd no longer knows whose it was. */
function sendByProgram(lines: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile("systemd-notify", lines, { env, timeout: 10_000 }, (error) => (error ? reject(error) : resolve()));
  });
}
