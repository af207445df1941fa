// What real systems say becomes configurations that read it.

import { describe, expect, it } from "vitest";
import { describeFound } from "../../../tools/init/describe.ts";
import { streamsOf } from "../../../tools/init/streams.ts";
import { surveyOf } from "../../../tools/init/survey.ts";
import type { Heard } from "../../../tools/init/types.ts";
import { writeConfig } from "../../../tools/init/write.ts";
import { useConfigFolder } from "../../support/config.ts";
import { PRESET_CASES } from "../../support/presets.ts";
import { deviceMessages, wayOf } from "../../support/way.ts";

const { load } = useConfigFolder();
const START = 1_772_355_600_000;
const heardOf = (fixture: string): Heard[] =>
  deviceMessages(fixture).map((one, index) => ({ ...one, time: START + 1000 * index }));
const found = (messages: readonly Heard[]) => {
  const survey = surveyOf(messages);
  return { survey, streams: streamsOf(survey.devices) };
};
const configOf = (streams: ReturnType<typeof streamsOf>) =>
  writeConfig({ url: "mqtt://localhost", hasLogin: false, lines: {} }, streams, { file: "c.yaml", heard: "x" });

describe("what is heard of a system", () => {
  it.each(PRESET_CASES)(
    "$preset is recognised in $fixture, and read by what is written",
    async ({ preset, fixture }) => {
      const messages = heardOf(fixture);
      const { streams } = found(messages);
      expect(new Set(streams.map((stream) => stream.preset))).toEqual(new Set([preset]));
      const text = configOf(streams);
      const loaded = await load(text);
      expect(loaded.warnings).toEqual([]);
      const way = await wayOf(
        loaded.streams,
        deviceMessages(fixture).map((one) => ({ ...one, isRetained: false })),
      );
      expect([fixture, text, way.some((line) => line.includes(" at "))]).toEqual([fixture, text, true]);
    },
  );
});

/** Warned of: which phase comes first is not told. */
const PHASES = /chooses an element by its position/;

describe("what is heard of a system without a preset, or in another form than its preset's", () => {
  it.each([
    ["cayenne-mqtt", ["1", "2"]],
    ["frigate-stats", ["detectors_coral_inference_speed", "cameras_front_camera_fps", "cameras_front_detection_fps"]],
    ["kepware-tags", ["Ch1.Dev1.Power", "Ch1.Dev1.Voltage"]],
    ["losant", ["data_temperature", "data_humidity"]],
    ["neuron-modbus-values", ["values_power", "values_voltage"]],
    ["p1-dsmr-reader-json", ["phase_voltage_l1", "electricity_currently_delivered"]],
    ["rtl433-devices", ["temperature_C", "humidity"]],
    ["senml-cbor", ["temp", "hum"]],
    ["shelly-gen2-status", ["temperature_tC", "apower", "voltage", "current"]],
    ["utf8-topic", ["feuchte", "temperatur"]],
    ["zigbee2mqtt-attribute-output", ["temperature", "humidity"]],
  ])("is read by what is written: %s", async (fixture, inputs) => {
    const { streams } = found(heardOf(fixture));
    expect(streams.map((stream) => [...stream.inputs.map(({ name }) => name)].sort())).toEqual([[...inputs].sort()]);
    const loaded = await load(configOf(streams));
    expect(loaded.warnings).toEqual([]);
    const way = await wayOf(
      loaded.streams,
      deviceMessages(fixture).map((one) => ({ ...one, isRetained: false })),
    );
    expect(way.join("\n")).toContain(" at ");
  });

  it("has three phases by their position, which is warned of", async () => {
    const { streams } = found(heardOf("tasmota-energy-3phase"));
    expect(streams.map(({ inputs }) => inputs.map(({ name }) => name))).toEqual([
      [0, 1, 2].map((phase) => `ENERGY/Power/${phase}`).concat([0, 1, 2].map((phase) => `ENERGY/Voltage/${phase}`)),
    ]);
    const loaded = await load(configOf(streams));
    expect(loaded.warnings).toEqual(Array(6).fill(expect.stringMatching(PHASES)));
    expect((await wayOf(loaded.streams, deviceMessages("tasmota-energy-3phase"))).join("\n")).toContain(" at ");
  });

  it("says what keeps uplinks without a codec from being used", () => {
    const { survey, streams } = found(heardOf("chirpstack4-no-codec"));
    expect(describeFound(streams, survey).join("\n")).toMatch(
      /cannot be used: application\/9f2c\/device\/70b3d50000000002\/event\/up\n {5}its bytes are not decoded: give the devices a codec/,
    );
  });
});

