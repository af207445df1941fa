import { describe, expect, it } from "vitest";
import { sparkplugProblem } from "../../../host/stream/decode/sparkplug/topic.ts";
import { sparkplugPayload, type TestMetric } from "../../support/sparkplug.ts";
import { createBorn, createHost, FLOAT, live, NOW, PRESSURE, TEMPERATURE } from "./sparkplug-host.ts";

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
