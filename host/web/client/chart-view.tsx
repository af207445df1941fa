import { useEffect, useRef, useState } from "preact/hooks";
import { type Chart, createChart } from "./chart.ts";
import { reading, score } from "./format.ts";
import { type ChartPlan, columnsOf } from "./plan.ts";
import { extremes } from "./track.ts";
import type { DeviceData } from "./use-device.ts";

interface ChartViewProps {
  readonly plan: ChartPlan;
  readonly data: DeviceData;
  readonly from: number;
  readonly to: number;
  readonly onRange: (from: number, to: number) => void;
}

/** A chart with what it shows in words above it. */
export function ChartView({ plan, data, from, to, onRange }: ChartViewProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | undefined>(undefined);
  const theme = useTheme();
  const latestRange = useRef(onRange);
  latestRange.current = onRange;
  useEffect(() => {
    if (host.current === null) return;
    const made = createChart(host.current, plan, (least, most) => latestRange.current(least, most));
    chart.current = made;
    const observer = new ResizeObserver(([entry]) => made.resize(entry?.contentRect.width ?? 0));
    observer.observe(host.current);
    return () => {
      observer.disconnect();
      made.close();
      chart.current = undefined;
    };
  }, [plan, theme]);
  const { device, track, event } = data;
  useEffect(() => {
    if (track === undefined || device === undefined) return;
    chart.current?.draw(columnsOf(plan, track, device.spread), from, to, device.alarms);
  }, [plan, theme, track, device, event, from, to]);
  return (
    <section class={`chart is-${plan.kind}`}>
      <h3>
        {plan.title} <Now plan={plan} data={data} />
      </h3>
      <div ref={host} class="plot" role="img" aria-label={describe(plan, data, from, to)} />
    </section>
  );
}

/** The latest value, and what was expected. */
function Now({ plan, data }: Pick<ChartViewProps, "plan" | "data">) {
  const { track, device } = data;
  const { kind, s, unit, residual } = plan;
  const value = track?.mean[s]?.at(-1) ?? null;
  if (kind === "score") return <span class={(value ?? -1) >= 0 ? "now is-over" : "now"}>{score(value)}</span>;
  const error = residual === undefined ? null : (track?.mean[residual]?.at(-1) ?? null);
  return (
    <>
      <span class="now">{reading(value, unit)}</span>
      {value !== null && error !== null && residual !== undefined && (
        <span class="expected">
          forecast {reading(value - error)} ± {reading(2 * (device?.spread[residual] ?? 0), unit)}
        </span>
      )}
    </>
  );
}

function describe(
  { title, unit, s, kind }: ChartPlan,
  { track, device }: DeviceData,
  from: number,
  to: number,
): string {
  const found = track && extremes(track, s, from, to);
  if (found === undefined) return `${title}: no values in the time shown`;
  const alarms = device?.alarms.filter((alarm) => alarm.from <= to && (alarm.to ?? to) >= from).length ?? 0;
  const between = `between ${reading(found[0], unit)} and ${reading(found[1], unit)} in the time shown`;
  const above = kind === "score" ? "; 0 and above is an alarm" : "";
  return `Chart of ${title}: ${between}${above}${alarms > 0 ? `; ${alarms} alarms` : ""}`;
}

/** Changes when the system turns dark or light: charts take their colours when they are made. */
function useTheme(): boolean {
  const [isDark, setIsDark] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setIsDark(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, []);
  return isDark;
}
