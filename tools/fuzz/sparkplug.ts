import { PayloadError } from "../../host/stream/payload.ts";
import { createSource } from "../../host/stream/plan.ts";
import type { Source } from "../../host/stream/source.ts";
import { parseDeviceTemplate, parseTopicTemplate } from "../../host/stream/topic.ts";
import { checkEntry } from "./documents.ts";
import { filesOf, type Target } from "./target.ts";

const KINDS = ["NBIRTH/n", "DBIRTH/n/d", "NDATA/n", "DDATA/n/d", "DDEATH/n/d", "NDEATH/n"];
const NOW = 1_772_355_600_000;

/** Payloads of Sparkplug B, each as a message of every kind to a host that knows nothing, and to one that has seen all before. */
export function sparkplug(): Target {
  const old = createSparkplugSource();
  let count = 0;
  const read = (bytes: Uint8Array) => {
    const young = createSparkplugSource();
    for (const kind of KINDS) tell(young, `spBv1.0/g/${kind}`, bytes);
    for (const kind of KINDS) tell(old, `spBv1.0/g/${kind}${count}`, bytes);
    count++;
  };
  const seeds = filesOf("devices", "sparkplug-births.ndjson", "sparkplug-b.ndjson").flatMap((file) =>
    new TextDecoder()
      .decode(file)
      .trim()
      .split("\n")
      .map((line) => Buffer.from(JSON.parse(line).hex, "hex")),
  );
  const tokens = [
    "\x12\xff\xff\xff\xff\x07",
    "\x92\x01",
    "\x0a\x00",
    "\x10\x01",
    "\x1b",
    "\x28\x01",
    "$time",
    "__proto__",
  ];
  return { seeds, tokens, read, refusals: [] };
}

function createSparkplugSource(): Source {
  const topic = parseTopicTemplate("spBv1.0/{group}/{kind}/{device+}");
  const plan = {
    topic,
    device: parseDeviceTemplate("{group}/{device}", topic.names),
    format: "sparkplug" as const,
    inputs: [
      { name: "temperature", maxAge: 60 },
      { name: "Inputs/Pressure", maxAge: 60 },
    ],
    isPartial: true,
    time: { field: "$time", format: "unix_ms" as const, maxFuture: 60 },
    maxBytes: 1 << 17,
  };
  return createSource(plan, ["temperature", "Inputs/Pressure"]);
}

function tell({ decode }: Source, topic: string, bytes: Uint8Array): void {
  const around = { topic, captures: new Map<string, string>(), now: () => NOW, ask() {} };
  try {
    for (const entry of [decode(bytes, around)].flat()) checkEntry(entry);
  } catch (error) {
    if (!(error instanceof PayloadError)) throw error;
  }
}
