import type { AlarmSpan } from "../watched-device.ts";
import { moment, span } from "./format.ts";

interface AlarmsProps {
  readonly alarms: readonly AlarmSpan[];
  readonly now: number;
  readonly onShow: (alarm: AlarmSpan) => void;
}

/** The alarms of a device, the latest first. */
export function Alarms({ alarms, now, onShow }: AlarmsProps) {
  if (alarms.length === 0) return <p class="quiet">No alarm so far.</p>;
  return (
    <ul class="alarms">
      {alarms.toReversed().map((alarm) => (
        <li key={alarm.from} class={alarm.to === undefined ? "is-now" : ""}>
          <p class="cause">{alarm.text || "no cause is known"}</p>
          <p class="quiet">
            {moment(alarm.from, now)},{" "}
            {alarm.to === undefined ? `for ${span(now - alarm.from)} now` : `lasted ${span(alarm.to - alarm.from)}`}{" "}
            <button
              type="button"
              class="link"
              onClick={() => onShow(alarm)}
              aria-label={`Show the alarm of ${moment(alarm.from, now)} in the charts`}
            >
              Show
            </button>
          </p>
        </li>
      ))}
    </ul>
  );
}