/** A message of some text, so many seconds after the start. */
const say = (topic: string, payload: unknown, seconds = 0, isRetained = false): Heard => ({
  topic,
  payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
  isRetained,
  time: START + 1000 * seconds,
});

describe("a stream that is found", () => {
  it("has the devices that bring the same quantities, their rhythm and ranges", () => {
    const climate = (device: string, temperature: number, seconds: number) =>
      say(`zigbee2mqtt/${device}`, { temperature, humidity: 40, battery: 90, linkquality: 20, voltage: 3000 }, seconds);
    const { streams } = found([
      say("zigbee2mqtt/bridge/state", { state: "online" }, 0, true),
      say("zigbee2mqtt/attic", { temperature: -40, humidity: 1 }, 0, true),
      climate("attic", 4, 0),
      climate("cellar", 14, 1),
      climate("attic", 5, 60),
      climate("cellar", 15, 71),
      climate("attic", 6, 120),
      say("zigbee2mqtt/plug", { power: 12, voltage: 230, state: "ON", energy: 3 }, 3),
    ]);
    expect(streams).toMatchObject([
      {
        name: "temperature-humidity",
        preset: "zigbee2mqtt",
        devices: ["attic", "cellar"],
        inputs: [
          { name: "temperature", least: -40, greatest: 15 },
          { name: "humidity", least: 1, greatest: 40 },
        ],
        others: ["battery", "linkquality", "voltage"],
        intervalMs: 70_000,
      },
      {
        name: "power-voltage",
        devices: ["plug"],
        lines: { except: expect.arrayContaining(["zigbee2mqtt/bridge/#", "zigbee2mqtt/attic", "zigbee2mqtt/cellar"]) },
        intervalMs: undefined,
      },
    ]);
  });

  it("may be of a system behind other first levels", () => {
    const { streams } = found([say("home/z2m/bridge/info", "{}", 0, true), say("home/z2m/porch", { temperature: 3 })]);
    expect(configOf(streams)).toContain("preset: { name: zigbee2mqtt, base: home/z2m }");
    expect(streams[0]?.devices).toEqual(["porch"]);
  });

  it("may be of no system: what differs in topics that begin alike is captured", async () => {
    const { streams } = found([
      say("plant/north/pump1/data", { motor: { speed: 1480 }, pressure: 3, ts: 1_772_355_600 }),
      say("plant/north/pump2/data", { motor: { speed: 1490 }, pressure: 3.5, ts: 1_772_355_600 }),
      say("plant/south/pump1/data", { motor: { speed: 1475 }, pressure: 4, ts: 1_772_355_600 }),
      say("garden/bed1/soil", "31.5"),
      say("garden/bed1/light", "800"),
      say("garden/bed2/soil", "28"),
      say("garden/bed2/light", "810"),
    ]);
    const loaded = await load(configOf(streams));
    expect(streams.map(({ name, lines, inputs }) => ({ name, lines, inputs: inputs.map((one) => one.lines) }))).toEqual(
      [
        {
          name: "pressure-motor_speed",
          lines: { topic: "plant/{area}/{device}/data" },
          inputs: [{}, { field: "/motor/speed" }],
        },
        {
          name: "light-soil",
          lines: {},
          inputs: [
            { topic: "garden/{device}/light", payload: "number" },
            { topic: "garden/{device}/soil", payload: "number" },
          ],
        },
      ],
    );
    expect(loaded.streams.length).toBe(2);
  });

  it("holds older values where messages bring some of the inputs each", () => {
    const { streams } = found([say("meter/1", { p: 5 }), say("meter/1", { p: 6, data: { u: 230 } })]);
    expect(streams[0]).toMatchObject({
      lines: { max_age: "1h" },
      inputs: [{ name: "data_u", lines: { field: "/data/u" } }, { name: "p" }],
    });
  });

  it("is none of what the host publishes, of discovery, settings and texts", () => {
    const { streams, survey } = found([
      say("rivulet/rooms/attic", { n: 5, prediction: [1] }),
      say("homeassistant/sensor/x/config", { expire_after: 60 }),
      say("lamp/set", { brightness: 5 }),
      say("door", "open"),
      say("$SYS/broker/uptime", "5 seconds"),
      say("huge", `{"a":"${"x".repeat(70_000)}","b":1}`),
    ]);
    expect(streams).toEqual([]);
    expect(survey.strangers).toEqual(["door", "huge"]);
    expect(survey.hasHomeAssistant).toBe(true);
    expect(surveyOf([say("homeassistant/sensor/x/state", "5")]).hasHomeAssistant).toBe(false);
  });

  it("is of no system where a preset cannot say how its topics begin", async () => {
    const { streams } = found([
      say("/shelly1/events/rpc", { method: "NotifyStatus", params: { "switch:0": { apower: 5 } } }),
    ]);
    expect(streams.map(({ preset, lines }) => [preset, lines.topic])).toEqual([[undefined, "/shelly1/events/rpc"]]);
    expect((await load(configOf(streams))).streams.length).toBe(1);
  });

  it("is named apart from others, and for what it has", () => {
    const { streams } = found([
      say("a/1", { temperature: 1, humidity: 2 }),
      say("b/x/1", { temperature: 1, humidity: 2 }),
      say("b/1", { temperature: 1, humidity: 2 }),
      say("b/1/x/y", { temperature: 1, humidity: 2 }),
      say("c/1/sensor", "5"),
    ]);
    expect(streams.map(({ name }) => name)).toEqual([
      "temperature-humidity",
      "b-temperature-humidity",
      "temperature-humidity-2",
      "temperature-humidity-3",
      // Topics of ESPHome, {device}/sensor/…, would match what a stream called sensor publishes.
      "c-sensor",
    ]);
  });

  it("is written as it can be read, whatever names the network has", async () => {
    const { streams, survey } = found([
      say("odd/a: b", { "y: &z #": 1, "'\"": 2, "{}": 3, "- x": 4, "a\nb": 5 }),
      say("odd/{x}", { temperature: 1 }),
      say("odd/{x}/y", "5"),
    ]);
    const loaded = await load(configOf(streams));
    expect(loaded.streams[0]?.inputs?.map(({ name }) => name).sort()).toEqual(["'\"", "- x", "y: &z #"]);
    expect(survey.strangers).toEqual(["odd/{x}", "odd/{x}/y"]);
  });
});

describe("everything at once", () => {
  it("is read stream by stream", async () => {
    const fixtures = [...new Set(PRESET_CASES.map(({ fixture }) => fixture))];
    const messages = fixtures.flatMap(heardOf);
    const { streams } = found(messages);
    const loaded = await load(configOf(streams));
    const silent: string[] = [];
    for (const stream of loaded.streams) {
      const way = await wayOf(
        [stream],
        messages.map((one) => ({ ...one, isRetained: false })),
      );
      if (!way.some((line) => line.includes(" at "))) silent.push(stream.name);
    }
    expect(silent).toEqual([]);
  });
});
