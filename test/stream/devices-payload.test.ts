// Messages as real systems send them (test/vectors/devices), by the lines of YAML that read them.

import { describe, expect, it } from "vitest";
import { wayOf } from "../support/way.ts";
import { BOTH, configOf, load, problemsOf, read } from "./read-devices.ts";

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
