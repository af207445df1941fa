import { CliError } from "../errors.ts";

/** Most characters of a message. */
const MAX_LENGTH = 2000;

/**
 * Calls a reader. Names in a damaged or hostile file hold anything, and stand in the errors about them: what is thrown is one line.
 *
 * @throws {CliError} for what the reader refuses
 */
export async function inOneLine<T>(read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const text = error.message.replaceAll(/[\p{Cc}\u2028\u2029]/gu, "?");
    throw new CliError(text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text, { cause: error });
  }
}
