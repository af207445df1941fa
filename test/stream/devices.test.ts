// Messages as real systems send them (test/vectors/devices), by the lines of YAML that read them.

import { describe, expect, it } from "vitest";
import { useConfigFolder } from "../support/config.ts";
import { deviceMessages, wayOf } from "../support/way.ts";

const { load, problemsOf } = useConfigFolder();

/** A configuration with one stream. */
const configOf = (stream: string) => `broker: { url: "mqtt://localhost" }
streams:
  room:
    model: room.safetensors
${stream
  .trim()
  .split("\n")
  .map((line) => `    ${line}`)
  .join("\n")}
`;

async function read(fixture: string, stream: string): Promise<string[]> {
  const { streams } = await load(configOf(stream));
  return wayOf(streams, deviceMessages(fixture));
}

const BOTH = "inputs: [temperature, humidity]";

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

describe("a time", () => {
  it.each([
    [
      "tasmota-energy",
      "tele/{device}/SENSOR",
      "{ field: Time, format: iso8601, zone: Europe/Berlin }",
      "/ENERGY/Power",
      "/ENERGY/Voltage",
      ["plug7: 41,231 at 09:00:00", "plug7: 42,230 at 09:05:00"],
    ],
    [
      "shelly-gen2-events-rpc",
      "{device}/events/rpc",
      "{ field: /params/ts, format: unix }",
      "/params/switch:0/apower",
      "/params/switch:0/voltage",
      [
        "shellyplus1pm-aabbcc held",
        "shellyplus1pm-aabbcc: 12.3,231.2 at 09:00:10",
        "shellyplus1pm-aabbcc: 12.4,231.3 at 09:00:20",
        "shellyplus1pm-aabbcc: 12.5,231.3 at 09:00:30",
      ],
    ],
    [
      "ruuvi-gateway-decoded",
      "ruuvi/{gateway}/{mac}",
      "{ field: ts, format: unix }",
      "temperature",
      "humidity",
      ["AA:BB:CC:00:00:01/DD:EE:FF:00:00:01: 21.5,40.2 at 08:59:59"],
    ],
    [
      "chirpstack4",
      "application/{app}/device/{device}/event/up",
      "{ field: time, format: iso8601 }",
      "/object/temperature",
      "/object/humidity",
      ["9f2c/70b3d50000000001: 21.5,40 at 10:00:00"],
    ],
    [
      "losant",
      "losant/{device}/state",
      "{ field: /time/$date, format: iso8601 }",
      "/data/temperature",
      "/data/humidity",
      ["5f00: 21.5,40 at 10:00:00"],
    ],
  ])("of %s is read", async (fixture, topic, time, first, second, expected) => {
    const stream = `topic: "${topic}"\ntime: ${time}\nmax_age: 1h\ninputs: [{ name: a, field: "${first}" }, { name: b, field: "${second}" }]`;
    expect(await read(fixture, stream)).toEqual(expected);
  });

  it("that cannot be right is replaced by that of arrival, and counted", async () => {
    const stream = "topic: t/{device}\ntime: { field: ts, format: unix, max_future: 1d }\ninputs: [a]";
    const { streams } = await load(configOf(stream));
    const at = (ts: number) => ({ topic: "t/1", payload: Buffer.from(`{"a":1,"ts":${ts}}`), isRetained: false });
    expect(await wayOf(streams, [at(5), at(4e9), at(1772355600)])).toEqual([
      "1: 1 at now",
      "1: 1 at now",
      "1: 1 at 09:00:00",
    ]);
  });

  it.each(["Mars/Olympus", "CEST+1"])("has no zone called %s", async (zone) => {
    const text = `topic: t/{device}\ntime: { field: ts, format: iso8601, zone: ${zone} }`;
    expect((await problemsOf(configOf(text))).join()).toContain(`"${zone}" is not a time zone`);
  });
});

