import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { type Bridge, type BridgeOptions, startBridge } from "../../host/mqtt/bridge.ts";
import type { Logger } from "../../host/mqtt/log.ts";
import type { StreamOptions } from "../../host/mqtt/stream.ts";
import { createMemoryStore } from "../../host/store/memory.ts";
import type { StateStore } from "../../host/store/store.ts";
import { createDecoder, type DecoderOptions } from "../../host/stream/payload.ts";
import type { Source } from "../../host/stream/source.ts";
import { parseDeviceTemplate, parseTopicTemplate } from "../../host/stream/topic.ts";
import { createFakeRuntime } from "./fake-runtime.ts";

/** A logger that keeps its lines. */
export function createTestLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const line = (level: string) => (scope: string, text: string) => {
    lines.push(`${level} ${scope}: ${text}`);
  };
  return { lines, info: line("info"), warn: line("warn"), error: line("error") };
}

/** A source of JSON objects on `plant/{device}/data`, unless told otherwise. */
export function createTestSource(
  options: Partial<DecoderOptions> & { readonly topic?: string; readonly device?: string } = {},
): Source {
  const { topic: text = "plant/{device}/data", device, modelInputs = ["speed", "pressure"], ...decoder } = options;
  const topic = parseTopicTemplate(text);
  const inputs = modelInputs.map((name) => ({ name }));
  return {
    topic,
    device: parseDeviceTemplate(device ?? topic.names.map((name) => `{${name}}`).join("/"), topic.names),
    decode: createDecoder({ payload: "json", inputs, modelInputs, maxBytes: 1000, ...decoder }),
  };
}

/** A stream with one test source, unless told otherwise. */
export function createTestStream(
  options: Partial<StreamOptions> & { readonly topic?: string; readonly decoder?: Partial<DecoderOptions> } = {},
): StreamOptions {
  const { topic, decoder, runtime = createFakeRuntime(), ...rest } = options;
  const modelInputs = runtime.model.spec.inputs.map(({ name }) => name);
  const source = createTestSource({ ...(topic === undefined ? {} : { topic }), modelInputs, ...decoder });
  return { name: "pump", runtime, sources: [source], maxDevices: 100, qos: 1, ...rest };
}

/** A store that outlives the bridge, which closes it at its end. */
export function createLastingStore(): StateStore {
  return { ...createMemoryStore(), close: async () => {} };
}

/** Starts a bridge with one stream; every option can be given. */
export function startTestBridge(url: string, options: Partial<BridgeOptions> = {}): Promise<Bridge> {
  return startBridge({
    baseTopic: "rivulet",
    streams: [createTestStream()],
    store: createLastingStore(),
    log: createTestLog(),
    now: () => 1732000000000,
    retry: { firstMs: 20, maxMs: 50, repeatMs: 60_000 },
    ...options,
    broker: { url, isClean: false, clientId: "rivulet-test", ...options.broker },
  });
}

/** A message as a subscriber sees it. */
export interface Seen {
  readonly topic: string;
  readonly text: string;
  readonly isRetained: boolean;
}

/** An ordinary subscriber that keeps what it receives. */
export interface Observer {
  readonly client: MqttClient;
  readonly seen: Seen[];
  /** Resolves when a number of messages on topics that match has arrived, with all of them. */
  waitFor(count: number, topic?: RegExp): Promise<readonly Seen[]>;
  close(): Promise<void>;
}

/** Connects a subscriber. */
export async function observe(url: string, filter: string, options: IClientOptions = {}): Promise<Observer> {
  const client = mqtt.connect(url, options);
  const seen: Seen[] = [];
  client.on("message", (topic, payload, { retain }) => {
    seen.push({ topic, text: payload.toString(), isRetained: retain });
  });
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  await client.subscribeAsync(filter, { qos: 1 });
  return {
    client,
    seen,
    async waitFor(count, topic = /./) {
      for (;;) {
        const found = seen.filter((message) => topic.test(message.topic));
        if (found.length >= count) return found;
        await new Promise<void>((resolve) => client.once("message", () => resolve()));
      }
    },
    close: () => client.endAsync(),
  };
}

/** Waits until a claim holds; the test's time limit ends it. */
export async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 5));
}
