import mqtt, { type IConnackPacket, type IPublishPacket, type MqttClient } from "mqtt";
import type { Login } from "../../host/config/login.ts";
import { clientOptions } from "../../host/mqtt/connection.ts";
import { describeConnectionError, refusalOf } from "../../host/mqtt/failures.ts";
import { settledWithin } from "../../host/mqtt/timeout.ts";

/** A message that came back. */
export interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
}

export interface ProbeOptions {
  readonly login: Login;
  readonly protocol: 4 | 5;
  readonly clientId: string;
  /** Default true: the broker forgets the session with the connection. */
  readonly isClean?: boolean;
}

/** A connection with an id of its own, to try what the broker does. */
export interface Probe {
  readonly connack: IConnackPacket;
  /** Called for every message. */
  onHeard: (heard: Heard) => void;
  /** Answers the granted quality of service, 0x80 and more where the broker refuses. */
  subscribe(filters: readonly string[], qos?: 0 | 1): Promise<readonly number[]>;
  /** Answers why the broker did not take a message, which MQTT 5 alone tells. */
  publish(topic: string, payload: string, options?: PublishOptions): Promise<string | undefined>;
  close(): Promise<void>;
}

interface PublishOptions {
  readonly qos?: 0 | 1;
  readonly isRetained?: boolean;
}

const CONNECT_MS = 4000;
const CLOSE_MS = 2000;

/** A broker that could not be connected to. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
}

/** Connects, once. @throws {ProbeError} when that fails */
export async function openProbe({ login, protocol, clientId, isClean = true }: ProbeOptions): Promise<Probe> {
  const client = mqtt.connect({
    ...clientOptions({ ...login, protocol, clientId, isClean }),
    connectTimeout: CONNECT_MS,
  });
  // A session that is resumed brings messages before anybody can ask for them.
  let early: Heard[] | undefined = [];
  let onHeard: Probe["onHeard"] = (heard) => early?.push(heard);
  client.on("message", (topic, payload, packet: IPublishPacket) => {
    onHeard({ topic, payload: payload.toString(), isRetained: packet.retain });
  });
  // As the host does: small packets must not wait.
  client.on("connect", () => (client.stream as { setNoDelay?: (isOn: boolean) => void }).setNoDelay?.(true));
  const connack = await connect(client);
  return {
    connack,
    get onHeard() {
      return onHeard;
    },
    set onHeard(listener) {
      onHeard = listener;
      for (const heard of early ?? []) listener(heard);
      early = undefined;
    },
    async subscribe(filters, qos = 1) {
      const topics = Object.fromEntries(filters.map((filter) => [filter, { qos }]));
      return new Promise((resolve, reject) => {
        client.subscribe(topics, (error, grants = [], packet) => {
          const codes = (packet as { granted?: readonly number[] } | undefined)?.granted;
          if (codes !== undefined) resolve(codes);
          else if (error) reject(new ProbeError(describeConnectionError(error)));
          else resolve(grants.map(({ qos: granted }) => granted));
        });
      });
    },
    async publish(topic, payload, { qos = 1, isRetained = false } = {}) {
      try {
        await client.publishAsync(topic, payload, { qos, retain: isRetained });
        return undefined;
      } catch (error) {
        const refusal = refusalOf(topic, error);
        if (refusal !== undefined) return refusal.message;
        throw new ProbeError(describeConnectionError(error as Error));
      }
    },
    close: async () => {
      await settledWithin(client.endAsync(), CLOSE_MS);
    },
  };
}

async function connect(client: MqttClient): Promise<IConnackPacket> {
  const failed = new Promise<never>((_, reject) => {
    const fail = (error?: Error) =>
      reject(new ProbeError(describeConnectionError(error ?? new Error("connack timeout"))));
    client.on("error", fail);
    client.on("close", () => fail(new Error("the connection was closed")));
  });
  failed.catch(() => {}); // after the connection came about
  try {
    const opened = new Promise<IConnackPacket>((resolve) => client.once("connect", resolve));
    client.connect();
    return await Promise.race([opened, failed]);
  } catch (error) {
    await settledWithin(client.endAsync(true), CLOSE_MS);
    throw error;
  }
}

/** Collects what a probe hears, until there is as much as is waited for, or nothing came for `quietMs`. */
export async function hear(probe: Probe, count: number, quietMs: number): Promise<readonly Heard[]> {
  const heard: Heard[] = [];
  await new Promise<void>((resolve) => {
    let timer: NodeJS.Timeout | undefined = setTimeout(resolve, quietMs);
    probe.onHeard = (message) => {
      heard.push(message);
      clearTimeout(timer);
      if (heard.length >= count) resolve();
      else timer = setTimeout(resolve, quietMs);
    };
  });
  probe.onHeard = () => {};
  return heard;
}
