import { useEffect, useMemo, useState } from "preact/hooks";
import type { StreamView } from "../series.ts";
import type { AlarmSpan } from "../watched-device.ts";
import { Alarms } from "./alarms.tsx";
import { ChartView } from "./chart-view.tsx";
import { Commands } from "./commands.tsx";
import type { HostStatus } from "./data.ts";
import { DeviceFacts } from "./facts.tsx";
import { moment, span } from "./format.ts";
import type { LiveState } from "./live.ts";
import { planCharts } from "./plan.ts";
import { TimeBar, viewOfKey } from "./time-bar.tsx";
import { type DeviceData, useDevice } from "./use-device.ts";
import { boundsOf, FIRST_VIEW, show, type TimeView } from "./view.ts";
import { stateWords } from "./words.ts";

interface DevicePageProps {
  readonly stream: string;
  readonly device: string;
  readonly streams: readonly StreamView[];
  readonly onStatus: (state: LiveState, host: HostStatus | undefined) => void;
}

/** A device: what it does, what is wrong, and what it can be told. */
export function DevicePage({ stream, device: name, streams, onStatus }: DevicePageProps) {
  const [view, setView] = useState<TimeView>(FIRST_VIEW);
  const data = useDevice(stream, name, view);
  const { state, event, device } = data;
  const known = streams.find((one) => one.name === stream);
  useEffect(() => onStatus(state, event?.host), [state, event]);
  useEffect(() => {
    document.title = `${device?.attention === "alarm" ? "(!) " : ""}${device?.label ?? name} – Rivulet`;
  }, [device?.attention, device?.label, name]);
  if (event === undefined) return <main class="page" aria-busy="true" />;
  if (device === undefined || known === undefined) {
    return (
      <main class="page">
        <h1>No such device</h1>
        <p>It has sent no reading since the host knows of it, or its stream is not in the configuration any more.</p>
        <p>
          <a href="#/">All devices</a>
        </p>
      </main>
    );
  }
  const { now } = event;
  const alarm = device.alarm;
  return (
    <main class="page">
      <p class="crumbs">
        <a href="#/">Devices</a> / {stream}
      </p>
      <div class="device-head">
        <h1>{device.label}</h1>
        <span class={`badge is-${device.attention}`}>{stateWords(device, now)}</span>
        <Commands device={device} stream={known} />
      </div>
      {alarm !== undefined && (
        <p class="alarm-now" role="alert">
          <b>{alarm.text || "No cause is known"}</b> since {moment(alarm.from, now)}, for {span(now - alarm.from)}
        </p>
      )}
      {device.trouble !== undefined && (
        <p class="alarm-now is-past">
          <b>{device.trouble.text}</b>, since {moment(device.trouble.since, now)}
        </p>
      )}
      {device.attention === "recent" && <Past alarm={device.alarms.at(-1)} now={now} />}
      <Charts stream={known} data={data} view={view} onView={setView} />
      <div class="columns">
        <section>
          <h2>Alarms</h2>
          <Alarms
            alarms={device.alarms}
            now={now}
            onShow={({ from, to = now }) =>
              setView(show(from - (to - from) - 30_000, to + (to - from) / 2 + 15_000, data.latest))
            }
          />
        </section>
        <section>
          <h2>This device</h2>
          <DeviceFacts device={device} stream={known} now={now} />
        </section>
      </div>
    </main>
  );
}

function Past({ alarm, now }: { readonly alarm: AlarmSpan | undefined; readonly now: number }) {
  if (alarm?.to === undefined) return null;
  return (
    <p class="alarm-now is-past">
      <b>{alarm.text || "No cause is known"}</b> at {moment(alarm.from, now)}; it ended {span(now - alarm.to)} ago
    </p>
  );
}

interface ChartsProps {
  readonly stream: StreamView;
  readonly data: DeviceData;
  readonly view: TimeView;
  readonly onView: (view: TimeView) => void;
}

function Charts({ stream, data, view, onView }: ChartsProps) {
  const layout = JSON.stringify(stream.series);
  const plans = useMemo(() => planCharts(stream.series), [layout]);
  const { latest, oldest } = data;
  const [from, to] = boundsOf(view, latest, oldest);
  const kept = Math.max(60_000, latest - (oldest ?? latest));
  const onKey = (event: KeyboardEvent) => {
    const next = event.ctrlKey || event.metaKey || event.altKey ? undefined : viewOfKey(event.key, view, latest, kept);
    if (next === undefined) return;
    event.preventDefault();
    onView(next);
  };
  return (
    <section class="charts">
      <h2 class="unseen">Charts</h2>
      <TimeBar view={view} from={from} to={to} latest={latest} kept={kept} onView={onView} />
      <fieldset
        class="plots"
        aria-label="Charts; arrow keys go back and forth, plus and minus zoom, End goes on live"
        tabIndex={0}
        onKeyDown={onKey}
      >
        {plans.map((plan) => (
          <ChartView
            key={`${plan.kind} ${plan.s}`}
            plan={plan}
            data={data}
            from={from}
            to={to}
            onRange={(least, most) => onView(show(least, most, latest))}
          />
        ))}
      </fieldset>
      <p class="quiet hint">
        Drag across a chart to zoom in. Lines are means, shades the least and greatest values; the dashed line is the
        forecast, with twice its usual error around it.
      </p>
    </section>
  );
}
