/** A failure to be told to the user in one message, without a stack trace: exit code 1. */
export class CliError extends Error {
  override readonly name = "CliError";
}

/** A command line that makes no sense: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