describe("a topic", () => {
  it.each([
    ["leading-slash-json", "/milesight/{device}", BOTH, ["am307: 21.5,40 at now"]],
    ["empty-level", "plant//{device}/data", BOTH, ["pump: 1,2 at now"]],
    [
      "aws-shadow",
      "$aws/things/{device}/shadow/update/accepted",
      "max_age: 1h\ninputs: [{ name: a, field: /state/reported/temperature }, { name: b, field: /state/reported/humidity }]",
      ["t1: 21.5,40 at now", "t1: 21.6,40 at now"],
    ],
    [
      "utf8-topic",
      "haus/{device}/wetter",
      "inputs: [temperatur, feuchte]",
      ["küche: 21.5,40 at now", "温室: 25,70 at now"],
    ],
    [
      "frigate-stats",
      "frigate/stats",
      "inputs: [{ name: a, field: /cameras/front/camera_fps }, { name: b, field: /detectors/coral/inference_speed }]",
      ["room: 5.1,10.2 at now"],
    ],
    [
      "neuron-modbus-values",
      "neuron/{node}/{group}",
      "inputs: [{ name: a, field: /values/power }, { name: b, field: /values/voltage }]",
      ["modbus1/g: 512,231 at now"],
    ],
    [
      "tasmota-th-null",
      "tele/{device}/SENSOR",
      "inputs: [{ name: a, field: /AM2301/Temperature }, { name: b, field: /AM2301/Humidity }]",
      ["th: 21.5,40.2 at now", "th: missing_field"],
    ],
  ])("of %s is taken", async (fixture, topic, rest, expected) => {
    expect(await read(fixture, `topic: "${topic}"\n${rest}`)).toEqual(expected);
  });
});

describe("a device in the payload", () => {
  it("has a state of its own", async () => {
    const stream = `topic: rtl_433/pi/events\ndevice: "{/model}/{/id}"\ninputs: [{ name: t, field: temperature_C }, humidity]`;
    expect(await read("rtl433-events", stream)).toEqual([
      "Bresser-3CH/164: 21.5,40 at now",
      "Bresser-3CH/33: -4.5,80 at now",
    ]);
    const one = stream.replace('"{/model}/{/id}"', "{ field: id }");
    expect(await read("rtl433-events", one)).toEqual(["164: 21.5,40 at now", "33: -4.5,80 at now"]);
    expect(await read("rtl433-events", stream.replace("{/id}", "{/serial}"))).toEqual([
      "?: bad_device",
      "?: bad_device",
    ]);
  });

  it("is told apart by what where says", async () => {
    const stream = `topic: msh/{region}/2/json/{channel}/{gateway}\ndevice: { field: from }\nwhere: { type: telemetry }
inputs: [{ name: t, field: /payload/temperature }, { name: h, field: /payload/relative_humidity }]`;
    expect(await read("meshtastic-json", stream)).toEqual([
      "2864434177: 21.5,40.2 at now",
      "2864434999: -3.5,90 at now",
    ]);
    const other = stream.replace("type: telemetry", "type: [text, position]");
    expect(await read("meshtastic-json", other)).toEqual(["?: filtered", "?: filtered"]);
  });
});

