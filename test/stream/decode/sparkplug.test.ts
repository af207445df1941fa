import { describe, expect, it } from "vitest";
import { createSparkplugDecoder } from "../../../host/stream/decode/sparkplug/index.ts";
import { sparkplugProblem } from "../../../host/stream/decode/sparkplug/topic.ts";
import { PayloadError } from "../../../host/stream/payload.ts";
import { readSparkplug, sparkplugPayload, type TestMetric } from "../../support/sparkplug.ts";

const NOW = 1_772_355_600_000;
const FLOAT = 9;

/** A host that reads the messages of edge nodes, and what it asks them. */
function createHost() {
  const asked: string[] = [];
  const commands: unknown[] = [];
  let time = NOW;
  const decode = createSparkplugDecoder();
  const around = (topic: string) => ({
    topic,
    captures: new Map(),
    now: () => time,
    ask: (to: string, payload: Uint8Array) => {
      asked.push(to);
      commands.push(readSparkplug(payload));
    },
  });
  const take = (topic: string, payload: Uint8Array): unknown => {
    try {
      const readings = decode(payload, around(`spBv1.0/${topic}`)) as Record<string, unknown>[];
      return readings.map(({ $group, $node, $device, ...rest }) => ({ ...rest }));
    } catch (error) {
      if (error instanceof PayloadError) return error.reason;
      throw error;
    }
  };
  return {
    asked,
    commands,
    pass: (ms: number) => {
      time += ms;
    },
    take,
    send: (topic: string, metrics: readonly TestMetric[], seq?: number, timestamp = NOW) =>
      take(topic, sparkplugPayload(metrics, { timestamp, ...(seq === undefined ? {} : { seq }) })),
  };
}

const live = (values: object, time = NOW) => ({ $time: time, $birth: false, $historical: false, ...values });
const birth = (values: object) => ({ ...live(values), $birth: true });
const TEMPERATURE = { name: "temperature", alias: 7, datatype: FLOAT, floatValue: 20 };
const PRESSURE = { name: "Inputs/Pressure", alias: 8, datatype: 10, doubleValue: 3.25 };

/** A host that knows an edge node and a device of it, up to number 1. */
function createBorn() {
  const host = createHost();
  host.send("g/NBIRTH/n", [{ name: "bdSeq", datatype: 8, longValue: 4 }], 0);
  host.send("g/DBIRTH/n/d", [TEMPERATURE, PRESSURE], 1);
  return host;
}

describe("names of metrics", () => {
  it("are told by births, and stand for aliases from then on", () => {
    const host = createHost();
    expect(host.send("g/NBIRTH/n", [{ name: "Uptime", alias: 1, datatype: 7, intValue: 5 }], 0)).toEqual([
      birth({ Uptime: 5 }),
    ]);
    expect(host.send("g/DBIRTH/n/d", [TEMPERATURE, PRESSURE], 1)).toEqual([
      birth({ temperature: 20, "Inputs/Pressure": 3.25 }),
    ]);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 21.5 }], 2)).toEqual([live({ temperature: 21.5 })]);
    expect(host.send("g/NDATA/n", [{ alias: 1, intValue: 6 }], 3)).toEqual([live({ Uptime: 6 })]);
    expect(host.asked).toEqual([]);
  });

  it("are told by the birth of a device where that of its edge node was missed", () => {
    const host = createHost();
    host.send("g/DBIRTH/n/d", [TEMPERATURE], 5);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 21 }], 6)).toEqual([live({ temperature: 21 })]);
    expect(host.asked).toEqual([]);
  });

  it("are none where they are empty, as some write it beside an alias", () => {
    // { metrics: [{ name: "", alias: 7, float_value: 21.5 }], seq: 2 }; the writer of these tests leaves out what is empty.
    const payload = Buffer.from("12090a001007650000ac411802", "hex");
    expect(createBorn().take("g/DDATA/n/d", payload)).toEqual([{ ...live({ temperature: 21.5 }), $time: undefined }]);
  });

  it("may be none in a message", () => {
    expect(createBorn().send("g/DDATA/n/d", [], 2)).toEqual([live({})]);
  });

  it("may stand in every message, and no birth is needed then", () => {
    const host = createHost();
    expect(host.send("g/DDATA/n/d", [{ name: "t", datatype: FLOAT, floatValue: 1 }], 9)).toEqual([live({ t: 1 })]);
    expect(host.asked).toEqual([]);
  });

  it("are those of the newest birth", () => {
    const host = createBorn();
    host.send("g/DBIRTH/n/d", [{ ...PRESSURE, alias: 7 }], 2);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, doubleValue: 3.5 }], 3)).toEqual([live({ "Inputs/Pressure": 3.5 })]);
    expect(host.send("g/DDATA/n/d", [{ alias: 8, doubleValue: 3.5 }], 4)).toBe("unborn");
    host.send("g/NBIRTH/n", [], 0);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, doubleValue: 3.5 }], 1)).toBe("unborn");
  });

  it("end with the death of the device or of the edge node", () => {
    const host = createBorn();
    expect(host.send("g/DDEATH/n/d", [], 2)).toBe("filtered");
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 1 }], 3)).toBe("unborn");
    const other = createBorn();
    expect(other.send("g/NDEATH/n", [{ name: "bdSeq", datatype: 8, longValue: 3 }])).toBe("filtered");
    expect(other.send("g/DDATA/n/d", [{ alias: 7, floatValue: 1 }], 2)).toEqual([live({ temperature: 1 })]);
    other.send("g/NDEATH/n", [{ name: "bdSeq", datatype: 8, longValue: 4 }]);
    expect(other.send("g/DDATA/n/d", [{ alias: 7, floatValue: 1 }], 3)).toBe("unborn");
  });

  it("of other edge nodes are others", () => {
    const host = createBorn();
    expect(host.send("g/DDATA/m/d", [{ alias: 7, floatValue: 1 }], 2)).toBe("unborn");
    expect(host.send("h/DDATA/n/d", [{ alias: 7, floatValue: 1 }], 2)).toBe("unborn");
  });
});

