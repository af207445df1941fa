// Plain subscribers of mqtt.js to compare a host with: what anyone would write in ten lines.

import mqtt, { type MqttClient } from "mqtt";

/** A subscriber: what it listens to, and what it does with a message. */
export interface Subscriber {
  readonly filter: string;
  readonly create: (client: MqttClient) => (topic: string, payload: Buffer) => void;
}

/** Four numbers with the digits of single precision, twice: an answer as long as those of `rivulet run` for the pump. */
const ANSWER = [3046.41821, 5.26270723, 21.2724571, 52.2628136];

export const SUBSCRIBERS = {
  /** Parses JSON. */
  parses: { filter: "plant/+/data", create: () => (_, payload) => void JSON.parse(payload.toString()) },
  /** Parses JSON and publishes an answer of the size of a host's. */
  answers: {
    filter: "plant/+/data",
    create: (client) => {
      let n = 0;
      return (topic, payload) => {
        const { speed } = JSON.parse(payload.toString());
        const text = {
          prediction: ANSWER,
          residual: [speed, ...ANSWER.slice(1)],
          n: ++n,
          ts: Date.now(),
          model: "pump@941a30ac",
        };
        client.publish(`answers/${topic.split("/")[1]}`, JSON.stringify(text));
      };
    },
  },
  /** Holds the latest of six values of a device in a Map, and publishes them with the sixth. */
  holds: {
    filter: "parts/+/+",
    create: (client) => {
      const rooms = new Map<string, Map<string, number>>();
      return (topic, payload) => {
        const [, room = "", quantity = ""] = topic.split("/");
        const values = rooms.get(room) ?? new Map<string, number>();
        rooms.set(room, values);
        values.set(quantity, Number(payload.toString()));
        if (quantity === "f" && values.size === 6) {
          client.publish(`answers/${room}`, JSON.stringify({ values: [...values.values()], ts: Date.now() }));
        }
      };
    },
  },
} satisfies Record<string, Subscriber>;

/** Subscribes at QoS 1 and says so on the standard output. */
export async function subscribe({ filter, create }: Subscriber, url: string): Promise<void> {
  const client = await mqtt.connectAsync(url);
  client.on("message", create(client));
  await client.subscribeAsync(filter, { qos: 1 });
  console.log("subscribed");
}