describe("an array", () => {
  const KEPWARE = `topic: iotgateway\ninputs: [{ name: p, field: "/values[id=Ch1.Dev1.Power]/v" }, { name: u, field: "/values[id=Ch1.Dev1.Voltage]/v" }]`;
  it("is read by a member's value, whatever the order", async () => {
    expect(await read("kepware-tags", KEPWARE)).toEqual(["room: 512,231 at now", "room: 511,230 at now"]);
  });

  it("is read by position with a warning", async () => {
    const stream =
      "topic: tele/{device}/SENSOR\ninputs: [{ name: a, field: /ENERGY/Power/0 }, { name: b, field: /ENERGY/Power/1 }]";
    expect(await read("tasmota-energy-3phase", stream)).toEqual(["em: 41,12 at now"]);
    const { warnings } = await load(configOf(stream));
    expect(warnings[0]).toContain('streams.room.inputs[0].field "/ENERGY/Power/0" chooses an element by its position');
  });

  it("is a sample for each element, with its time, in order", async () => {
    const stream = `topic: telegraf/{host}/environment\neach: /metrics\ntime: { field: timestamp, format: unix }
inputs: [{ name: t, field: /fields/temperature }, { name: h, field: /fields/humidity }]`;
    expect(await read("telegraf-json-batch", stream)).toEqual(["pi: 21.5,40 at 09:00:00", "pi: 21.6,41 at 09:00:10"]);
    const { streams } = await load(configOf(stream));
    const metric = (timestamp: number, temperature: number | string) => ({
      fields: { temperature, humidity: 1 },
      timestamp,
    });
    const payload = Buffer.from(
      JSON.stringify({ metrics: [metric(1772355610, 2), metric(1, "x"), metric(1772355600, 1)] }),
    );
    expect(await wayOf(streams, [{ topic: "telegraf/pi/environment", payload, isRetained: false }])).toEqual([
      "pi: not_a_number",
      "pi: 1,1 at 09:00:00",
      "pi: 2,1 at 09:00:10",
    ]);
  });

  it("may be one element that is no array, as ThingsBoard sends it", async () => {
    const stream = `topic: v1/devices/me/telemetry\neach: ""\ntime: { field: ts, format: unix_ms }
inputs: [{ name: t, field: /values/temperature }, { name: h, field: /values/humidity }]`;
    expect(await read("thingsboard-device", stream)).toEqual([
      "room: 21.5,40 at 09:00:00",
      "room: 21.6,41 at 09:00:00",
    ]);
  });

  it("may stand below the name of its device", async () => {
    const stream = `topic: v1/gateway/telemetry\neach: "/{device}"\ntime: { field: ts, format: unix_ms }\ninputs: [{ name: t, field: /values/t }]`;
    const { streams } = await load(configOf(stream));
    const payload = Buffer.from(
      '{"A":[{"ts":1772355600000,"values":{"t":1}},{"ts":1772355601000,"values":{"t":2}}],"B":[{"ts":1772355600000,"values":{"t":3}}]}',
    );
    expect(await wayOf(streams, [{ topic: "v1/gateway/telemetry", payload, isRetained: false }])).toEqual([
      "A: 1 at 09:00:00",
      "A: 2 at 09:00:01",
      "B: 3 at 09:00:00",
    ]);
  });
});

