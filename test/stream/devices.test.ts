// Messages as real systems send them (test/vectors/devices), by the lines of YAML that read them.

import { describe, expect, it } from "vitest";
import { deviceMessages, wayOf } from "../support/way.ts";
import { BOTH, configOf, load, problemsOf, read } from "./read-devices.ts";

describe("a topic for each quantity", () => {
  it.each([
    [
      "esphome",
      "{device}/sensor/temperature/state",
      "{device}/sensor/humidity/state",
      // Retained values are old news, and nan is none: here is no sample.
      ["porch: not_finite"],
    ],
    ["homie5", "homie/5/{device}/climate/temperature", "homie/5/{device}/climate/humidity", []],
    [
      "opendtu",
      "solar/{device}/0/power",
      "solar/{device}/0/voltage",
      ["116100000001 held", "116100000001: 412.3,231.1 at now"],
    ],
    [
      "rtl433-devices",
      "rtl_433/pi/devices/{model}/{channel}/{id}/temperature_C",
      "rtl_433/pi/devices/{model}/{channel}/{id}/humidity",
      ["Bresser-3CH/1/164 held", "Bresser-3CH/1/164: 21.5,40 at now"],
    ],
    [
      "zigbee2mqtt-attribute-output",
      "zigbee2mqtt/{device}/temperature",
      "zigbee2mqtt/{device}/humidity",
      ["cellar held", "cellar: 14.1,61.2 at now"],
    ],
  ])("is read from %s", async (fixture, first, second, expected) => {
    const stream = `inputs:\n  - { name: a, topic: "${first}" }\n  - { name: b, topic: "${second}" }`;
    expect(await read(fixture, stream)).toEqual(expected);
  });

  const VICTRON = `
inputs:
  - { name: voltage, topic: "N/{portal}/battery/{instance}/Dc/0/Voltage", field: value }
  - { name: power, topic: "N/{portal}/battery/{instance}/Dc/0/Power", field: value }
`;

  it("holds the value in a field", async () => {
    expect(await read("victron-venus", VICTRON)).toEqual([
      "c0619ab00000/512 held",
      "c0619ab00000/512: 52.1,-310 at now",
      "c0619ab00000/512: missing_field",
    ]);
  });

  it("is refused where all would be read from one place, with the way to write it", async () => {
    const stream = `
topic: N/{portal}/battery/{instance}/Dc/0/{quantity}
device: "{portal}/{instance}"
inputs: [{ name: voltage, field: value }, { name: power, field: value }]
`;
    expect(await problemsOf(configOf(stream))).toEqual([
      'config.yaml:5:12 streams.room.topic: voltage and power would all be read from the same place of one message; where each quantity has its own topic, each input names it: { name: voltage, topic: "N/{portal}/battery/{instance}/Dc/0/voltage", field: value }',
    ]);
    const one = stream.replace(/\[\{.*/, "[{ name: power, field: value }]");
    expect(await problemsOf(configOf(one))).toEqual([
      expect.stringContaining(
        "the topic matches several quantities of a device, and all of them would be stepped as power",
      ),
    ]);
    expect(
      await problemsOf(configOf(one.replace('"{portal}/{instance}"', '"{portal}/{instance}/{quantity}"'))),
    ).toEqual([]);
  });
});

describe("values of systems without a preset, or read without theirs", () => {
  it.each([
    [
      "cayenne-mqtt",
      `inputs:
  - { name: t, topic: "v1/{user}/things/{device}/data/1", prefix: "temp,c=" }
  - { name: h, topic: "v1/{user}/things/{device}/data/2", prefix: "rel_hum,p=" }`,
      ["u/d held", "u/d: 21.5,40 at now"],
    ],
    [
      "shelly-gen2-status",
      `topic: "{device}/status/switch:0"\ninputs: [apower, voltage, { name: heat, field: /temperature/tC }]`,
      ["shellyplus1pm-aabbcc: 12.3,231.1,41.2 at now", "shellyplus1pm-aabbcc: 0,231.4,41 at now"],
    ],
    [
      "p1-ams2mqtt",
      `topic: ams/meter\nmax_age: 1m\ntime: { field: t, format: unix }
inputs: [{ name: p, field: /data/P }, { name: u, field: /data/U1 }]`,
      ["room held", "room: 513,231.1 at 09:00:10", "room: 514,231.1 at 09:00:12"],
    ],
    [
      "telegraf-json",
      `topic: telegraf/{host}/environment\nwhere: { name: environment }\ntime: { field: timestamp, format: unix }
inputs: [{ name: t, field: /fields/temperature }, { name: h, field: /fields/humidity }]`,
      ["pi: 21.5,40 at 09:00:00"],
    ],
    [
      "ttn-v3",
      `topic: v3/{app}/devices/{device}/up\ntime: { field: received_at, format: iso8601 }
inputs: [{ name: t, field: /uplink_message/decoded_payload/temperature }]`,
      ["myapp@ttn/th1: 21.5 at 10:00:00"],
    ],
    // Everything here is retained, and old news.
    ["valetudo", `inputs: [{ name: battery, topic: "valetudo/{robot}/BatteryStateAttribute/level" }]`, []],
    ["ha-statestream", `inputs: [{ name: t, topic: "homeassistant/sensor/{device}_temperature/state" }]`, []],
    [
      "zigbee2mqtt-slash-name",
      `topic: zigbee2mqtt/{device+}\nexcept: ["zigbee2mqtt/bridge/#", "zigbee2mqtt/{d+}/availability"]\n${BOTH}`,
      ["house/cellar: 14,60 at now", "attic: 4,70 at now"],
    ],
  ])("are read from %s", async (fixture, stream, expected) => {
    expect(await read(fixture, stream)).toEqual(expected);
  });

  it("are told apart from old news of the same topics", async () => {
    const { streams } = await load(
      configOf(`inputs: [{ name: battery, topic: "valetudo/{robot}/BatteryStateAttribute/level" }]`),
    );
    const live = deviceMessages("valetudo").map((message) => ({ ...message, isRetained: false }));
    expect(await wayOf(streams, live)).toEqual(["robot: 87 at now"]);
  });
});

describe("a trigger", () => {
  const stream = (trigger: string) => `
trigger: ${trigger}
inputs:
  - { name: power, topic: "solar/{device}/0/power" }
  - { name: voltage, topic: "solar/{device}/0/voltage" }
`;
  const message = (name: string, value: string) => ({
    topic: `solar/1/0/${name}`,
    payload: Buffer.from(value),
    isRetained: false,
  });
  const messages = [message("power", "1"), message("voltage", "2"), message("power", "3"), message("power", "4")];

  it.each([
    ["all", ["1 held", "1: 1,2 at now", "1 held", "1 held"]],
    ["any", ["1 held", "1: 1,2 at now", "1: 3,2 at now", "1: 4,2 at now"]],
    ["{ on: voltage }", ["1 held", "1: 1,2 at now", "1 held", "1 held"]],
    ["{ on: power }", ["1 held", "1 held", "1: 3,2 at now", "1: 4,2 at now"]],
    ["{ every: 2s }", ["1 held", "1 held", "1: 1,2 at now", "1 held", "1 held"]],
  ])("of %s says when a sample is taken", async (trigger, expected) => {
    const { streams } = await load(configOf(stream(trigger)));
    expect(await wayOf(streams, messages)).toEqual(expected);
  });

  it("takes no value that is too old", async () => {
    const { streams } = await load(configOf(`max_age: 1500ms\n${stream("any").trim()}`));
    expect(await wayOf(streams, messages)).toEqual(["1 held", "1: 1,2 at now", "1: 3,2 at now", "1 held"]);
  });

  it.each([
    ["trigger: { on: speed }", 'there is no input "speed"; there are power, voltage'],
    ["trigger: { every: 0 }", "found 0, expected more than 0"],
    ["trigger: some", "expected one of"],
  ])("%s is refused", async (line, message) => {
    const problems = await problemsOf(configOf(stream("any").replace("trigger: any", line)));
    expect(problems.join()).toContain(message);
  });

  it("needs topics that make the same device", async () => {
    const text = configOf(stream("all").replace("solar/{device}/0/voltage", "solar/{device}/{phase}/voltage"));
    expect(await problemsOf(text)).toEqual([
      "config.yaml:3:3 streams.room: the topics of the inputs would make different devices, {device} and {device}/{phase}; capture the same names, or say by device: which of them name a device",
    ]);
  });

  it("goes with a topic of the stream for inputs without one", async () => {
    const text = `topic: "solar/{device}/0/power"\npayload: number\ninputs: [power, { name: voltage, topic: "solar/{device}/0/voltage" }]`;
    const { streams } = await load(configOf(text));
    expect(await wayOf(streams, messages)).toEqual(["1 held", "1: 1,2 at now", "1 held", "1 held"]);
  });

  it("needs a topic for every input", async () => {
    const text = configOf(stream("all").replace(', topic: "solar/{device}/0/voltage"', ""));
    expect(await problemsOf(text)).toEqual(['config.yaml:3:3 streams.room: "topic" is missing']);
    expect(await problemsOf(configOf(`topic: x/{device}\n${stream("all").trim()}`))).toEqual([
      "config.yaml:5:12 streams.room.topic: every input has a topic of its own, so nothing is read from this one",
    ]);
  });
});

describe("values of an incomplete message", () => {
  it("are remembered", async () => {
    const stream = `topic: zigbee2mqtt/{device}\nmax_age: 1h\n${BOTH}`;
    expect(await read("zigbee2mqtt-partial-only", stream)).toEqual([
      "porch held",
      "porch: 4.1,81.2 at now",
      "porch: 4.2,81.2 at now",
      "porch: 4.2,81.3 at now",
    ]);
    const fields = "inputs: [{ name: t, field: tempc }, { name: h, field: hum }]";
    expect(
      await read("theengs-split-adverts", `topic: home/{gw}/BTtoMQTT/{mac}\ndevice: "{mac}"\nmax_age: 1h\n${fields}`),
    ).toEqual(["582D34000001 held", "582D34000001: 21.5,40.1 at now", "582D34000001: 21.6,40.1 at now"]);
  });
});

describe("a value", () => {
  it("may be text", async () => {
    const inputs =
      "inputs: [{ name: p, field: electricity_currently_delivered }, { name: u, field: phase_voltage_l1 }]";
    expect(await read("p1-dsmr-reader-json", `topic: dsmr/json\n${inputs}`)).toEqual(["room: 0.512,231 at now"]);
  });

  it("may be mapped", async () => {
    const inputs = "inputs: [{ name: state, map: { ON: 1, OFF: 0, true: 1 } }, power]";
    expect(await read("switch-on-off", `topic: zigbee2mqtt/{device}\n${inputs}`)).toEqual([
      "plug: 1,12.5 at now",
      "plug: 1,12.5 at now",
    ]);
  });

  it("may have a decimal comma and a unit", async () => {
    const stream = `topic: t/{device}\ninputs: [{ name: a, decimal: comma, unit: °C }, { name: b, unit: "%" }]`;
    const { streams } = await load(configOf(stream));
    const payload = Buffer.from('{"a":"21,5 °C","b":"40%"}');
    expect(await wayOf(streams, [{ topic: "t/1", payload, isRetained: false }])).toEqual(["1: 21.5,40 at now"]);
  });

  it.each([
    ['{"a":85}', "sentinel"],
    ['{"a":-127.0}', "sentinel"],
    ['{"a":101}', "out_of_range"],
    ['{"a":-50.1}', "out_of_range"],
    ['{"a":true}', "not_a_number"],
    ['{"a":"nan"}', "not_finite"],
    ['{"a":1e39}', "not_finite"],
    ['{"a":"unavailable"}', "missing_field"],
    ['{"a":{}}', "not_a_number"],
  ])("is guarded: %s is a %s", async (payload, reason) => {
    const stream = "topic: t/{device}\ninputs: [{ name: a, range: [-50, 100], sentinels: [85, -127] }]";
    const { streams } = await load(configOf(stream));
    expect(await wayOf(streams, [{ topic: "t/1", payload: Buffer.from(payload), isRetained: false }])).toEqual([
      `1: ${reason}`,
    ]);
  });
});
