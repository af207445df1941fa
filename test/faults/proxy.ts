import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy before a broker, whose connections can be damaged. */
export interface DamagingProxy {
  readonly port: number;
  /** Ends all connections, at once and without a goodbye. */
  cut(): void;
  /** Passes nothing on, in either direction, for a time. */
  stall(ms: number): Promise<void>;
  /** Passes single bytes on, for a time. */
  split(ms: number): Promise<void>;
  /** Passes on as many bytes to the client, and cuts within what comes next. */
  cutAfter(bytes: number): void;
  close(): Promise<void>;
}

/** Starts a proxy on 127.0.0.1. */
export async function startProxy(brokerPort: number): Promise<DamagingProxy> {
  const sockets = new Set<Socket>();
  let isSplitting = false;
  let bytesLeft = Number.POSITIVE_INFINITY;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  const pass = (from: Socket, to: Socket, isToClient: boolean) => {
    from.on("data", (data: Buffer) => {
      if (isToClient && data.length > bytesLeft) {
        to.write(data.subarray(0, bytesLeft), cut);
        bytesLeft = Number.POSITIVE_INFINITY;
        return;
      }
      if (isToClient) bytesLeft -= data.length;
      if (!isSplitting) {
        if (!to.write(data)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
        return;
      }
      for (const byte of data) to.write(Uint8Array.of(byte));
    });
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
    from.on("error", () => {});
  };
  const server = createServer((client) => {
    const broker = connect(brokerPort, "127.0.0.1");
    for (const socket of [client, broker]) {
      socket.setNoDelay(true);
      sockets.add(socket);
    }
    pass(client, broker, false);
    pass(broker, client, true);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no port");
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    port: address.port,
    cut,
    async stall(ms) {
      const stalled = [...sockets];
      for (const socket of stalled) socket.pause();
      await wait(ms);
      for (const socket of stalled) socket.resume();
    },
    async split(ms) {
      isSplitting = true;
      await wait(ms);
      isSplitting = false;
    },
    cutAfter(bytes) {
      bytesLeft = bytes;
    },
    async close() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