describe("a format", () => {
  const SENML = `each: ""\ndevice: { field: bn }\ntime: { field: time, format: unix }\ninputs: [{ name: t, field: temp }, { name: h, field: hum }]`;
  it.each([
    [
      "senml-json-fixed",
      `topic: senml/a\npayload: senml\n${SENML}`,
      ["urn:dev:mac:0024befffe804ff1:: 21.5,40 at 09:00:00"],
    ],
    [
      "senml-json-order-and-batch",
      `topic: senml/a\npayload: senml\n${SENML}`,
      ["urn:dev:mac:0024befffe804ff1:: 21.5,40 at now", "d:: 21.5,40 at 09:00:00", "d:: 21.6,41 at 09:01:00"],
    ],
    [
      "senml-cbor",
      `topic: senml/{device}\npayload: senml_cbor\n${SENML.replace("device: { field: bn }\n", "")}`,
      ["a: 21.5,40 at now"],
    ],
    [
      "influx-line",
      `topic: telegraf/{host}/{measurement}\npayload: influx\neach: ""\ntime: { field: time, format: unix_ns }\ninputs: [{ name: t, field: /fields/temperature }, { name: h, field: /fields/humidity }]`,
      ["pi/environment: 21.5,40 at 09:00:00"],
    ],
    [
      "chirpstack4-no-codec",
      `topic: application/{app}/device/{device}/event/up\nunpack: { field: data, as: struct }\nstruct: [{ name: t, type: i16be, scale: 0.1 }, { name: h, type: i16be, scale: 0.1 }]\ninputs: [t, h]`,
      ["9f2c/70b3d50000000002: 21.5,40 at now"],
    ],
    [
      "ttn-v3-cayenne",
      `topic: v3/{app}/devices/{device}/up\ndevice: "{device}"\nunpack: { field: /uplink_message/frm_payload, as: cayenne_lpp }\ninputs: [{ name: t, field: temperature_1 }, { name: h, field: relative_humidity_2 }]`,
      ["th2: 21.5,40 at now"],
    ],
    [
      "ruuvi-gateway-raw",
      `topic: ruuvi/{gateway}/{mac}\ndevice: "{mac}"\ntime: { field: ts, format: unix }\nunpack: { field: data, encoding: hex, as: struct }\nstruct: [{ name: t, type: i16be, at: 8, scale: 0.005 }, { name: h, type: u16be, scale: 0.0025 }, { name: p, type: u16be, offset: 50000 }]\ninputs: [t, h, p]`,
      ["DD:EE:FF:00:00:01: 17.605,40,101440 at 08:59:59"],
    ],
  ])("of %s is read", async (fixture, stream, expected) => {
    expect(await read(fixture, stream)).toEqual(expected);
  });

  it("may be many samples of binary numbers", async () => {
    const { streams } = await load(
      configOf("topic: t/{device}\npayload: samples\nsamples: { type: f32le, interval: 500ms }\ninputs: [a, b]"),
    );
    const payload = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer);
    expect(await wayOf(streams, [{ topic: "t/1", payload, isRetained: false }])).toEqual([
      "1: 1,2 at 08:29:59",
      "1: 3,4 at now",
    ]);
  });

  it.each([
    ["payload: struct", 'a payload of struct needs "struct", its fields'],
    ["struct: [{ name: a, type: u8 }]", "a payload of json has no struct"],
    ["payload: samples", 'a payload of samples needs "samples"'],
    ["samples: { type: u8, interval: 1 }", "a payload of json has no samples"],
    ["payload: array\nencoding: hex", "a payload of array is read as it is"],
    ["unpack: { field: /a~, as: cbor }", "is not a JSON Pointer"],
  ])("is refused where it is said in part: %s", async (lines, message) => {
    expect((await problemsOf(configOf(`topic: t/{device}\n${lines}`))).join()).toContain(message);
  });
});

describe("a reading that two gateways hear", () => {
  it("is stepped once", async () => {
    const stream = `topic: home/{gw}/BTtoMQTT/{mac}\ndevice: "{mac}"\ndistinct: { fields: [tempc, hum], within: 5s }\ninputs: [{ name: t, field: tempc }, { name: h, field: hum }]`;
    expect(await read("theengs-openmqttgateway", stream)).toEqual([
      "A4C138000001: 21.5,40.1 at now",
      "A4C138000001: missing_field",
      "A4C138000001: repeated",
    ]);
  });
});

describe("sampling", () => {
  const message = (a: number) => ({ topic: "t/1", payload: Buffer.from(`{"a":${a}}`), isRetained: false });
  it("is configured", async () => {
    const text =
      "topic: t/{device}\ninterval: 1s\ngap: { after: 3x, do: reset, warmup: 3 }\ninputs: [{ name: a, max_rate: 5 }]";
    const { streams } = await load(configOf(text));
    expect(await wayOf(streams, [message(1), message(9), message(3)])).toEqual([
      "1: 1 at now",
      "1: too_fast",
      "1: 3 at now",
    ]);
    expect(streams[0]?.sampling?.gap).toEqual({ after: { times: 3 }, intervalMs: 1000, action: "reset", warmup: 3 });
    const resampled = await load(configOf("topic: t/{device}\nresample: 2s\ninputs: [a]"));
    expect(await wayOf(resampled.streams, [message(1), message(2), message(3)])).toEqual([
      "1 held",
      "1 held",
      "1: 2 at now",
      "1 held",
    ]);
  });

  it.each([
    ["trigger: any\nresample: 1s", "either trigger or resample, not both"],
    ["interval: 1s\nhealth: false", "the interval is looked at for a gap and for health only, there is neither"],
    ["distinct: { fields: [/a~], within: 1s }", "is not a JSON Pointer"],
    ["gap: { after: often, do: skip }", "expected"],
  ])("is refused: %s", async (lines, text) => {
    expect((await problemsOf(configOf(`topic: t/{device}\n${lines}\ninputs: [a]`))).join()).toContain(text);
  });
});
