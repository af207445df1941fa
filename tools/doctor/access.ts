// What the host may read and publish. A broker may refuse in silence.

import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { commandSources } from "../../host/stream/command-source.ts";
import { filtersOverlap } from "../../host/stream/filters.ts";
import type { Trial } from "./broker.ts";
import { hear, openProbe, type Probe } from "./client.ts";
import { type Finding, fault, note, ok } from "./finding.ts";

/** What of a configuration the topics follow from. */
export interface TopicPlan {
  readonly baseTopic: string;
  readonly streams: readonly StreamOptions[];
  /** Topics of other devices that the host asks something of. */
  readonly asks?: readonly string[];
  readonly homeAssistant?: { readonly prefix: string; readonly birthTopic: string } | undefined;
}

/** A filter that the host subscribes, and for what. */
export interface ReadFilter {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly use: string;
}

const QUIET_MS = 1500;
/** Longest listening beyond the time that was asked for, where messages never pause. */
const MOST_HEARD = 10_000;
const ACL = "rivulet doctor CONFIG --acl prints the lines that an ACL needs";

/** Answers the filters that a host subscribes. */
export function readFilters({ baseTopic, streams, homeAssistant }: TopicPlan): ReadFilter[] {
  const filters = streams.flatMap(({ name, sources, qos, takesCommands }): ReadFilter[] => [
    ...sources
      .filter(({ isCommand }) => !isCommand)
      .map(({ topic }) => ({ filter: topic.filter, qos, use: `readings of ${name}` })),
    ...(takesCommands
      ? commandSources(baseTopic, name).map(({ topic }) => ({ filter: topic.filter, qos, use: `commands of ${name}` }))
      : []),
  ]);
  if (homeAssistant !== undefined) {
    filters.push({ filter: homeAssistant.birthTopic, qos: 0, use: "the start of Home Assistant" });
  }
  return filters;
}

/** Whether the broker grants what the host reads, and what comes there within a time. */
export async function tryReading({ login, id }: Trial, plan: TopicPlan, listenMs: number): Promise<Finding[]> {
  const probe = await openProbe({ login, protocol: login.protocol, clientId: `${id}-reads` });
  try {
    const filters = readFilters(plan);
    const listening = listen(probe, listenMs);
    const findings: Finding[] = [];
    const granted: ReadFilter[] = [];
    for (const one of filters) {
      const [code = 0x80] = await probe.subscribe([one.filter], one.qos);
      if (code >= 0x80) findings.push(fault(`${one.filter} (${one.use}): the broker refuses the subscription`, ACL));
      else {
        granted.push(one);
        if (code < one.qos) findings.push(fault(`${one.filter} (${one.use}): the broker grants QoS ${code} only`));
      }
    }
    const heard = await listening;
    return [
      ...findings,
      ...granted.filter(({ use }) => use.startsWith("readings")).map((one) => judge(one, heard, listenMs)),
    ];
  } finally {
    await probe.close();
  }
}

type Count = ReadonlyMap<string, { readonly live: number; readonly retained: number }>;

/** Counts what comes, by topic. */
async function listen(probe: Probe, listenMs: number): Promise<Count> {
  const counts = new Map<string, { live: number; retained: number }>();
  probe.onHeard = ({ topic, isRetained }) => {
    const count = counts.get(topic) ?? { live: 0, retained: 0 };
    if (isRetained) count.retained++;
    else count.live++;
    if (counts.size < MOST_HEARD) counts.set(topic, count);
  };
  await new Promise((resolve) => setTimeout(resolve, listenMs));
  probe.onHeard = () => {};
  return counts;
}

function judge({ filter, use }: ReadFilter, counts: Count, listenMs: number): Finding {
  let [live, retained] = [0, 0];
  for (const [topic, count] of counts) {
    if (!filtersOverlap(filter, topic)) continue;
    live += count.live;
    retained += count.retained;
  }
  const seconds = listenMs / 1000;
  if (live > 0) return ok(`${filter} (${use}): ${live} messages in ${seconds} s`);
  if (retained > 0) {
    return note(
      `${filter} (${use}): nothing new in ${seconds} s, ${retained} retained; these are old news and never stepped`,
    );
  }
  return note(
    `${filter} (${use}): nothing came in ${seconds} s`,
    "nobody sends, the topic is another, or an ACL refuses in silence; --seconds 60 listens longer",
  );
}

/** Answers topics such as a host publishes on, of a device that nobody has. */
function writeTopics({ baseTopic, streams, homeAssistant }: TopicPlan, id: string): Map<string, string> {
  const topics = new Map<string, string>();
  for (const { name } of streams) {
    for (const end of ["", "/alarm", "/health"]) topics.set(`${baseTopic}/${name}/${id}${end}`, '{"doctor":true}');
  }
  // An empty configuration removes an entity that is not there.
  if (homeAssistant !== undefined) topics.set(`${homeAssistant.prefix}/sensor/${id}/doctor/config`, "");
  return topics;
}

/** Whether what the host publishes reaches its subscribers: over MQTT 3.1.1 a refusal is silent. */
export async function tryPublishing({ login, id }: Trial, plan: TopicPlan): Promise<Finding[]> {
  const probe = await openProbe({ login, protocol: login.protocol, clientId: `${id}-writes` });
  try {
    const topics = writeTopics(plan, id);
    await probe.subscribe([...topics.keys()]);
    const hearing = hear(probe, topics.size, QUIET_MS);
    const refusals: string[] = [];
    for (const [topic, payload] of topics) {
      const refusal = await probe.publish(topic, payload);
      if (refusal !== undefined) refusals.push(topic);
    }
    const heard = new Set((await hearing).map(({ topic }) => topic));
    const silent = [...topics.keys()].filter((topic) => !refusals.includes(topic) && !heard.has(topic));
    const generic = (topic: string) => topic.replace(id, "{device}");
    return [
      ...refusals.map((topic) => fault(`${generic(topic)}: the broker refuses what is published`, ACL)),
      ...silent.map((topic) =>
        fault(`${generic(topic)}: published and never delivered, as an ACL of Mosquitto refuses`, ACL),
      ),
      ...(refusals.length + silent.length === 0
        ? [ok(`${topics.size} topics can be published on, of answers, alarms and health`)]
        : []),
    ];
  } finally {
    await probe.close();
  }
}
