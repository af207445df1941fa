import { readFileSync } from "node:fs";
import type { CheckedStream } from "../../host/config/check.ts";
import { createRehearsal, type Rehearsal } from "../../host/mqtt/rehearsal.ts";
import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import { createSource } from "../../host/stream/plan.ts";
import { createFakeRuntime } from "./fake-runtime.ts";

/** A message as `test/vectors/devices/*.ndjson` holds it. */
export interface DeviceMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isRetained: boolean;
}

/** The messages of a real system, by the name of its file. */
export function deviceMessages(name: string): DeviceMessage[] {
  const lines = readFileSync(`test/vectors/devices/${name}.ndjson`, "utf8").trim().split("\n");
  return lines.map((line) => {
    const { topic, retain, payload, hex } = JSON.parse(line);
    return { topic, isRetained: retain, payload: hex === undefined ? Buffer.from(payload) : Buffer.from(hex, "hex") };
  });
}

/** Streams of a configuration with a fake model each, whose inputs are those that the configuration names. */
function toStreams(checked: readonly CheckedStream[]): StreamOptions[] {
  return checked.map(({ name, inputs = [], sources, sampling }) => {
    const modelInputs = inputs.map((input) => input.name);
    const runtime = createFakeRuntime({ inputs: modelInputs });
    return {
      name,
      runtime,
      sources: sources.map((plan) => createSource(plan, modelInputs)),
      sampling,
      maxDevices: 100,
      qos: 1,
    };
  });
}

/** The time at which the test's messages arrive: 1 March 2026, 08:30 UTC. */
const ARRIVAL = Date.UTC(2026, 2, 1, 8, 30);

/**
 * What becomes of messages, a second apart, a line for each outcome: `th1: 21.5,40 at 10:00:00`, `th1 held`, `th1: missing_field`.
 * Times are those of the day in UTC; `now` is the time of arrival.
 */
export async function wayOf(checked: readonly CheckedStream[], messages: readonly DeviceMessage[]): Promise<string[]> {
  const rehearsal = createRehearsal(toStreams(checked), createMemoryStore());
  try {
    return await linesOf(rehearsal, messages);
  } finally {
    rehearsal.close();
  }
}

async function linesOf(rehearsal: Rehearsal, messages: readonly DeviceMessage[]): Promise<string[]> {
  const lines: string[] = [];
  for (const [index, message] of messages.entries()) {
    const time = ARRIVAL + 1000 * index;
    for (const step of await rehearsal.take({ ...message, time })) {
      if (step.kind !== "outcome") continue;
      const { outcome } = step;
      const { device = "?" } = outcome;
      if (outcome.kind === "reject") lines.push(`${device}: ${outcome.reason}`);
      else if (outcome.kind === "hold") lines.push(`${device} held`);
      else if (outcome.kind === "step") {
        const at = outcome.time === time ? "now" : new Date(outcome.time).toISOString().slice(11, 19);
        lines.push(`${device}: ${Array.from(outcome.sample, (value) => Number(value.toPrecision(7)))} at ${at}`);
      }
    }
  }
  return lines;
}
