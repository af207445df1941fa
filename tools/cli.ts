import { isWaitingForDisk } from "../host/store/directory.ts";
import { main } from "./command.ts";

const { stdin, stdout, stderr, env } = process;
const stop = new AbortController();

for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // The second signal does not wait until the first is served.
    if (stop.signal.aborted && isWaitingForDisk()) process.kill(process.pid, "SIGKILL");
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

let outputError: NodeJS.ErrnoException | undefined;
stdout.on("error", (error: NodeJS.ErrnoException) => {
  // `rivulet … | head` is no failure.
  if (error.code !== "EPIPE") outputError = error;
  stop.abort();
});

// A terminal that is gone hangs up as well: a command that takes the signal for something else ends at its next line.
stderr.on("error", () => stop.abort());

const onHangup = (listener: () => void) => {
  process.on("SIGHUP", listener);
  return () => void process.off("SIGHUP", listener);
};

const isTty = stdout.isTTY === true;
let code = await main(process.argv.slice(2), { stdin, stdout, stderr, signal: stop.signal, onHangup, isTty, env });
if (outputError !== undefined) {
  stderr.write(`error: Standard output: ${outputError.message}\n`);
  code = 1;
}

// A pipe may still hold output, which `exit` would drop; without `exit`, an open standard input would keep the process.
const flush = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write("", () => resolve()));
await Promise.all([flush(stdout), flush(stderr)]);
// An ordinary end waits for every call into a file system, and one that does not answer has it wait for ever.
if (isWaitingForDisk()) process.kill(process.pid, "SIGKILL");
process.exit(code);
