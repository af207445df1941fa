import { Readable, Writable } from "node:stream";
import { main } from "../../tools/command.ts";

/** What a call of the command line leaves behind. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A stream that keeps what is written to it. */
export class Sink extends Writable {
  text = "";
  /** Called after each write. */
  onWrite: (text: string) => void = () => {};

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    this.onWrite(String(chunk));
    done();
  }
}

export interface CliOptions {
  readonly stdin?: string | Readable;
  readonly isTty?: boolean;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
  /** Called after each write to standard output. */
  readonly onOutput?: (text: string) => void;
}

/** Calls the command line in this process; a fault of the program is thrown. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { stdin = "", isTty = false, env = {}, signal, onOutput } = options;
  const [stdout, stderr] = [new Sink(), new Sink()];
  if (onOutput !== undefined) stdout.onWrite = onOutput;
  const input = typeof stdin === "string" ? Readable.from([Buffer.from(stdin)]) : stdin;
  const code = await main(argv, { stdin: input, stdout, stderr, isTty, env, ...(signal && { signal }) });
  return { code, stdout: stdout.text, stderr: stderr.text };
}
