import { useEffect, useState } from "preact/hooks";
import type { HostDescription, Latency, Quantiles } from "../host-api.ts";
import type { LogLine } from "../log-lines.ts";
import type { Rejection } from "../rejections.ts";
import type { HostStatus } from "./data.ts";
import { Facts } from "./facts.tsx";
import { bytes, count, moment, NONE, reading, span } from "./format.ts";
import { type LiveState, useLive } from "./live.ts";

/** What the host tells of itself. */
interface HostEvent extends HostDescription {
  readonly rejections: readonly Rejection[];
  readonly log: readonly LogLine[];
  readonly history: { readonly written: number };
  readonly latency?: Latency;
}

interface HostPageProps {
  readonly onStatus: (state: LiveState, host: HostStatus | undefined) => void;
}

/** The host: its broker, what it counted, what it did not use and why, its log. */
export function HostPage({ onStatus }: HostPageProps) {
  const [event, setEvent] = useState<HostEvent>();
  const state = useLive<HostEvent>("api/events/host", "host", setEvent);
  useEffect(() => onStatus(state, event), [state, event]);
  useEffect(() => {
    document.title = "Host – Rivulet";
  }, []);
  if (event === undefined) return <main class="page" aria-busy="true" />;
  return (
    <main class="page">
      <h1>Host</h1>
      <div class="columns">
        <section>
          <h2>Broker</h2>
          <BrokerFacts event={event} />
        </section>
        <section>
          <h2>Process</h2>
          <ProcessFacts event={event} />
        </section>
      </div>
      <Streams event={event} />
      <Rejections list={event.rejections} now={event.now} />
      <Log lines={event.log} now={event.now} />
    </main>
  );
}

function BrokerFacts({ event: { broker, isConnected, pending, counters } }: { readonly event: HostEvent }) {
  return (
    <Facts
      of={[
        ["Address", broker],
        ["Connection", isConnected ? "connected and subscribed" : "not connected; trying again"],
        ["Not acknowledged yet", count(pending)],
        ["Connections so far", count(counters?.connections ?? 0)],
        ["Sessions lost", count(counters?.sessions_lost ?? 0)],
        ["Published", count(counters?.published ?? 0)],
        ["Not taken by the broker", count((counters?.dropped ?? 0) + (counters?.refused ?? 0))],
      ]}
    />
  );
}

function ProcessFacts({
  event: { uptime, memory, counters, viewers, history, latency },
}: {
  readonly event: HostEvent;
}) {
  return (
    <Facts
      of={[
        ["Runs for", span(1000 * uptime)],
        ["Memory", `${bytes(memory.rss)}, of which ${bytes(memory.heapUsed)} in the heap`],
        ["Commits", count(counters?.commits ?? 0)],
        ...(latency === undefined
          ? []
          : [
              ["Message to acknowledgement", quantiles(latency.messages)] as const,
              ["A commit takes", quantiles(latency.commits)] as const,
            ]),
        ["Commits that failed", count(counters?.failed_commits ?? 0)],
        ["Written to the history", bytes(history.written)],
        ["Viewers of this page", count(viewers)],
      ]}
    />
  );
}

const quantiles = ({ p50, p95 }: Quantiles): string =>
  p50 === null ? NONE : `${reading(p50, "ms")}, 95 of 100 within ${reading(p95, "ms")}`;

function Streams({ event: { counters } }: { readonly event: HostEvent }) {
  const streams = Object.entries(counters?.streams ?? {});
  return (
    <section class="card">
      <h2>Streams since the start</h2>
      <section class="table" tabIndex={0} aria-label="Counters of the streams">
        <table>
          <thead>
            <tr>
              {["Stream", "Received", "Steps", "Held", "Duplicate", "Late", "Rejected", "Alarms", "Devices"].map(
                (head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ),
              )}
            </tr>
          </thead>
          <tbody>
            {streams.map(([name, { received, steps, held, duplicate, late, rejected, alarms, devices }]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {[received, steps, held, duplicate, late, sum(rejected), alarms, devices].map((value, k) => (
                  <td key={k}>{count(value)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

const sum = (of: Readonly<Record<string, number>>): number => Object.values(of).reduce((all, each) => all + each, 0);

function Rejections({ list, now }: { readonly list: readonly Rejection[]; readonly now: number }) {
  return (
    <section class="card">
      <h2>Messages that were not used</h2>
      {list.length === 0 && <p class="quiet">None since the page runs.</p>}
      <ul class="reasons">
        {list.map(({ stream, reason, count: times, last, text }) => (
          <li key={`${stream} ${reason}`}>
            <p>
              <b>{reason}</b> in {stream}: {count(times)}, the last at {moment(last, now)}
            </p>
            <p class="quiet">{text}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Log({ lines, now }: { readonly lines: readonly LogLine[]; readonly now: number }) {
  return (
    <section class="card">
      <h2>Log</h2>
      <ol class="log" tabIndex={0} aria-label="Latest lines of the log, the newest first">
        {lines.toReversed().map(({ time, level, scope, text }, k) => (
          <li key={k} class={`is-${level}`}>
            <time dateTime={new Date(time).toISOString()}>{moment(time, now)}</time> <b>{level}</b> {scope}: {text}
          </li>
        ))}
      </ol>
    </section>
  );
}
