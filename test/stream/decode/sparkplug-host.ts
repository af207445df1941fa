import { createSparkplugDecoder } from "../../../host/stream/decode/sparkplug/index.ts";
import { PayloadError } from "../../../host/stream/payload.ts";
import { readSparkplug, sparkplugPayload, type TestMetric } from "../../support/sparkplug.ts";

export const NOW = 1_772_355_600_000;

export const FLOAT = 9;

/** A host that reads the messages of edge nodes, and what it asks them. */
export function createHost() {
  const asked: string[] = [];
  const commands: unknown[] = [];
  let time = NOW;
  const decode = createSparkplugDecoder();
  const around = (topic: string) => ({
    topic,
    captures: new Map(),
    now: () => time,
    ask: (to: string, payload: Uint8Array) => {
      asked.push(to);
      commands.push(readSparkplug(payload));
    },
  });
  const take = (topic: string, payload: Uint8Array): unknown => {
    try {
      const readings = decode(payload, around(`spBv1.0/${topic}`)) as Record<string, unknown>[];
      return readings.map(({ $group, $node, $device, ...rest }) => ({ ...rest }));
    } catch (error) {
      if (error instanceof PayloadError) return error.reason;
      throw error;
    }
  };
  return {
    asked,
    commands,
    pass: (ms: number) => {
      time += ms;
    },
    take,
    send: (topic: string, metrics: readonly TestMetric[], seq?: number, timestamp = NOW) =>
      take(topic, sparkplugPayload(metrics, { timestamp, ...(seq === undefined ? {} : { seq }) })),
  };
}

export const live = (values: object, time = NOW) => ({ $time: time, $birth: false, $historical: false, ...values });

export const TEMPERATURE = { name: "temperature", alias: 7, datatype: FLOAT, floatValue: 20 };

export const PRESSURE = { name: "Inputs/Pressure", alias: 8, datatype: 10, doubleValue: 3.25 };

/** A host that knows an edge node and a device of it, up to number 1. */
export function createBorn() {
  const host = createHost();
  host.send("g/NBIRTH/n", [{ name: "bdSeq", datatype: 8, longValue: 4 }], 0);
  host.send("g/DBIRTH/n/d", [TEMPERATURE, PRESSURE], 1);
  return host;
}