describe("a message that is missing", () => {
  it("has the edge node asked for a rebirth, and aliases mean nothing until then", () => {
    const host = createBorn();
    const data = [
      { alias: 7, floatValue: 22 },
      { name: "temperature2", datatype: FLOAT, floatValue: 5 },
    ];
    expect(host.send("g/DDATA/n/d", data, 3)).toEqual([live({ temperature2: 5 })]);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 22 }], 4)).toBe("unborn");
    expect(host.asked).toEqual(["spBv1.0/g/NCMD/n"]);
    expect(host.commands).toEqual(
      [
        {
          timestamp: NOW,
          metrics: [
            { name: "Node Control/Rebirth", timestamp: NOW, datatype: 11, booleanValue: true, value: "booleanValue" },
          ],
        },
      ].map(({ metrics, ...rest }) => ({ ...rest, metrics: metrics.map(({ value, ...metric }) => metric) })),
    );
    host.send("g/NBIRTH/n", [], 0);
    host.send("g/DBIRTH/n/d", [TEMPERATURE], 1);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 23 }], 2)).toEqual([live({ temperature: 23 })]);
  });

  it("is none where numbers begin again behind 255, or where there are none", () => {
    const host = createBorn();
    for (let seq = 2; seq < 600; seq++) host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 1 }], seq & 255);
    host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 1 }]);
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 1 }], 600 & 255)).toEqual([live({ temperature: 1 })]);
    expect(host.asked).toEqual([]);
  });

  it("is asked for every ten seconds, of a hundred edge nodes", () => {
    const host = createHost();
    const data = (node: string) => host.send(`g/NDATA/${node}`, [{ alias: 1, floatValue: 1 }], 1);
    data("n");
    host.pass(9999);
    data("n");
    expect(host.asked.length).toBe(1);
    host.pass(1);
    data("n");
    expect(host.asked.length).toBe(2);
    for (let i = 0; i < 200; i++) data(`n${i}`);
    expect(host.asked.length).toBe(101);
  });

  it("may be of a birth of a device", () => {
    const host = createHost();
    host.send("g/NBIRTH/n", [], 0);
    host.send("g/DBIRTH/n/d", [TEMPERATURE], 2);
    expect(host.asked).toEqual(["spBv1.0/g/NCMD/n"]);
  });
});

