/** A failure to be told to the user in one message, without a stack trace: exit code 1. */
export class CliError extends Error {
  override readonly name = "CliError";
}

/** A command line that makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A value of a JSON document as a message may show it: its text, at most `most` characters of it. */
export function showJson(value: unknown, most = 40): string {
  try {
    return (JSON.stringify(value) ?? "missing").slice(0, most);
  } catch (error) {
    // V8 reads any depth, and writes what its stack takes.
    if (error instanceof RangeError) return "nested too deeply";
    throw error;
  }
}
