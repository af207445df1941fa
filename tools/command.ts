import { Command, CommanderError } from "commander";
import { createColors } from "picocolors";
import { ModelFormatError, SampleError, SnapshotError } from "../host/model/errors.ts";
import { printable } from "../host/printable.ts";
import { version } from "../package.json";
import { addCommands } from "./commands/index.ts";
import { CliError, UsageError } from "./errors.ts";
import { hasColors, type Io } from "./io.ts";
import { joinLines } from "./print.ts";

/**
 * Runs the command line `rivulet <argv>`.
 *
 * @returns the exit code: 0 done, 1 failure, 2 wrong usage. A fault of the program itself is thrown.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    // commander has written its text by now.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const message = describeMistake(error);
    if (message === undefined) throw error;
    const { red } = createColors(hasColors(io));
    // Further lines are indented: a name with a line feed in it cannot pass for a message of its own.
    const text = message.split("\n").map(printable).join("\n  ");
    io.stderr.write(`${red("error:")} ${text}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

function createProgram(io: Io): Command {
  const program = new Command("rivulet")
    .description("Runs GRU models over streams of sensor readings.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "Print the help of a command.")
    .showHelpAfterError("(--help shows usage and examples)")
    .exitOverride()
    .configureHelp({ helpWidth: 100, showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      // What it quotes of the command line may have come from a file.
      writeErr: (text) => io.stderr.write(joinLines(text.replace(/\n$/, "").split("\n"), hasColors(io))),
      getOutHasColors: () => hasColors(io),
      getErrHasColors: () => hasColors(io),
    });
  addCommands(program, io);
  return program;
}

/** Text for a fault that the user can mend; undefined for a fault of the program. */
function describeMistake(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const known = [UsageError, CliError, ModelFormatError, SnapshotError, SampleError];
  if (known.some((type) => error instanceof type)) return error.message;
  // What engines say when they cannot have the memory of an instance or of an array.
  if (error instanceof RangeError && /out of memory|allocat/i.test(error.message)) {
    return `Not enough memory (${error.message}); WebAssembly reserves address space, so a limit such as ulimit -v must leave room`;
  }
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (code === undefined || syscall === undefined) return undefined;
  return path === undefined ? error.message : `${path}: ${error.message.replace(/, \w+ '.*'$/, "")}`;
}