describe("values", () => {
  const value = (metric: TestMetric) => {
    const [reading] = createHost().send("g/DDATA/n/d", [{ name: "x", ...metric }]) as Record<string, unknown>[];
    return reading?.x;
  };

  it.each([
    [{ datatype: 1, intValue: 0xff }, -1],
    [{ datatype: 1, intValue: 0xffffffff }, -1],
    [{ datatype: 2, intValue: 0x8000 }, -32768],
    [{ datatype: 3, intValue: 0xfffffffe }, -2],
    [{ datatype: 4, longValue: "18446744073709551615" }, -1],
    [{ datatype: 5, intValue: 200 }, 200],
    [{ datatype: 7, intValue: 0xffffffff }, 4294967295],
    [{ datatype: 8, longValue: "18446744073709551615" }, 2 ** 64],
    [{ datatype: 9, floatValue: -21.5 }, -21.5],
    [{ datatype: 10, doubleValue: 0.1 }, 0.1],
    [{ datatype: 11, booleanValue: true }, true],
    [{ datatype: 12, stringValue: "21.5" }, "21.5"],
    [{ datatype: 4, longValue: "9223372036854775808" }, -(2 ** 63)],
    [{ datatype: 9, isNull: true }, null],
    [{ datatype: 9, isNull: true, floatValue: 5 }, null],
    [{ datatype: 9, isTransient: true, floatValue: 5 }, 5],
    [{ datatype: 17, bytesValue: Buffer.from([1]) }, null],
    [{ intValue: 100 }, 100],
  ])("%j is %s", (metric, expected) => {
    expect(value(metric)).toBe(expected);
  });

  it("of integers have the sign that the birth's type gives them; without one they are not guessed", () => {
    const host = createHost();
    expect(host.send("g/DDATA/n/d", [{ name: "x", intValue: 0xffffffff }])).toBe("unborn");
    host.send("g/NBIRTH/n", [], 0);
    host.send("g/DBIRTH/n/d", [{ name: "x", alias: 1, datatype: 3, intValue: 0xffffffff }], 1);
    expect(host.send("g/DDATA/n/d", [{ name: "x", intValue: 0xffffffff }], 2)).toEqual([live({ x: -1 })]);
    expect(host.send("g/DDATA/n/d", [{ alias: 1, intValue: 0xfffffffe }], 3)).toEqual([live({ x: -2 })]);
  });

  it("of templates are members", () => {
    const metrics = [
      { name: "speed", datatype: FLOAT, floatValue: 3 },
      { name: "deep", datatype: 19, templateValue: { metrics: [{ name: "a", datatype: 3, intValue: 4 }] } },
    ];
    const read = value({ datatype: 19, templateValue: { templateRef: "pump", metrics } });
    expect(structuredClone(read)).toEqual({ speed: 3, deep: { a: 4 } });
  });

  it("that were kept are readings of their own times", () => {
    const host = createBorn();
    const kept = (alias: number, timestamp: number, value: number) => ({
      alias,
      timestamp,
      isHistorical: true,
      floatValue: value,
    });
    const readings = host.send(
      "g/DDATA/n/d",
      [
        kept(7, NOW - 2000, 1),
        { ...kept(8, NOW - 2000, 2) },
        kept(7, NOW - 1000, 3),
        { alias: 7, timestamp: NOW - 5, floatValue: 4 },
      ],
      2,
    );
    expect(readings).toEqual([
      { ...live({ temperature: 1, "Inputs/Pressure": 2 }, NOW - 2000), $historical: true },
      { ...live({ temperature: 3 }, NOW - 1000), $historical: true },
      live({ temperature: 4 }),
    ]);
  });

  it("of a name that comes twice are two readings", () => {
    const twice = [
      { name: "x", timestamp: NOW - 10, datatype: 9, floatValue: 1 },
      { name: "x", timestamp: NOW, datatype: 9, floatValue: 2 },
    ];
    expect(createHost().send("g/DDATA/n/d", twice)).toEqual([live({ x: 2 }), live({ x: 1 })]);
  });

  it("are not called as the decoder's own", () => {
    const own = [
      { name: "$time", datatype: 9, floatValue: 1 },
      { name: "__proto__", datatype: 9, floatValue: 2 },
    ];
    const [reading] = createHost().send("g/DDATA/n/d", own) as Record<string, unknown>[];
    expect(Object.entries(reading ?? {})).toContainEqual(["$time", NOW]);
  });
});

