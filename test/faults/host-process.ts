// A host in a process of its own, to be killed: `node host-process.mjs CONFIG VARIANT`.

import { type Connection, type Message, openConnection } from "../../host/mqtt/connection.ts";
import { createLogger } from "../../host/mqtt/log.ts";
import { startRun } from "../../host/run.ts";

type Connect = typeof openConnection;
type Deliver = (connection: Connection, message: Message, next: () => void) => void;

/** Puts something between the broker's deliveries and the host. */
const between =
  (
    make: (deliver: Deliver) => Deliver,
    acknowledge: (connection: Connection) => Connection = (same) => same,
  ): Connect =>
  (options, handlers) => {
    const wrapped = new Map<Connection, Connection>();
    const wrap = (connection: Connection) => {
      const known = wrapped.get(connection) ?? acknowledge(connection);
      wrapped.set(connection, known);
      return known;
    };
    const deliver = make((connection, message, next) => handlers.onMessage(wrap(connection), message, next));
    return wrap(
      openConnection(options, {
        onOpen: (connection, hasSession) => handlers.onOpen(wrap(connection), hasSession),
        onMessage: deliver,
        onDrain: (connection) => handlers.onDrain(wrap(connection)),
        onClose: (connection, reason) => handlers.onClose(wrap(connection), reason),
      }),
    );
  };

/** The hosts that must fail: the checker is worth something only if it notices them. */
const VARIANTS: Readonly<Record<string, Connect | undefined>> = {
  rivulet: undefined,
  /** Tells the broker at once, as mqtt.js does by itself. */
  "acknowledges on receipt": between((deliver) => (connection, message, next) => {
    if (message.id !== 0) connection.acknowledge(message.id);
    deliver(connection, { ...message, id: 0 }, next);
  }),
  /** Recognizes nothing: packet ids are others on every connection. */
  "recognizes nothing": (() => {
    let salt = 0;
    return between(
      (deliver) => (connection, message, next) => {
        deliver(connection, message.id === 0 ? message : { ...message, id: message.id ^ salt }, next);
      },
      (connection) => {
        salt = 1 + Math.floor(65_535 * Math.random());
        const own = salt;
        return new Proxy(connection, {
          get(target, name) {
            if (name === "acknowledge") return (id: number) => target.acknowledge(id ^ own);
            const value = Reflect.get(target, name, target) as unknown;
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      },
    );
  })(),
};

const [file = "", variant = "rivulet"] = process.argv.slice(2);
const connect = VARIANTS[variant];
const host = await startRun({
  file,
  env: process.env,
  log: createLogger(process.stderr),
  ...(connect === undefined ? {} : { connect }),
});
process.on("SIGTERM", () => void host.stop().then(() => process.exit(0)));
