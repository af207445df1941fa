// What a broker is and does, found by trying on topics of our own.

import { performance } from "node:perf_hooks";
import type { Login } from "../../host/config/login.ts";
import { hear, openProbe, type Probe, ProbeError } from "./client.ts";
import { type Finding, fault, note, ok } from "./finding.ts";

/** What the trials of a broker work with. */
export interface Trial {
  readonly login: Login;
  /** Begins the client ids, which are of our own. */
  readonly id: string;
  /** Begins the topics, which nobody else listens to. */
  readonly topic: string;
}

/** Messages that are queued for an absent client: more than brokers keep by default (Mosquitto 1000, others 100). */
export const QUEUED = 1200;
/** Mosquitto's own limit. */
const IN_FLIGHT = 20;
const QUIET_MS = 1500;
const ROUNDS = 15;
/** What a kernel waits before it acknowledges a packet; a broker with Nagle's algorithm holds the next small packet back as long. */
const STEP_MS = 30;
const SLOW_MS = 100;

/** Which versions of MQTT the broker speaks, its name, and what it grants. @throws {ProbeError} when it cannot be connected to */
export async function tryProtocol({ login, id, topic }: Trial): Promise<Finding[]> {
  const spoken = new Map<4 | 5, Probe>();
  const failures: ProbeError[] = [];
  for (const protocol of [login.protocol, login.protocol === 4 ? 5 : 4] as const) {
    try {
      spoken.set(protocol, await openProbe({ login, protocol, clientId: `${id}-v${protocol}` }));
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      if (protocol === login.protocol) throw error;
      failures.push(error);
    }
  }
  const used = spoken.get(login.protocol) as Probe;
  try {
    const name = await nameOf(used);
    const versions = [...spoken.keys()].sort().map((protocol) => (protocol === 5 ? "MQTT 5" : "MQTT 3.1.1"));
    const version = login.protocol === 5 ? "MQTT 5" : "MQTT 3.1.1";
    return [
      ok(`${login.url} is ${name ?? "a broker that does not tell its name"}; it speaks ${versions.join(" and ")}`),
      ...(login.protocol === 4 && spoken.has(5)
        ? [note("broker.protocol is 4: a broker can say only in MQTT 5 what it refuses to publish", "protocol: 5")]
        : [ok(`the configuration uses ${version}`)]),
      ...grantsOf(used),
      ...(await tryEcho(used, topic)),
    ];
  } finally {
    for (const probe of spoken.values()) await probe.close();
  }
}

/** Answers what a broker says of itself on its system topics, as most do. */
async function nameOf(probe: Probe): Promise<string | undefined> {
  const [code = 0x80] = await probe.subscribe(["$SYS/broker/version"], 0);
  if (code >= 0x80) return undefined;
  const [heard] = await hear(probe, 1, 500);
  const text = heard?.payload.replace(/ version /, " ");
  return text === undefined || text === "" ? undefined : text.slice(0, 80);
}

function grantsOf({ connack: { properties = {} } }: Probe): Finding[] {
  const { maximumQoS, retainAvailable, wildcardSubscriptionAvailable, receiveMaximum, maximumPacketSize } = properties;
  const faults: Finding[] = [];
  if (maximumQoS === 0) faults.push(fault("the broker has QoS 0 only: readings are lost whenever the host is away"));
  if (retainAvailable === false) faults.push(fault("the broker retains no message: alarms and health are not kept"));
  if (wildcardSubscriptionAvailable === false) faults.push(fault("the broker takes no wildcards in filters"));
  const limits = [
    ...(receiveMaximum === undefined ? [] : [`${receiveMaximum} messages in flight to it`]),
    ...(maximumPacketSize === undefined ? [] : [`packets of ${maximumPacketSize} bytes`]),
  ];
  return limits.length === 0 ? faults : [...faults, ok(`it takes ${limits.join(", ")}`)];
}

/** Whether our own messages come back: without that nothing else can be tried. */
async function tryEcho(probe: Probe, topic: string): Promise<Finding[]> {
  const [code = 0x80] = await probe.subscribe([`${topic}/echo`]);
  const coming = hear(probe, 1, QUIET_MS);
  const refused = code >= 0x80 ? "the broker refuses the subscription" : await probe.publish(`${topic}/echo`, "echo");
  if (refused === undefined && (await coming).length > 0) return [];
  const reason = refused ?? "the broker takes it and delivers nothing, as an ACL of Mosquitto does";
  return [fault(`${topic} cannot be written and read: ${reason}`, ACL_REMEDY)];
}

const ACL_REMEDY = "rivulet doctor CONFIG --acl prints the lines that an ACL needs";

/**
 * How long a message takes there and back, and the next one behind it. A kernel takes its time to acknowledge what comes in where it
 * has just answered something; a broker with Nagle's algorithm holds the next small packet back until then.
 */
export async function tryLatency({ login, id, topic }: Trial): Promise<Finding[]> {
  const own = { login, protocol: login.protocol };
  const receiver = await openProbe({ ...own, clientId: `${id}-receiver` });
  const sender = await openProbe({ ...own, clientId: `${id}-sender` });
  try {
    await receiver.subscribe([`${topic}/latency`], 0);
    const [firsts, seconds]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      const first = await timeOne(receiver, receiver, `${topic}/latency`);
      const second = await timeOne(sender, receiver, `${topic}/latency`);
      if (first === undefined || second === undefined) return [fault("messages of our own do not come back any more")];
      firsts.push(first);
      seconds.push(second);
    }
    return judgeLatency(firsts, seconds);
  } finally {
    await sender.close();
    await receiver.close();
  }
}

