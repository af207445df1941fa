import { createServer, type Socket } from "node:net";
import mqttPacket, { type IConnectPacket, type Packet } from "mqtt-packet";

/** A broker whose every packet the test sees and may answer itself. */
export interface PacketBroker {
  readonly url: string;
  readonly port: number;
  /** Packets that clients sent, in order. */
  readonly received: Packet[];
  /** Sockets of the clients that connected, in order. */
  readonly sockets: Socket[];
  /** Sends a packet to the client that connected last. */
  send(packet: Packet): void;
  /** Packets of a kind. */
  of<C extends Packet["cmd"]>(cmd: C): Extract<Packet, { cmd: C }>[];
  close(): Promise<void>;
}

/**
 * Answers a packet itself; true when the broker must not answer it as usual.
 *
 * @param client  that sent it
 */
export type Answer = (packet: Packet, broker: PacketBroker, client: PacketClient) => boolean;

/** A client that is connected. */
export interface PacketClient {
  /** Sends it a packet, in its version of MQTT. */
  send(packet: Packet): void;
  /** Closes its connection. */
  end(): void;
}

/** Starts a broker on 127.0.0.1, or `host`, that accepts everything and delivers nothing. */
export async function startPacketBroker(answer: Answer = () => false, host = "127.0.0.1"): Promise<PacketBroker> {
  const received: Packet[] = [];
  const sockets: Socket[] = [];
  let options: { protocolVersion?: number } = {};
  // A client that says goodbye has to close by itself: the broker keeps its half open.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => {}); // the client may be gone first
    let own: { protocolVersion?: number } = {};
    const client: PacketClient = {
      send: (packet) => void socket.write(mqttPacket.generate(packet, own)),
      end: () => void socket.end(),
    };
    const parser = mqttPacket.parser();
    parser.on("packet", (packet: Packet) => {
      received.push(packet);
      if (packet.cmd === "connect") {
        own = { protocolVersion: (packet as IConnectPacket).protocolVersion ?? 4 };
        options = own;
      }
      if (!answer(packet, broker, client)) answerAsUsual(packet, client);
    });
    socket.on("data", (data) => parser.parse(data as Buffer));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no port");
  const broker: PacketBroker = {
    url: `mqtt://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    received,
    sockets,
    send: (packet) => {
      sockets.at(-1)?.write(mqttPacket.generate(packet, options));
    },
    of: (cmd) => received.filter((packet) => packet.cmd === cmd) as never,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return broker;
}

function answerAsUsual(packet: Packet, client: PacketClient): void {
  const { messageId = 0 } = packet;
  if (packet.cmd === "connect") client.send({ cmd: "connack", returnCode: 0, reasonCode: 0, sessionPresent: false });
  if (packet.cmd === "subscribe") {
    client.send({ cmd: "suback", messageId, granted: packet.subscriptions.map(({ qos }) => qos) });
  }
  if (packet.cmd === "unsubscribe")
    client.send({ cmd: "unsuback", messageId, granted: packet.unsubscriptions.map(() => 0) });
  if (packet.cmd === "publish" && packet.qos === 1) client.send({ cmd: "puback", messageId, reasonCode: 0 });
  if (packet.cmd === "pingreq") client.send({ cmd: "pingresp" });
}
