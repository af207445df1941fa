import { type ChildProcess, fork } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Answer, type Request, SETUP, SETUP_FILE } from "./worker.ts";

/** What became of a test file. */
export interface FileRun {
  readonly passed: boolean;
  /** It did not end in time. */
  readonly hung: boolean;
  /** The first test that failed. */
  readonly failure: string;
  /** Numbers of the marks that it came by. */
  readonly hits: readonly number[];
  readonly seconds: number;
}

/** Runs test files of a copy of the checkout in a process of their own, which is ended and begun anew when they hang. */
export class Runner {
  private readonly root: string;
  private worker: ChildProcess | undefined;
  /** Sources written since the last run. */
  private readonly changed = new Set<string>();

  /** @param root  the root of the copy */
  constructor(root: string) {
    this.root = root;
    this.write(SETUP_FILE, SETUP);
  }

  /** Reads a source of the copy: the checkout may change meanwhile. */
  read(file: string): string {
    return readFileSync(path.join(this.root, file), "utf8");
  }

  /** Writes a source of the copy, for the runs that follow. */
  write(file: string, text: string): void {
    const place = path.join(this.root, file);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, text);
    this.changed.add(file);
  }

  /** Lists the test files. */
  async testFiles(): Promise<readonly string[]> {
    const answer = await this.ask({ list: true });
    if (answer === undefined || !("files" in answer)) throw new Error("The test runner lists no files");
    return answer.files;
  }

  /** Runs a test file. One that takes longer than the limit is ended. */
  async run(file: string, options: { bail: boolean; limitMs: number }): Promise<FileRun> {
    const start = performance.now();
    const changed = [...this.changed];
    this.changed.clear();
    const answer = await this.ask({ run: file, changed, bail: options.bail }, options.limitMs);
    const seconds = (performance.now() - start) / 1000;
    if (answer === undefined || !("passed" in answer)) {
      return { passed: false, hung: true, failure: "", hits: [], seconds };
    }
    return { ...answer, hung: false, seconds };
  }

  /** Ends the process with everything that it started. */
  stop(): void {
    const { worker } = this;
    this.worker = undefined;
    if (worker?.pid === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
    process.kill(-worker.pid, "SIGKILL");
  }

  private async start(): Promise<ChildProcess> {
    const worker = fork(process.argv[1] as string, ["--worker", this.root], {
      detached: true,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, NODE_ENV: "test" },
    });
    this.worker = worker;
    if ((await answerOf(worker, 120_000)) === undefined) throw new Error("The test runner does not start");
    return worker;
  }

  /** Answers nothing when the process ends or the time is over. */
  private async ask(request: Request, limitMs = 120_000): Promise<Answer | undefined> {
    const worker = this.worker ?? (await this.start());
    worker.send(request);
    const answer = await answerOf(worker, limitMs);
    if (answer === undefined) this.stop();
    return answer;
  }
}

function answerOf(worker: ChildProcess, limitMs: number): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const done = (answer: Answer | undefined) => {
      clearTimeout(timer);
      worker.off("message", done).off("exit", onExit);
      resolve(answer);
    };
    const onExit = () => done(undefined);
    const timer = setTimeout(onExit, limitMs);
    worker.on("message", done).on("exit", onExit);
  });
}