/** Answers after how many ms a message arrives; undefined when it does not. */
async function timeOne(sender: Probe, receiver: Probe, topic: string): Promise<number | undefined> {
  const started = performance.now();
  const arrived = new Promise<number | undefined>((resolve) => {
    const timer = setTimeout(() => resolve(undefined), QUIET_MS);
    receiver.onHeard = () => {
      clearTimeout(timer);
      resolve(performance.now() - started);
    };
  });
  await sender.publish(topic, "time", { qos: 0 });
  return arrived;
}

/** Judges times of messages, ms: there and back, and of the next one behind it. */
export function judgeLatency(firsts: readonly number[], seconds: readonly number[]): Finding[] {
  const [first, second] = [median(firsts), median(seconds)];
  const text = `a message takes ${first.toFixed(1)} ms there and back, one right behind it ${second.toFixed(1)} ms`;
  const steps = seconds.filter((ms, index) => ms - (firsts[index] as number) >= STEP_MS);
  if (first < STEP_MS && steps.length >= seconds.length / 3) {
    const remedy = "set_tcp_nodelay true in mosquitto.conf (other brokers: TCP no-delay)";
    return [note(`${text}: a step of 40 ms is Nagle's algorithm in the broker`, remedy)];
  }
  return first > SLOW_MS ? [note(`${text}: the way to the broker is slow`)] : [ok(text)];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** What the broker keeps for a client that is away. */
export async function tryQueue({ login, id, topic }: Trial): Promise<Finding[]> {
  const own = { login, protocol: login.protocol, clientId: `${id}-queue` };
  const away = await openProbe({ ...own, isClean: false });
  const [code = 0x80] = await away.subscribe([`${topic}/queue`]);
  await away.close();
  if (code >= 0x80) return [];
  const publisher = await openProbe({ ...own, clientId: `${id}-publisher` });
  try {
    const refused = await fill(publisher, `${topic}/queue`);
    const back = await openProbe({ ...own, isClean: false });
    const heard = await hear(back, QUEUED - refused, QUIET_MS);
    const hasSession = back.connack.sessionPresent;
    await back.close();
    return judgeQueue(hasSession, heard.length, code);
  } finally {
    await publisher.close();
    // A clean session of the same id makes the broker forget what it kept.
    await (await openProbe(own)).close();
  }
}

/** Publishes QUEUED messages, no more at a time than any broker takes; answers how many were refused. */
async function fill(publisher: Probe, topic: string): Promise<number> {
  let refused = 0;
  for (let done = 0; done < QUEUED; done += IN_FLIGHT) {
    const batch = Array.from({ length: Math.min(IN_FLIGHT, QUEUED - done) }, (_, i) =>
      publisher.publish(topic, `${done + i}`),
    );
    refused += (await Promise.all(batch)).filter((reason) => reason !== undefined).length;
  }
  return refused;
}

/** Judges what came of QUEUED messages for a client that was away. */
export function judgeQueue(hasSession: boolean, heard: number, granted: number): Finding[] {
  if (!hasSession) {
    return [fault("the broker keeps no session for a client that is away: readings are lost while the host restarts")];
  }
  if (granted === 0) {
    return [fault("the broker grants QoS 0 only: it keeps nothing for a host that is away")];
  }
  if (heard < QUEUED) {
    const remedy = "max_queued_messages 100000 in mosquitto.conf; docs/brokers.md for others";
    return [
      fault(
        `for a host that is away it kept ${heard} of ${QUEUED} messages; the others were lost without a word`,
        remedy,
      ),
    ];
  }
  return [
    ok(`for a host that is away it keeps ${QUEUED} messages and more`),
    note(
      "whether they survive a restart of the broker cannot be tried from here",
      "Mosquitto: persistence true, autosave_interval 30 (rivulet doctor CONFIG --mosquitto); docs/brokers.md",
    ),
  ];
}

/** Whether retained messages are kept, and told from news. */
export async function tryRetained({ login, id, topic }: Trial): Promise<Finding[]> {
  const probe = await openProbe({ login, protocol: login.protocol, clientId: `${id}-retained` });
  try {
    const refused = await probe.publish(`${topic}/retained`, "kept", { isRetained: true });
    if (refused !== undefined) return [fault(`retained messages: ${refused}`)];
    const coming = hear(probe, 1, QUIET_MS);
    await probe.subscribe([`${topic}/retained`]);
    const [old] = await coming;
    const live = hear(probe, 1, QUIET_MS);
    await probe.publish(`${topic}/retained`, "", { isRetained: true });
    const [news] = await live;
    return judgeRetained(old?.isRetained, news?.isRetained);
  } finally {
    await probe.close();
  }
}

/** Judges the retained flag of an old message and of news; undefined where none came. */
export function judgeRetained(old: boolean | undefined, news: boolean | undefined): Finding[] {
  if (old === undefined)
    return [fault("retained messages are not kept: alarms and health are lost for who comes later")];
  if (!old) {
    return [
      note(
        "retained messages come without their flag: old readings would be taken for news at every start",
        "give the streams a time or a sequence, so that they are known as old (docs/delivery.md)",
      ),
    ];
  }
  if (news === true) return [note("news comes with the retained flag, as over a bridge with retain as published")];
  return [ok("retained messages are kept, and told from news")];
}
