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

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface CliOptions {
  /** Text, or chunks that arrive one after another. */
  readonly stdin?: string | Iterable<string> | AsyncIterable<string>;
  readonly isTty?: boolean;
  readonly env?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Calls the command line in this process; a fault of the program is thrown. */
export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { stdin = "", isTty = false, env = {}, signal } = options;
  const [stdout, stderr] = [new Sink(), new Sink()];
  const input = Readable.from(typeof stdin === "string" ? [Buffer.from(stdin)] : chunks(stdin));
  const code = await main(argv, { stdin: input, stdout, stderr, isTty, env, ...(signal && { signal }) });
  return { code, stdout: stdout.text, stderr: stderr.text };
}

async function* chunks(texts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const text of texts) yield Buffer.from(text);
}
