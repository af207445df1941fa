// How messages of each system are recognised, and which of them bring nothing.

import { describe, expect, it } from "vitest";
import { type SeenDevice, surveyOf } from "../../../tools/init/survey.ts";
import type { Heard } from "../../../tools/init/types.ts";

type Said = readonly [topic: string, payload: unknown];

const heard = (said: readonly Said[]): Heard[] =>
  said.map(([topic, payload], index) => ({
    topic,
    payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
    isRetained: false,
    time: 1_772_355_600_000 + 1000 * index,
  }));

/** A device in one line: `preset base device: quantity=value; topics`. */
const lineOf = ({ first, quantities }: SeenDevice): string => {
  const values = [...quantities].map(([name, { greatest }]) => `${name}=${Number(greatest.toPrecision(6))}`);
  const lines =
    first.lines === undefined || Object.keys(first.lines).length === 0 ? "" : ` ${JSON.stringify(first.lines)}`;
  return `${first.preset} ${first.base || "-"} ${first.device}: ${values}; ${first.topics}${lines}`;
};

describe("messages are recognised", () => {
  it.each<[string, readonly Said[], readonly string[], readonly string[]]>([
    [
      "zigbee2mqtt",
      [
        ["z/bridge/devices", []],
        ["z/a/b", { t: 1, color: { x: 5 }, n: null }],
        ["z/a/b/availability", { t: 2 }],
        ["z/a/b/set", { t: 3 }],
        ["z/plain", "5x"],
      ],
      ["zigbee2mqtt z a/b: t=1; z/a/b"],
      ["z/plain"],
    ],
    [
      "tasmota",
      [
        [
          "home/tele/p/SENSOR",
          {
            Time: "x",
            ENERGY: { Power: 41, Factor: 0.8 },
            DS18B20: { Id: "0", Temperature: 20 },
            AM2301: { Humidity: 40, Temperature: 21 },
            Wifi: { RSSI: 80 },
            Count: 4,
          },
        ],
        ["home/tele/p/STATE", { Vcc: 3 }],
        ["home/tele/p/LWT", "Online"],
        ["home/tele/p/INFO1", { Info1: { Version: 5 } }],
        ["home/tele/p/SENSOR", "off"],
      ],
      [
        "tasmota home/tele p: power=41,power_factor=0.8,DS18B20/Id=0,DS18B20/Temperature=20,humidity=40,AM2301/Temperature=21; home/tele/p/SENSOR",
      ],
      [],
    ],
    [
      "shelly",
      [
        [
          "s1/events/rpc",
          {
            method: "NotifyStatus",
            params: {
              ts: 5,
              "switch:0": { id: 0, apower: 5, aenergy: { total: 4 }, temperature: { tC: 41 }, errors: 1 },
              "temperature:100": { id: 100, tC: 3.5, tF: 38 },
              sys: { uptime: 5 },
            },
          },
        ],
        ["s1/status/switch:0", { apower: 5 }],
        ["shellyplug-1/status/switch:0", { apower: 7 }],
        ["other/status/switch:0", "on"],
      ],
      [
        "shelly - s1: power=5,temperature:100/tC=3.5; s1/events/rpc",
        "undefined - shellyplug-1/status/switch:0: apower=7; shellyplug-1/status/switch:0",
      ],
      ["other/status/switch:0"],
    ],
    [
      "shelly of generation 1",
      [
        ["shellies/h/sensor/temperature", "21.5"],
        ["shellies/h/relay/0", "on"],
        ["shellies/h/emeter/0/power", "7"],
        ["shellies/announce", {}],
      ],
      ["shelly-gen1 shellies h: temperature=21.5,emeter/0/power=7; shellies/h/#"],
      ["shellies/announce"],
    ],
    [
      "homie",
      [
        ["a/homie/5/d/$state", "ready"],
        ["a/homie/5/d/n/p", "1"],
        ["a/homie/5/d/n/$name", "2"],
        ["a/homie/5/d/n/p/set", "3"],
        ["homie/e/$homie", "4.0"],
        ["homie/e/n/q", "7"],
        ["homie/e/n/w", "true"],
      ],
      ["homie5 a/homie/5 d/n: p=1; a/homie/5/d/n/#", "homie4 homie e/n: q=7; homie/e/n/#"],
      [],
    ],
    [
      "zwave-js-ui",
      [
        ["zw/_CLIENTS/ZWAVE_GATEWAY-x/status", { value: 1, time: 5 }],
        ["zw/room/s/meter/endpoint_0/value/66049", { time: 5, value: 12 }],
        ["zw/room/s/sensor_multilevel/endpoint_1/UV", { time: 5, value: 2 }],
        ["zw/room/s/status", { time: 5, value: true, status: 3 }],
        ["zw/meter/endpoint_0/value/66049", { time: 5, value: 99 }],
      ],
      ["zwave-js-ui zw room/s: power=12,sensor_multilevel/endpoint_1/UV=2; zw/room/s/#"],
      [],
    ],
    [
      "esphome and Home Assistant",
      [
        ["up/porch/sensor/t/state", "5"],
        ["up/porch/sensor/u/state", "nan"],
        ["porch/status", "online"],
        ["porch/debug", "x"],
        ["porch/sensor/t/state", "6"],
        ["ha/sun/sun/state", "above"],
        ["ha/sensor/a_b_humidity/state", "40"],
        ["ha/sensor/a_b_humidity/last_changed", "5"],
        ["ha/light/x/brightness", "9"],
        ["ha/sensor/total/state", "3"],
      ],
      [
        "esphome up porch: t=5; up/porch/#",
        "esphome - porch: t=6; porch/#",
        "homeassistant-statestream ha a_b: humidity=40; ha/sensor/a_b_{entity}/state",
      ],
      [],
    ],
    [
      "theengs",
      [
        ["home/G/BTtoMQTT/M", { id: "x", tempc: 5, tempf: 41 }],
        ["home/G/LWT", "online"],
        ["home/G/SYStoMQTT", { uptime: 5 }],
        ["BTtoMQTT/M", { tempc: 6 }],
      ],
      [
        "theengs home M: temperature=5,tempf=41; home/{gateway}/BTtoMQTT/M",
        "undefined - BTtoMQTT/M: tempc=6; BTtoMQTT/M",
      ],
      [],
    ],
    [
      "ruuvi",
      [
        ["ruuvi/G/A", { gw_mac: "G", data: "0201061BFF9904050DC13E80C8F0FC040CFFF403DCA076FA5BCDEEFF000001" }],
        ["ruuvi/G/B", { gw_mac: "G", temperature: 3, rssi: -5 }],
        ["ruuvi/G/C", { gw_mac: "G", data: "02010611" }],
        ["ruuvi/G/D", { gw_mac: "G", data: "0201061BFF990405FF" }],
        ["ruuvi/G/gw_status", { gw_mac: "G", state: "online" }],
      ],
      [
        "ruuvi ruuvi A: temperature=17.605,humidity=40,pressure=101440; ruuvi/{gateway}/A",
        "ruuvi-decoded ruuvi B: temperature=3,rssi=-5; ruuvi/{gateway}/B",
      ],
      [],
    ],
    [
      "rtl_433",
      [
        ["x/pi/events", { model: "M", id: 7, temperature_C: 5 }],
        ["x/pi/events", { model: "M", temperature_C: 6 }],
        ["rtl_433/pi/devices/M/7/humidity", "5"],
        ["rtl_433/pi/states", { frames: 3 }],
        ["rtl_433/both/events", { model: "M", id: 8, temperature_C: 6 }],
        ["rtl_433/both/devices/M/8/temperature_C", "6"],
      ],
      [
        "rtl_433 x M/7: temperature=5; ",
        "undefined number rtl_433/pi/devices/M/7: humidity=5; rtl_433/pi/devices/M/7/#",
        "rtl_433 rtl_433 M/8: temperature=6; ",
      ],
      [],
    ],
    [
      "chirpstack and ttn",
      [
        ["application/1/device/d/event/up", { object: { t: 1, soil: { m: 2 } }, fCnt: 5 }],
        ["application/1/device/e/event/up", { data: "AA==" }],
        ["v3/a@ttn/devices/d/up", { uplink_message: { decoded_payload: { t: 3 } } }],
        ["v3/a@ttn/devices/e/up", { uplink_message: { f_port: 3 } }],
      ],
      [
        "chirpstack application d: t=1,soil/m=2; application/{application}/device/d/event/up",
        "ttn v3 d: t=3; v3/{application}/devices/d/up",
      ],
      [],
    ],
    [
      "victron and opendtu",
      [
        ["N/p/battery/5/Soc", { value: 80 }],
        ["N/p/battery/5/Info/Max", { value: 7 }],
        ["N/p/battery/5/Dc/0/Power", { value: null }],
        ["N/p/system/0/Serial", { value: 3 }],
        ["N/p/keepalive", "1"],
        ["sol/dtu/uptime", "5"],
        ["sol/116100000001/0/power", "4"],
        ["sol/116100000001/1/power", "2"],
        ["sol/116100000001/name", "7"],
        ["sol/116100000001/0/x/y", "7"],
      ],
      ["victron N p/battery/5: soc=80; N/p/battery/5/#", "opendtu sol 116100000001: power=4; sol/116100000001/#"],
      [],
    ],
    [
      "telegraf",
      [
        ["t/h/m", { fields: { a: 1, s: "x" }, timestamp: 5 }],
        ["t/h/n", { metrics: [{ fields: { a: 2 }, timestamp: 5 }] }],
        ["t/h/o", "m,host=h a=3,b=4i 1772355600000000000\nm a=9 1772355600000000001"],
        ["t/deep/h/o", { fields: { a: 4 }, timestamp: 5 }],
        ["t/h/p", "m =5 1772355600000000000"],
      ],
      [
        "telegraf t h/m: a=1; t/h/m",
        'telegraf t h/n: a=2; t/h/n {"each":"/metrics"}',
        'telegraf t h/o: a=3,b=4; t/h/o {"payload":"influx"}',
        'telegraf t t/deep/h/o: a=4; t/deep/h/o {"topic":"t/deep/h/o"}',
      ],
      ["t/h/p"],
    ],
    [
      "thingsboard and senml",
      [
        ["b/v1/devices/me/telemetry", [{ ts: 5, values: { t: 1 } }]],
        ["v1/gateway/telemetry", { boiler: [{ ts: 5, values: { t: 2 } }] }],
        ["v1/gateway/telemetry", { boiler: 5 }],
        ["s", [{ bn: "d:", n: "t", v: 3 }]],
        ["s2", [{ n: "t", v: 3 }]],
        ["s3", [{ bn: "d", bver: 99, n: "t", v: 3 }]],
      ],
      [
        "thingsboard b device: t=1; b/v1/devices/me/telemetry",
        "thingsboard-gateway - boiler: t=2; ",
        's {"topic":"s"}',
        'undefined - s2: t=3; s2 {"payload":"senml","each":"","time":{"field":"time","format":"unix"}}',
      ],
      ["s3"],
    ],
    [
      "nothing that is known",
      [
        ["a/b", { x: "5", y: { z: { w: 1, v: { u: 2 } } }, "p/q": 3 }],
        ["a/c/temp", "5"],
        ["lone", "5"],
        ["a/c/on", "ON"],
        ["a/d", [1, 2]],
        ["a/e/temp", "21,5 °C"],
        ["a/e/date", "2024-05-06"],
        ["a/e/name", "pump 7"],
        ["a/e/size", "5x"],
        ["a/f", { list: [{ id: "P.1", v: 7 }, { id: "Q/1", v: 8 }, { id: "R", v: "9" }, { v: 10 }, 11] }],
      ],
      [
        "undefined - a/b: x=5,y_z_w=1; a/b",
        "undefined number a/c: temp=5; a/c/#",
        "undefined number a/e: temp=21.5; a/e/#",
        "undefined - a/f: P.1=7; a/f",
      ],
      ["a/c/on", "a/d", "a/e/date", "a/e/name", "a/e/size", "lone"],
    ],
  ])("of %s", (_, said, devices, strangers) => {
    const survey = surveyOf(heard(said));
    expect(survey.devices.map(lineOf).map((line) => line.replace("senml - d:: t=3; ", ""))).toEqual(devices);
    expect(survey.strangers).toEqual(strangers);
  });
});
