import { randomBytes } from "node:crypto";
import { ConfigError } from "../../host/config/document.ts";
import { loginOf } from "../../host/config/login.ts";
import type { Logger } from "../../host/mqtt/log.ts";
import { planRun, type RunPlan, storePlace } from "../../host/run.ts";
import { type TopicPlan, tryPublishing, tryReading } from "../doctor/access.ts";
import { type Trial, tryLatency, tryProtocol, tryQueue, tryRetained } from "../doctor/broker.ts";
import { ProbeError } from "../doctor/client.ts";
import { describeFinding, type Finding, fault, note, ok } from "../doctor/finding.ts";
import { tryClock, tryDirectory } from "../doctor/machine.ts";
import { aclLines, mosquittoLines } from "../doctor/mosquitto.ts";
import { CliError } from "../errors.ts";
import type { Io } from "../io.ts";
import { joinLines } from "../print.ts";

export interface DoctorArgs {
  /** Configuration file. */
  readonly config: string;
  /** Prints the lines of an ACL of Mosquitto, and does nothing else. */
  readonly acl?: boolean;
  /** Prints a configuration of Mosquitto, and does nothing else. */
  readonly mosquitto?: boolean;
  /** Seconds of listening to the topics of the streams; default 3. */
  readonly seconds?: number;
}

const DEFAULT_SECONDS = 3;

/**
 * Looks at all that a run depends on, by trying, and tells what to do.
 *
 * @throws {CliError} when the configuration or a model cannot be used, or something is wrong
 */
export async function runDoctor(args: DoctorArgs, io: Io): Promise<void> {
  const warnings: Finding[] = [];
  const plan = await planOrFail(args.config, io, warnings);
  const { config } = plan.loaded;
  const topics: TopicPlan = {
    baseTopic: config.base_topic,
    streams: plan.streams,
    homeAssistant: config.homeassistant,
    asks: asksOf(plan),
  };
  if (args.acl || args.mosquitto) {
    const lines = [
      ...(args.mosquitto ? mosquittoLines(config.broker.url) : []),
      ...(args.acl ? aclLines(topics, config.broker.username) : []),
    ];
    io.stdout.write(joinLines(lines));
    return;
  }
  let faults = 0;
  const tell = (findings: readonly Finding[]) => {
    faults += findings.filter(({ level }) => level === "fault").length;
    io.stdout.write(joinLines(findings.flatMap(describeFinding)));
  };
  tell([...warnings, ...describeModels(args.config, plan)]);
  tell(await tryDirectory(storePlace(plan)));
  tell(await tryClock(args.config, Date.now()));
  await examineBroker(plan, topics, 1000 * (args.seconds ?? DEFAULT_SECONDS), tell);
  if (faults > 0)
    throw new CliError(`${faults} ${faults === 1 ? "thing is" : "things are"} wrong; what to do stands above`);
}

async function planOrFail(file: string, io: Io, warnings: Finding[]): Promise<RunPlan> {
  const warn = (_: string, text: string) => void warnings.push(note(text));
  const log: Logger = { info() {}, warn, error: warn };
  try {
    return await planRun({ file, env: io.env, log });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}

/** Nodes of Sparkplug are asked for a new birth. */
function asksOf({ loaded }: RunPlan): string[] {
  const sparkplug = loaded.streams.filter(({ config }) => config.payload === "sparkplug");
  const firsts = sparkplug.flatMap(({ sources }) => sources.map(({ topic }) => topic.filter.split("/")[0]));
  return [...new Set(firsts)].map((first) => `${first}/+/NCMD/+`);
}

function describeModels(file: string, { streams }: RunPlan): Finding[] {
  const models = streams
    .filter(({ runtime }) => runtime.outputSize > 0)
    .map(({ name, runtime }) => ok(`stream ${name}: model ${runtime.model.id} is sound, its self-test passes`));
  return [ok(`${file} can be used`), ...models];
}

async function examineBroker(
  { loaded }: RunPlan,
  topics: TopicPlan,
  listenMs: number,
  tell: (findings: readonly Finding[]) => void,
): Promise<void> {
  const id = `rivulet-doctor-${randomBytes(4).toString("hex")}`;
  const login = loginOf(loaded.config.broker, loaded.tls);
  const trial: Trial = { login, id, topic: `${topics.baseTopic}/bridge/doctor/${id}` };
  try {
    const first = await tryProtocol(trial);
    tell(first);
    const isHeard = !first.some(({ level, text }) => level === "fault" && text.startsWith(trial.topic));
    if (isHeard) {
      tell(await tryLatency(trial));
      tell(await tryRetained(trial));
      tell(await tryQueue(trial));
    }
    tell(await tryPublishing(trial, topics));
    tell(await tryReading(trial, topics, listenMs));
  } catch (error) {
    if (!(error instanceof ProbeError)) throw error;
    tell([fault(`${login.url}: ${error.message}`)]);
  }
}
