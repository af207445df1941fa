import type { ComponentChildren } from "preact";
import type { Details } from "../rows.ts";
import type { StreamView } from "../series.ts";
import { bytes, count, moment, NONE, rate, span } from "./format.ts";

/** Names and values, one pair a line. */
export function Facts({ of }: { readonly of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

interface DeviceFactsProps {
  readonly device: Details;
  readonly stream: StreamView;
  readonly now: number;
}

/** How a device is, in numbers. */
export function DeviceFacts({ device, stream, now }: DeviceFactsProps) {
  const { every, seen, n, rejected, model, detector, warmup, reason } = device;
  return (
    <Facts
      of={[
        ["Last message", `${moment(seen, now)}, ${span(now - seen)} ago`],
        ["Samples come", rate(every)],
        ["Samples so far", count(n)],
        ["Not used", rejected === 0 ? "none since the start" : `${count(rejected)} since the start`],
        ["Model", model ?? NONE],
        ["Detector", detector ?? (reason === undefined ? NONE : `none yet: ${reason}`)],
        ["State in memory", bytes(stream.stateBytes)],
        ...(warmup > 0 ? [["Warm-up", `${count(warmup)} more samples`] as const] : []),
      ]}
    />
  );
}
