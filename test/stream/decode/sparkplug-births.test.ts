import { describe, expect, it } from "vitest";
import { sparkplugPayload } from "../../support/sparkplug.ts";
import { createBorn, createHost, FLOAT, live, NOW, PRESSURE, TEMPERATURE } from "./sparkplug-host.ts";

const birth = (values: object) => ({ ...live(values), $birth: true });

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
