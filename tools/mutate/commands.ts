import { spawn } from "node:child_process";

/** How a command ended. */
export interface CommandRun {
  /** The exit code; null when it was ended for its time was over. */
  readonly code: number | null;
  /** What it wrote, standard output and errors together. */
  readonly text: string;
}

/** Process groups that are running, to be ended with this process. */
const running = new Set<number>();

/** Runs a script of Node in a process group of its own, and ends the group when the time is over. */
export function runScript(
  args: readonly string[],
  options: { readonly cwd: string; readonly limitMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<CommandRun> {
  return new Promise((resolve, reject) => {
    const { cwd, limitMs, env } = options;
    const child = spawn(process.execPath, args, { cwd, detached: true, env: { ...process.env, ...env } });
    const pid = child.pid as number;
    running.add(pid);
    const timer = setTimeout(() => endGroup(pid), limitMs);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (part: string) => {
        text += part;
      });
    }
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      running.delete(pid);
      resolve({ code, text });
    });
  });
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself in this moment.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Ends all commands that are running. */
export function endCommands(): void {
  for (const pid of running) endGroup(pid);
}