describe("a payload", () => {
  const bytes = sparkplugPayload(
    [
      { ...TEMPERATURE, metadata: { contentType: "x" } },
      { name: "t", datatype: 19, templateValue: { metrics: [PRESSURE] } },
    ],
    { seq: 3 },
  );
  it("is refused wherever it is cut off within a value", () => {
    const ends = [...bytes.keys()].filter(
      (end) => createHost().take("g/NDATA/n", bytes.subarray(0, end)) !== "undecodable",
    );
    // Behind the time, and behind each metric.
    expect(ends.length).toBeLessThanOrEqual(5);
    expect(ends[0]).toBe(0);
  });

  it("is refused where parts announce more than there is, or nest without end", () => {
    const host = createHost();
    // Its metric has 22 bytes and announces 19: some libraries read on, Google's refuses it, too.
    const overrun = "08c0b5fdbf931912130a0b74656d706572617475726510012009650000ac41";
    for (const hex of [overrun, "12ffffffff07", "12ff", "0a", "1b".repeat(200), "00", "ffffffffff"]) {
      expect([hex, host.take("g/NDATA/n", Buffer.from(hex, "hex"))]).toEqual([hex, "undecodable"]);
    }
    let nested: TestMetric = { name: "a" };
    for (let i = 0; i < 20; i++) nested = { name: "t", templateValue: { metrics: [nested] } };
    expect(host.send("g/NDATA/n", [nested])).toBe("undecodable");
    expect(host.take("g/NDATA/n", Buffer.from("1200".repeat(100_001), "hex"))).toBe("too_large");
  });

  it("is looked at where it may bring values", () => {
    const host = createHost();
    expect(["g/NCMD/n", "g/DCMD/n/d", "g/OTHER/n"].map((topic) => host.take(topic, Buffer.from("x")))).toEqual([
      "filtered",
      "filtered",
      "filtered",
    ]);
    expect(host.take("STATE/h", Buffer.from("x"))).toBe("bad_topic");
  });
});

describe("what is kept of births", () => {
  it("is bounded", () => {
    const host = createHost();
    const metrics = Array.from({ length: 1000 }, (_, alias) => ({
      name: `${alias}`.padEnd(900, "x"),
      alias,
      datatype: 9,
    }));
    const payload = sparkplugPayload(metrics, { seq: 0 });
    for (let i = 0; i < 20; i++) host.take(`g/NBIRTH/n${i}`, payload);
    const isKnown = (node: number) => host.send(`g/NDATA/n${node}`, [{ alias: 1, floatValue: 1 }], 1) !== "unborn";
    expect(isKnown(19)).toBe(true);
    expect(isKnown(0)).toBe(false);
  });
});

describe("what was kept of devices that died", () => {
  it("makes no others forgotten", () => {
    const host = createBorn();
    const metrics = Array.from({ length: 1000 }, (_, alias) => ({
      name: `${alias}`.padEnd(900, "x"),
      alias,
      datatype: 9,
    }));
    for (let i = 0; i < 40; i++) {
      host.send("h/DBIRTH/m/d", metrics);
      host.send("h/DDEATH/m/d", []);
    }
    expect(host.send("g/DDATA/n/d", [{ alias: 7, floatValue: 21 }], 2)).toEqual([live({ temperature: 21 })]);
  });
});

describe("sparkplugProblem", () => {
  it.each(["spBv1.0/{group}/{kind}/{device+}", "spBv1.0/plant/{kind}/{device+}", "site/spBv1.0/{g}/{kind}/{d+}"])(
    "takes %s",
    (topic) => {
      expect(sparkplugProblem(topic, "x")).toBeUndefined();
    },
  );
  it.each([
    "spBv1.0/{group}/DDATA/{node}/{device}",
    "spBv1.0/{group}/{kind}/{node}/{device}",
    "spBv1.0/{group}/{kind}/n1",
    "x/{a}/{kind}/{device+}",
    "spBv1.0/#",
  ])("refuses %s", (topic) => {
    expect(sparkplugProblem(topic, "x")).toContain("births must be taken too");
  });
  it("refuses devices that are named after the kind of message", () => {
    expect(sparkplugProblem("spBv1.0/{group}/{kind}/{device+}", undefined)).toContain("the same in births and in data");
    expect(sparkplugProblem("spBv1.0/{group}/{kind}/{device+}", "{kind}/{device}")).toContain(
      'device: "{group}/{device}"',
    );
  });
});
