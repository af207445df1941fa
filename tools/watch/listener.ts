import { randomBytes } from "node:crypto";
import mqtt from "mqtt";
import { type BrokerOptions, clientOptions } from "../../host/mqtt/connection.ts";
import { describeConnectionError } from "../../host/mqtt/failures.ts";
import { CliError } from "../errors.ts";

/** A subscriber that comes back when its connection is lost. */
export interface Listener {
  readonly isConnected: boolean;
  close(): Promise<void>;
}

const RETRY_MS = 1000;
/** Longest message that is looked at. */
const MAX_PACKET_BYTES = 1024 * 1024;

/**
 * Subscribes filters at QoS 0, under an id of its own.
 *
 * @throws {CliError} when the first connection, or a subscription, does not come about
 */
export async function listen(
  broker: Omit<BrokerOptions, "clientId" | "isClean">,
  filters: readonly string[],
  onMessage: (topic: string, payload: Uint8Array, isRetained: boolean) => void,
): Promise<Listener> {
  const clientId = `rivulet-watch-${randomBytes(6).toString("hex")}`;
  const options = clientOptions({ ...broker, clientId, isClean: true, maxPacketBytes: MAX_PACKET_BYTES });
  const client = mqtt.connect({ ...options, reconnectPeriod: RETRY_MS, resubscribe: true });
  client.on("message", (topic, payload, { retain }) => onMessage(topic, payload, retain));
  const fail = (reason: string) => new CliError(`Cannot connect to ${broker.url}: ${reason}`);
  try {
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.once("error", (error) => reject(fail(describeConnectionError(error))));
      client.once("close", () => reject(fail("the connection was closed")));
      client.connect();
    });
    // What fails later is tried again, and seen in the table.
    client.on("error", () => {});
    const grants = await client.subscribeAsync([...filters], { qos: 0 }).catch((error: Error) => {
      throw new CliError(`${broker.url} refuses a subscription: ${describeConnectionError(error)}`);
    });
    const refused = grants.find(({ qos }) => qos >= 0x80);
    if (refused !== undefined) throw new CliError(`${broker.url} refuses the subscription of ${refused.topic}`);
  } catch (error) {
    client.on("error", () => {});
    await client.endAsync(true);
    throw error;
  }
  return {
    get isConnected() {
      return client.connected;
    },
    close: () => client.endAsync(true),
  };
}
