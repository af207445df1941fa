import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import type { Io } from "../io.ts";

/** Asks what a program cannot know. */
export interface Asker {
  /** Answers what was typed, or `usual` for an empty line, and where nobody is there to answer. */
  ask(question: string, usual: string): Promise<string>;
  /** The same, and what is typed does not show on a terminal. */
  askSecret(question: string): Promise<string>;
  close(): void;
}

/** Reads answers from standard input, a line each. */
export function createAsker({ stdin, stdout }: Io): Asker {
  let isSecret = false;
  const shown = new Writable({
    write(chunk, _, done) {
      if (!isSecret) stdout.write(chunk);
      done();
    },
  });
  const isTerminal = (stdin as { isTTY?: boolean } | undefined)?.isTTY === true;
  const lines = stdin && createInterface({ input: stdin, output: shown, terminal: isTerminal });
  const iterator = lines?.[Symbol.asyncIterator]();
  const next = async (prompt: string): Promise<string> => {
    stdout.write(prompt);
    const { value = "", done = true } = (await iterator?.next()) ?? {};
    // Without a line feed of the user's the next text would go on behind the question.
    if (done || !isTerminal || isSecret) stdout.write("\n");
    return String(value).trim();
  };
  return {
    async ask(question, usual) {
      const answer = await next(`${question}${usual === "" ? "" : ` [${usual}]`}: `);
      return answer === "" ? usual : answer;
    },
    async askSecret(question) {
      isSecret = true;
      try {
        return await next(`${question}: `);
      } finally {
        isSecret = false;
      }
    },
    close: () => lines?.close(),
  };
}
