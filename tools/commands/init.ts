import { existsSync } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeCounters } from "../../host/mqtt/counters.ts";
import { createRehearsal } from "../../host/mqtt/rehearsal.ts";
import { planRun } from "../../host/run.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { CliError, UsageError } from "../errors.ts";
import { checkWritable, writeFileAtomic } from "../files.ts";
import { type Asker, createAsker } from "../init/ask.ts";
import { describeFound } from "../init/describe.ts";
import { LoginRefused, listen } from "../init/listen.ts";
import { type FoundStream, streamsOf } from "../init/streams.ts";
import { type Survey, surveyOf } from "../init/survey.ts";
import type { Heard } from "../init/types.ts";
import { writeConfig, writeEnv } from "../init/write.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";
import { type BrokerFlags, chooseBroker } from "../replay/broker.ts";

/** Arguments and flags of `rivulet init`. */
export interface InitArgs extends Omit<BrokerFlags, "config" | "clientId"> {
  readonly seconds: number;
  /** Takes every answer that would be proposed. */
  readonly yes?: boolean;
  /** Configuration that is written. */
  readonly output: string;
  /** Replaces a configuration that is there. */
  readonly force?: boolean;
}

interface Login {
  readonly username: string;
  readonly password: string;
}

/** Messages that are tried on what was written: a commit each takes a while. */
const MOST_PROVED = 10_000;
const USUAL_BROKER = "mqtt://localhost";

/**
 * Listens to a broker, tells what is there, and writes a configuration for it.
 *
 * @throws {CliError} when the broker cannot be listened to, or there is nothing to write
 */
export async function runInit(args: InitArgs, io: Io): Promise<void> {
  const print = (...lines: readonly string[]) => io.stdout.write(joinLines(lines));
  await checkWritable(args.output);
  const asker = args.yes ? undefined : createAsker(io);
  try {
    await checkOutput(args, asker);
    const broker = args.broker ?? (await asker?.ask("Broker", USUAL_BROKER)) ?? USUAL_BROKER;
    const { heard, login } = await hear({ ...args, broker }, io, asker, print);
    const survey = surveyOf(heard);
    const found = streamsOf(survey.devices);
    print(
      `${heard.length} messages on ${survey.topics} ${survey.topics === 1 ? "topic" : "topics"}`,
      ...describeFound(found, survey),
      "",
    );
    if (found.length === 0) throw new CliError(nothingText(heard, survey, args.seconds));
    const streams = await choose(found, asker);
    await write({ ...args, broker }, streams, login, { count: heard.length, ...survey });
    await prove(args, heard, io, print);
  } finally {
    asker?.close();
  }
}

async function checkOutput({ output, force }: InitArgs, asker: Asker | undefined): Promise<void> {
  if (force || !existsSync(output)) return;
  const answer = await asker?.ask(`${output} is there already. Replace it? y or n`, "n");
  if (answer !== undefined && /^y(es)?$/i.test(answer)) return;
  throw new CliError(`${output} is there already: --output names another file, --force replaces it`);
}

type Print = (...lines: readonly string[]) => void;

/** Listens; where the broker refuses, asks for a login. */
async function hear(args: InitArgs & { readonly broker: string }, io: Io, asker: Asker | undefined, print: Print) {
  let login: Login | undefined;
  if (args.username !== undefined) login = { username: args.username, password: io.env.RIVULET_PASSWORD ?? "" };
  for (;;) {
    const flags = { ...args, username: login?.username };
    const broker = await chooseBroker(flags, { ...io.env, RIVULET_PASSWORD: login?.password });
    print(`listening to ${args.broker} for ${args.seconds} s`);
    try {
      const heard = await listen({ broker, seconds: args.seconds, signal: io.signal, onProgress: progressOn(io) });
      return { heard, login };
    } catch (error) {
      if (!(error instanceof LoginRefused)) throw error;
      const username = await asker?.ask(`${error.message}\nUser name`, "");
      if (asker === undefined || !username) {
        throw new CliError(
          `${error.message}; --username names the user, RIVULET_PASSWORD in the environment holds the password`,
        );
      }
      login = { username, password: await asker.askSecret("Password") };
    }
  }
}

