import type { Readable, Writable } from "node:stream";

/** What a command may touch of the process: passed in, so that tests run commands without one. */
export interface Io {
  readonly stdin?: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted when the user or the system asks the command to end. */
  readonly signal?: AbortSignal;
  /** Has a listener called when the process is asked to read its configuration again (SIGHUP), in place of ending; answers its end. */
  readonly onHangup?: (listener: () => void) => () => void;
  /** True on a terminal: colours and progress may be drawn. */
  readonly isTty: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Whether output may be coloured: on a terminal, unless NO_COLOR is set (https://no-color.org). */
export function hasColors(io: Io): boolean {
  return io.isTty && !io.env.NO_COLOR;
}
