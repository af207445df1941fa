import { randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { type BrokerOptions, type Connection, openConnection } from "../../host/mqtt/connection.ts";
import { CliError } from "../errors.ts";

/** Most messages that the broker has not acknowledged yet. */
export const MAX_IN_FLIGHT = 200;

/** Longest packet that is taken in, bytes: nothing is subscribed, so a broker has little to say. */
const MAX_PACKET_BYTES = 65_536;

/** Publishes in order, with a bounded number of messages on their way. */
export interface Publisher {
  /** Resolves when there is room for the next message. */
  publish(topic: string, payload: string | Uint8Array): Promise<void>;
  /** Waits until the broker has all messages, and disconnects. */
  close(): Promise<void>;
}

/**
 * Connects to a broker, once.
 *
 * @param connect  opens the connection; tests pass one without a broker
 * @throws {CliError} when that fails; `publish` and `close` also, when the connection is lost
 */
export async function openPublisher(
  broker: Omit<BrokerOptions, "clientId" | "isClean"> & { readonly clientId?: string },
  qos: 0 | 1,
  connect: typeof openConnection = openConnection,
): Promise<Publisher> {
  const events = new EventEmitter();
  let failure: CliError | undefined;
  let isOpen = false;
  let inFlight = 0;
  const connection: Connection = connect(
    {
      clientId: `rivulet-replay-${randomBytes(6).toString("hex")}`,
      ...broker,
      maxPacketBytes: MAX_PACKET_BYTES,
      isClean: true,
    },
    {
      onOpen: () => {
        isOpen = true;
        events.emit("change");
      },
      onMessage: (_connection, _message, next) => next(),
      onDrain: () => events.emit("change"),
      onClose: (_, reason = "the connection was closed") => {
        const what = isOpen ? "Lost the connection to" : "Cannot connect to";
        failure = new CliError(`${what} ${broker.url}: ${reason}`);
        events.emit("change");
      },
    },
  );
  const waitWhile = async (isWaiting: () => boolean) => {
    while (failure === undefined && isWaiting()) await once(events, "change");
    if (failure !== undefined) throw failure;
  };
  const settle = () => {
    inFlight--;
    events.emit("change");
  };
  await waitWhile(() => !isOpen);
  return {
    async publish(topic, payload) {
      await waitWhile(() => inFlight >= MAX_IN_FLIGHT || connection.isBusy);
      if (qos === 0) {
        connection.send(topic, payload);
        return;
      }
      inFlight++;
      connection.publish(topic, payload, { retain: false }).then(settle, (error: Error) => {
        failure ??= new CliError(`The broker did not take a message on ${topic}: ${error.message}`);
        settle();
      });
    },
    async close() {
      try {
        await waitWhile(() => inFlight > 0 || connection.isBusy);
      } finally {
        await connection.close(5000);
      }
    },
  };
}
