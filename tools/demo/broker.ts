import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { Aedes } from "aedes";

/** An MQTT broker inside this process, on a free port of the loopback interface. */
export interface Broker {
  readonly url: string;
  /** Closes every connection and the port. */
  stop(): Promise<void>;
}

/** Starts a broker that keeps everything in memory and lets anyone on this machine in: for the demo, not for a plant. */
export async function startBroker(): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    // Without it the kernel holds small packets back for up to 40 ms.
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    aedes.handle(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The broker has no port");
  return {
    url: `mqtt://127.0.0.1:${address.port}`,
    async stop() {
      await new Promise<void>((resolve) => aedes.close(resolve));
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