function progressOn({ stderr, isTty }: Io) {
  if (!isTty || (stderr as { isTTY?: boolean }).isTTY !== true) return undefined;
  return (count: number, left: number) => stderr.write(`\r${count} messages, ${Math.max(0, left)} s left \r`);
}

function nothingText(heard: readonly Heard[], { strangers, unusable, topics }: Survey, seconds: number): string {
  if (heard.length === 0) {
    return `Nothing was said on the broker within ${seconds} s, but perhaps on topics that begin with $; --seconds listens for longer`;
  }
  if (unusable.size > 0) return "Nothing that was said can be used as it is; what to do stands above";
  const what =
    strangers.length > 0
      ? `: none of ${strangers.length} topics brings numbers`
      : `: ${topics === 1 ? "the topic brings" : `all ${topics} topics bring`} states, settings or counters`;
  return `Nothing that could be watched was said within ${seconds} s${what}; --seconds listens for longer`;
}

async function choose(found: readonly FoundStream[], asker: Asker | undefined): Promise<readonly FoundStream[]> {
  if (asker === undefined || found.length === 1) return found;
  const answer = await asker.ask("Which of them are written? Numbers, or all", "all");
  if (/^all$/i.test(answer)) return found;
  const chosen = answer.split(/[\s,]+/).map((text) => found[Number(text) - 1]);
  if (chosen.some((stream) => stream === undefined)) {
    throw new UsageError(`"${answer}" are no numbers from 1 to ${found.length}`);
  }
  return chosen as FoundStream[];
}

async function write(
  args: InitArgs & { readonly broker: string },
  streams: readonly FoundStream[],
  login: Login | undefined,
  { count, hasHomeAssistant }: { readonly count: number; readonly hasHomeAssistant: boolean },
): Promise<void> {
  const { output, broker: url, seconds } = args;
  const relative = (file: string | undefined) => (file === undefined ? undefined : path.resolve(file));
  const lines = Object.entries({
    ca: relative(args.ca),
    cert: relative(args.cert),
    key: relative(args.key),
    protocol: args.protocol,
    reject_unauthorized: args.insecure ? false : undefined,
  }).filter(([, value]) => value !== undefined);
  const text = writeConfig({ url, hasLogin: login !== undefined, lines: Object.fromEntries(lines) }, streams, {
    file: path.basename(output),
    heard: `heard ${count} messages in ${seconds} s`,
    hasHomeAssistant,
  });
  if (login !== undefined) await writeSecrets(path.join(path.dirname(output), ".env"), login);
  await writeFileAtomic(output, Buffer.from(text));
}

/** Only the user may read the file. */
async function writeSecrets(file: string, login: Login): Promise<void> {
  const old = existsSync(file) ? await readFile(file, "utf8") : "";
  let text: string;
  try {
    text = writeEnv(old, login);
  } catch (error) {
    if (error instanceof RangeError) throw new CliError(error.message, { cause: error });
    throw error;
  }
  await writeFile(file, text, { mode: 0o600 });
  await chmod(file, 0o600);
}

/** Has what was heard take its way through what was written. */
async function prove({ output }: InitArgs, heard: readonly Heard[], io: Io, print: Print): Promise<void> {
  const log = { info() {}, warn() {}, error() {} };
  const { streams } = await planRun({ file: output, env: io.env, log });
  const rehearsal = createRehearsal(streams, createMemoryStore());
  try {
    // The last values of what is retained come as news here, since little else may have come in so short a time.
    for (const message of heard.slice(0, MOST_PROVED)) await rehearsal.take({ ...message, isRetained: false });
    const { streams: counters } = rehearsal.counters();
    const part = heard.length > MOST_PROVED ? `Of the first ${MOST_PROVED} messages there` : "What was heard";
    print(`${output} is written. ${part} would be:`);
    for (const [name, found] of Object.entries(counters)) {
      const { steps, devices } = found;
      const why = steps > 0 ? "" : `; ${describeCounters(found)}`;
      print(`  ${name}: ${steps} samples of ${devices} ${devices === 1 ? "device" : "devices"}${why}`);
    }
    print("", `rivulet run ${output}`);
  } finally {
    rehearsal.close();
  }
}
