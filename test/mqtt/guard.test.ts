import mqttPacket, { type Packet } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { PacketGuard } from "../../host/mqtt/guard.ts";

const publish = (topic: string, bytes: number, qos: 0 | 1, messageId = 7): Buffer =>
  mqttPacket.generate({
    cmd: "publish",
    topic,
    payload: Buffer.alloc(bytes, 65),
    qos,
    messageId,
    dup: false,
    retain: false,
  });

/** What a parser makes of bytes that went through a guard in pieces; and the most bytes that it was ever given at once. */
function through(guard: PacketGuard, bytes: Uint8Array, piece: number) {
  const parser = mqttPacket.parser();
  const packets: Packet[] = [];
  parser.on("packet", (packet: Packet) => packets.push(packet));
  let passed = 0;
  for (let at = 0; at < bytes.length; at += piece) {
    const part = guard.push(bytes.subarray(at, at + piece));
    passed += part.length;
    if (part.length > 0) parser.parse(Buffer.from(part));
  }
  return { packets, passed };
}

const shown = (packets: readonly Packet[]) =>
  packets.map((packet) =>
    packet.cmd === "publish"
      ? `${packet.topic} ${packet.payload.length} ${packet.qos} ${packet.messageId}`
      : packet.cmd,
  );

describe("PacketGuard", () => {
  const stream = Buffer.concat([
    mqttPacket.generate({ cmd: "connack", returnCode: 0, sessionPresent: false }),
    publish("small", 90, 1, 1),
    publish("large", 5000, 1, 2),
    publish("large0", 300_000, 0),
    mqttPacket.generate({ cmd: "pingresp" }),
    publish("", 101, 1, 300),
    publish("small", 0, 0),
  ]);
  const packets = [
    "connack",
    "small 90 1 1",
    "large 0 1 2",
    "large0 0 0 undefined",
    "pingresp",
    " 0 1 300",
    "small 0 0 undefined",
  ];

  it.each([0, 1, 123, 124, 125, 126, 127, 128, 300, 16_381, 16_382])(
    "keeps a topic of %i bytes of what is too large, at QoS 0 and 1",
    (length) => {
      const topic = "t".repeat(length);
      const bytes = Buffer.concat([publish(topic, 30_000, 0), publish(topic, 30_000, 1), publish("next", 3, 1, 9)]);
      const { packets: found } = through(new PacketGuard(20_000, 4), bytes, 1 << 20);
      expect(shown(found)).toEqual([`${topic} 0 0 undefined`, `${topic} 0 1 7`, "next 3 1 9"]);
    },
  );

  it.each([1, 2, 3, 7, 1000, 1 << 20])("stands in for what is too large, read in pieces of %i", (piece) => {
    const guard = new PacketGuard(100, 4);
    const found = through(guard, stream, piece);
    expect(shown(found.packets)).toEqual(packets);
    expect(Array.from({ length: 5 }, () => guard.next()?.bytes)).toEqual([undefined, 5000, 300_000, 101, undefined]);
  });

  it("passes nothing of a large payload on, however large it is", () => {
    const guard = new PacketGuard(100, 4);
    const head = publish("t", 0, 1, 9);
    // Remaining length of 268,435,455: all that MQTT can say.
    const large = Buffer.concat([head.subarray(0, 1), Buffer.from([0xff, 0xff, 0xff, 0x7f]), head.subarray(2)]);
    let passed = guard.push(large).length;
    const piece = new Uint8Array(65_536);
    let rest = 268_435_455 - (head.length - 2);
    for (; rest > piece.length; rest -= piece.length) passed += guard.push(piece).length;
    expect(guard.isSkipping).toBe(true);
    passed += guard.push(piece.subarray(0, rest)).length;
    expect(guard.isSkipping).toBe(false);
    expect(passed).toBe(head.length);
    expect(guard.next()).toEqual({ bytes: 268_435_455 - 5 });
    expect(shown(through(guard, publish("next", 3, 1, 1), 5).packets)).toEqual(["next 3 1 1"]);
  });

  it("passes a packet of just the limit, as it came", () => {
    const guard = new PacketGuard(100, 4);
    const exact = publish("t", 95, 1);
    expect(exact.length).toBe(102);
    expect(Buffer.from(guard.push(exact))).toEqual(exact);
    expect(guard.next()).toBeUndefined();
    expect(guard.push(publish("t", 96, 1)).length).toBe(7);
  });

  it.each([
    [
      "a packet that is no message",
      4,
      Buffer.from([0x90, 0xff, 0x7f]),
      "sends a packet of 16383 bytes, at most 100 are taken",
    ],
    ["a large message in MQTT 5, whose broker was told", 5, publish("t", 200, 1), "sends a packet of 205 bytes"],
    ["a length of five bytes", 4, Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 1]), "sends what is no MQTT"],
    ["a message that ends within its topic", 4, Buffer.from([0x30, 0xff, 1, 0xff, 0xff, 0]), "ends within its topic"],
  ] as const)("refuses %s", (_, protocol, bytes, message) => {
    expect(() => new PacketGuard(100, protocol).push(bytes)).toThrow(RangeError);
    expect(() => new PacketGuard(100, protocol).push(bytes)).toThrow(message);
  });
});
