import { stringify } from "yaml";
import { ConfigError } from "../../host/config/document.ts";
import { type BridgeCounters, describeCounters } from "../../host/mqtt/counters.ts";
import type { Logger } from "../../host/mqtt/log.ts";
import { createRehearsal, type RehearsedMessage } from "../../host/mqtt/rehearsal.ts";
import { describeSource, planRun, type RunPlan } from "../../host/run.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { parseRecorded } from "../check/recording.ts";
import { describeUnmatched } from "../check/topics.ts";
import { WayWriter } from "../check/way.ts";
import { CliError, UsageError } from "../errors.ts";
import { openInput } from "../files.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";

export interface CheckArgs {
  /** Configuration file. */
  readonly config: string;
  /** Of a message whose way is printed; needs `payload`. */
  readonly topic?: string;
  readonly payload?: string;
  /** File with messages, a line each, or `-` for standard input. */
  readonly recording?: string;
  /** Prints the configuration in full. */
  readonly explain?: boolean;
}

type Print = (...lines: readonly string[]) => void;

/**
 * Checks a configuration of `rivulet run` without connecting, and prints the way of messages through it.
 *
 * @throws {CliError} when the configuration or a model cannot be used, or no message brings a value
 */
export async function runCheck(args: CheckArgs, io: Io): Promise<void> {
  const { topic, payload, recording } = args;
  if ((topic === undefined) !== (payload === undefined)) throw new UsageError("--topic and --payload go together");
  if (topic !== undefined && recording !== undefined) throw new UsageError("Either --topic or --recording, not both");
  const print: Print = (...lines) => io.stdout.write(joinLines(lines));
  const plan = await planOrFail(args.config, io);
  if (args.explain) print(...explain(plan));
  else print(...describePlan(args.config, plan));
  if (topic === undefined && recording === undefined) return;
  const used = await rehearse(plan, args, print, io);
  if (used > 0) return;
  throw new CliError(
    topic === undefined ? "No message of the recording brings a value" : "The message brings no value",
  );
}

/** Prints the way of each message; answers how many brought a value. */
async function rehearse(plan: RunPlan, args: CheckArgs, print: Print, io: Io): Promise<number> {
  const { topic, payload = "", recording = "-" } = args;
  const rehearsal = createRehearsal(plan.streams, createMemoryStore());
  const writer = new WayWriter(plan.streams);
  let used = 0;
  const take = async (message: RehearsedMessage) => {
    const before = rehearsal.counters();
    const steps = await rehearsal.take(message);
    if (steps.some((step) => step.kind === "outcome" && step.outcome.kind !== "reject")) used++;
    const told = writer.describe(message, steps);
    const lines = told.length > 0 ? told : whyNothing(message, plan, before, rehearsal.counters());
    print("", `${message.topic}, ${message.payload.length} bytes`, ...lines.map((line) => `  ${line}`));
  };
  try {
    if (topic !== undefined) {
      await take({ topic, payload: Buffer.from(payload), isRetained: false, time: Date.now() });
      return used;
    }
    await takeAll(recording, take, io);
    print("", ...describeTotals(rehearsal.counters()));
    return used;
  } finally {
    rehearsal.close();
  }
}

async function planOrFail(file: string, io: Io): Promise<RunPlan> {
  const warn = (_: string, text: string) => io.stderr.write(joinLines([`warning: ${text}`]));
  const log: Logger = { info() {}, warn, error: warn };
  try {
    return await planRun({ file, env: io.env, log });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}

function describePlan(file: string, { streams }: RunPlan): string[] {
  const lines = streams.map(({ name, runtime, sources, alarms }) => {
    const inputs = runtime.model.spec.inputs.map((input) => input.name).join(", ");
    const topics = sources.filter(({ isCommand }) => !isCommand).map(describeSource);
    const model = runtime.outputSize > 0 ? `model ${runtime.model.id}` : "no model";
    const detector = alarms === undefined ? "" : `, detector ${"learn" in alarms ? "auto" : alarms.file.id}`;
    return [`stream ${name}: ${model}${detector}`, `  inputs ${inputs}`, ...topics.map((topic) => `  topic ${topic}`)];
  });
  return [`${file} can be used`, ...lines.flat()];
}

/** The configuration as it is written, secrets as references, or left out. */
function explain({ loaded: { written } }: RunPlan): string[] {
  return stringify(written, { lineWidth: 0 }).trimEnd().split("\n");
}

async function takeAll(path: string, take: (message: RehearsedMessage) => Promise<void>, io: Io): Promise<void> {
  const { source, chunks } = openInput(path, io);
  let number = 0;
  for await (const line of linesOf(chunks)) {
    number++;
    // mosquitto_sub leaves a line empty whose payload is no JSON.
    if (line.trim() === "") continue;
    let message: RehearsedMessage;
    try {
      message = parseRecorded(line, Date.now());
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new CliError(`${source}:${number}: ${error.message}`, { cause: error });
    }
    await take(message);
  }
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const text = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + text.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

/** Why a message led to nothing. */
function whyNothing(
  { topic }: RehearsedMessage,
  { streams }: RunPlan,
  before: BridgeCounters,
  after: BridgeCounters,
): string[] {
  if (after.unmatched > before.unmatched) return ["no stream takes this topic", ...describeUnmatched(topic, streams)];
  const rose = (key: "retained" | "duplicate") =>
    Object.keys(after.streams).filter((name) => (after.streams[name]?.[key] ?? 0) > (before.streams[name]?.[key] ?? 0));
  return [
    ...rose("retained").map((name) => `stream ${name}: retained, which is old news and never a sample`),
    ...rose("duplicate").map((name) => `stream ${name}: came before, so it changes nothing`),
  ];
}

function describeTotals({ streams, unmatched }: BridgeCounters): string[] {
  const lines = Object.entries(streams).map(([name, counters]) => `stream ${name}: ${describeCounters(counters)}`);
  return unmatched === 0 ? lines : [...lines, `${unmatched} of topics that no stream takes`];
}
