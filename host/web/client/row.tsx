import type { Row } from "../rows.ts";
import type { Series, StreamView } from "../series.ts";
import { moment, NONE, rate, reading, score, span } from "./format.ts";
import { deviceHref } from "./route.ts";
import { Spark } from "./spark.tsx";
import { stateWords } from "./words.ts";

interface DeviceRowProps {
  /** Undefined while it is on its way. */
  readonly row: Row | undefined;
  readonly index: number;
  readonly total: number;
  readonly at: { readonly top: string; readonly height: string };
  readonly streams: readonly StreamView[];
  readonly now: number;
}

/** A device in the list. */
export function DeviceRow({ row, index, total, at, streams, now }: DeviceRowProps) {
  const place = { "aria-setsize": total, "aria-posinset": index + 1, "data-index": index, style: at };
  if (row === undefined) return <li class="device" {...place} aria-busy="true" />;
  const { stream, device, label, attention, alarm, trouble } = row;
  const series = streams.find(({ name }) => name === stream)?.series ?? [];
  const why =
    alarm === undefined ? (attention === "stuck" ? trouble?.text : undefined) : alarm.text || "no cause is known";
  return (
    <li class={`device is-${attention}`} {...place}>
      <a href={deviceHref(stream, device)}>
        <span class="device-name">
          <b>{label}</b>
          <small>{stream}</small>
        </span>
        <span class="device-state">
          <span class={`badge is-${attention}`}>{stateWords(row, now)}</span>
          {alarm === undefined ? (
            <small>{rate(row.every)}</small>
          ) : (
            <small title={`since ${moment(alarm.from, now)}`}>for {span(now - alarm.from)}</small>
          )}
        </span>
        <span class="device-values">
          {why === undefined ? <Values row={row} series={series} /> : <span class="cause">{why}</span>}
        </span>
        <Spark points={row.spark} isScore={series.some(({ kind }) => kind === "score")} isAlarm={alarm !== undefined} />
        <span class="device-score">
          <Score value={row.score} hasDetector={series.some(({ kind }) => kind === "score")} />
        </span>
      </a>
    </li>
  );
}

function Values({ row, series }: { readonly row: Row; readonly series: readonly Series[] }) {
  const inputs = series.filter(({ kind }) => kind === "input");
  return (
    <>
      {row.values.map((value, k) => (
        <span key={inputs[k]?.name ?? k} class="value" title={inputs[k]?.name}>
          <small>{inputs[k]?.name}</small> {reading(value, inputs[k]?.unit)}
        </span>
      ))}
    </>
  );
}

function Score({ value, hasDetector }: { readonly value: number | null; readonly hasDetector: boolean }) {
  if (!hasDetector) return null;
  if (value === null) return <span class="quiet">{NONE}</span>;
  return (
    <span
      class={value >= 0 ? "score is-over" : "score"}
      title="distance to the threshold, in powers of 2; 0 and above is an alarm"
    >
      <span class="unseen">score </span>
      {score(value)}
    </span>
  );
}
