import { describe, expect, it } from "vitest";
import { describeFound, rangeText } from "../../../tools/init/describe.ts";
import { type FoundStream, streamsOf } from "../../../tools/init/streams.ts";
import { surveyOf } from "../../../tools/init/survey.ts";
import { writeConfig } from "../../../tools/init/write.ts";

const START = 1_772_355_600_000;
const say = (topic: string, payload: object | string, ms: number) => {
  return {
    topic,
    payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
    isRetained: false,
    time: START + ms,
  };
};
const HEARD = [
  ...[0, 20_000, 40_000].map((ms) =>
    say("zigbee2mqtt/attic", { temperature: 4 + ms / 1e5, humidity: 40, battery: 5, linkquality: 9 }, ms),
  ),
  say("zigbee2mqtt/cellar\u0007", { temperature: 1 }, 0),
  say("zigbee2mqtt/plug", { power: 5 }, 0),
  say("meter/1", { data: { p: 5 } }, 0),
  say("meter/1", { data: { p: 5.25 }, u: 230 }, 300),
  ...["a", "b", "c", "d", "e", "f", "g"].map((name) => say(`text/${name}`, "hello", 0)),
];
const survey = surveyOf(HEARD);
const streams = streamsOf(survey.devices);

describe("describeFound", () => {
  it("tells devices, quantities, rhythm and ranges, and what has none", () => {
    expect(describeFound(streams, survey)).toEqual([
      "",
      "1. temperature-humidity: Zigbee2MQTT, zigbee2mqtt/; 1 device: attic; about every 20 s",
      "     temperature  4 … 4.4",
      "     humidity     40",
      "     left out: battery, linkquality",
      "",
      "2. power: Zigbee2MQTT, zigbee2mqtt/; 1 device: plug",
      "     power  5",
      "",
      "3. data_p-u: no system that is known; 1 device: meter/1; about every 300 ms",
      "     data_p  5 … 5.25",
      "     u       230",
      "",
      "without numbers: text/a, text/b, text/c, text/d, text/e, and 3 more",
    ]);
  });

  it("tells of many devices by some of their names, and of long intervals in minutes", () => {
    const stream: FoundStream = {
      ...(streams[1] as FoundStream),
      devices: ["a", "b", "c", "d", "e", "f"],
      intervalMs: 601_000,
    };
    expect(describeFound([stream], { ...survey, strangers: [] })[1]).toBe(
      "1. power: Zigbee2MQTT, zigbee2mqtt/; 6 devices: a, b, c, d, … (2 more); about every 10 min",
    );
  });
});

describe("rangeText", () => {
  it.each([
    [1, 1, "1"],
    [0.1 + 0.2, 1 / 3, "0.3 … 0.33333"],
  ])("of %s to %s", (least, greatest, text) => {
    expect(rangeText({ least, greatest })).toBe(text);
  });
});

describe("writeConfig", () => {
  it("writes what people can read, with what it stands for", () => {
    const broker = { url: "mqtts://host:8884", hasLogin: true, lines: { ca: "/etc/ca.pem", protocol: 5 } };
    expect(
      writeConfig(broker, streams.slice(0, 3), {
        file: "r.yaml",
        heard: "heard 9 messages in 5 s",
        hasHomeAssistant: true,
      }).split("\n"),
    ).toEqual([
      "# Written by rivulet init, which heard 9 messages in 5 s.",
      "#   rivulet check r.yaml   tells whether it can be used, and the way of a message through it",
      "#   rivulet run r.yaml     runs it",
      "broker:",
      "  url: mqtts://host:8884",
      "  username: ${env:RIVULET_USERNAME} # in the file .env beside this one",
      "  password: ${env:RIVULET_PASSWORD}",
      "  ca: /etc/ca.pem",
      "  protocol: 5",
      "",
      "state: { directory: ./state } # what is learnt, and the readings that are collected",
      "",
      "# homeassistant: true # shows devices and alarms in Home Assistant, which is on this broker",
      "# web: { listen: 127.0.0.1:8099 } # a page with devices, charts and alarms",
      "",
      "streams:",
      "  # Zigbee2MQTT, zigbee2mqtt/; 1 device: attic; about every 20 s",
      "  temperature-humidity:",
      "    preset: zigbee2mqtt # rivulet check --explain writes it out",
      "    except: # what the system says beside, and devices of the other streams",
      "      - zigbee2mqtt/bridge/#",
      '      - "zigbee2mqtt/{device+}/availability"',
      '      - "zigbee2mqtt/{device+}/set"',
      '      - "zigbee2mqtt/{device+}/get"',
      '      - "zigbee2mqtt/{device+}/action"',
      "      - zigbee2mqtt/plug",
      "    inputs:",
      "      - temperature # 4 … 4.4",
      "      - humidity # 40",
      "      # left out: battery, linkquality",
      "    detector: auto # learns what is usual from the first 1000 samples of each device",
      "    collect: 7d # keeps the readings in state/collected/temperature-humidity.csv: rivulet train makes a model of them",
      "    # model: model.safetensors # once there is one; its inputs are called as those above",
      "",
      "  # Zigbee2MQTT, zigbee2mqtt/; 1 device: plug",
      "  power:",
      "    preset: zigbee2mqtt",
      "    except: # what the system says beside, and devices of the other streams",
      "      - zigbee2mqtt/bridge/#",
      '      - "zigbee2mqtt/{device+}/availability"',
      '      - "zigbee2mqtt/{device+}/set"',
      '      - "zigbee2mqtt/{device+}/get"',
      '      - "zigbee2mqtt/{device+}/action"',
      "      - zigbee2mqtt/attic",
      "    inputs:",
      "      - power # 5",
      "    detector: auto",
      "    collect: 7d",
      "",
      "  # no system that is known; 1 device: meter/1; about every 300 ms",
      "  data_p-u:",
      "    topic: meter/1",
      "    max_age: 1h",
      "    inputs:",
      "      - { name: data_p, field: /data/p } # 5 … 5.25",
      "      - u # 230",
      "    detector: auto",
      "    collect: 7d",
      "",
    ]);
  });
});
