import { describe, expect, it } from "vitest";
import { expandPresets, linesOfPreset, PRESET_NAMES } from "../../host/config/presets/index.ts";
import { useConfigFolder } from "../support/config.ts";

const { load, problemsOf } = useConfigFolder();

const config = (stream: string) =>
  `broker: { url: "mqtt://localhost" }\nstreams:\n  room: { detector: auto, ${stream} }\n`;

describe("a preset", () => {
  it("becomes plain configuration, which can be used as it is", async () => {
    const { written } = await load(config("preset: tasmota, inputs: [temperature, AM2301/DewPoint]"));
    expect(written).toEqual({
      broker: { url: "mqtt://localhost" },
      streams: {
        room: {
          topic: "tele/{device}/SENSOR",
          detector: "auto",
          inputs: [
            { name: "temperature", field: "/*/Temperature", sentinels: [85, -127] },
            { name: "AM2301/DewPoint", field: "/AM2301/DewPoint" },
          ],
        },
      },
    });
    expect((await load(JSON.stringify(written))).written).toEqual(written);
  });

  it("stands below what the stream and its inputs say themselves", () => {
    expect(
      linesOfPreset("shelly", ["power", { name: "voltage", field: "/params/pm1:0/voltage", max_age: "1d" }], {
        max_age: "10m",
      }),
    ).toEqual({
      topic: "{device}/events/rpc",
      where: { method: ["NotifyStatus", "NotifyFullStatus"] },
      time: { field: "/params/ts", format: "unix", max_future: "1d" },
      max_age: "10m",
      inputs: [
        { name: "power", field: "/params/switch:0/apower" },
        { name: "voltage", field: "/params/pm1:0/voltage", max_age: "1d" },
      ],
    });
  });

  it("has other first levels where the user says so", () => {
    const of = (base?: string) => linesOfPreset("opendtu", ["power"], {}, base).inputs;
    expect(of()).toEqual([{ name: "power", topic: "solar/{device}/0/power" }]);
    expect(of("roof/dtu")).toEqual([{ name: "power", topic: "roof/dtu/{device}/0/power" }]);
    expect(of("")).toEqual([{ name: "power", topic: "{device}/0/power" }]);
    const expanded = expandPresets(
      { streams: { a: { preset: { name: "esphome", base: "home/" }, inputs: ["x"] } } },
      [],
    );
    expect(expanded).toEqual({ streams: { a: { inputs: [{ name: "x", topic: "home/{device}/sensor/x/state" }] } } });
  });

  it("has no first levels where the user says so", async () => {
    const text = config('preset: { name: theengs, base: "" }, inputs: [temperature]');
    expect((await load(text)).streams[0]?.sources[0]?.topic.text).toBe("{gateway}/BTtoMQTT/{mac}");
  });

  it("tells repeated readings apart by the fields of the quantities", () => {
    expect(linesOfPreset("theengs", ["temperature", "rssi"])).toMatchObject({
      distinct: { fields: ["tempc", "rssi"], within: "5s" },
      inputs: [{ name: "temperature", field: "tempc" }, "rssi"],
    });
  });

  it("depends on the format where a system has several", () => {
    expect(linesOfPreset("telegraf", ["used"], { payload: "influx" })).toEqual({
      topic: "telegraf/{host}/{measurement}",
      each: "",
      payload: "influx",
      time: { field: "time", format: "unix_ns" },
      inputs: [{ name: "used", field: "/fields/used" }],
    });
  });

  it.each(PRESET_NAMES.filter((name) => name !== "senml"))(
    "%s needs nothing but the names of quantities",
    async (name) => {
      expect(await problemsOf(config(`preset: ${name}, inputs: [temperature, humidity]`))).toEqual([]);
    },
  );

  it.each([
    ["preset: tasmoto, inputs: [a]", 'did you mean "tasmota"?'],
    ["preset: { name: tasmota, bse: x }, inputs: [a]", 'unknown key "bse", did you mean "base"?'],
    ["preset: 3, inputs: [a]", "streams.room.preset: found the number 3, expected one of"],
    [
      "preset: tasmota",
      'streams.room: preset tasmota needs "inputs", the names of the quantities, e.g. inputs: [temperature, humidity]',
    ],
    ["preset: tasmota, inputs: temperature", 'streams.room.inputs: found "temperature", expected a list'],
    ["preset: senml, inputs: [temp]", 'streams.room: "topic" is missing'],
    ["preset: tasmota, inputs: [{ nme: a }]", 'unknown key "nme", did you mean "name"?'],
    [
      "preset: homie5, inputs: [temperature, climate/humidity]",
      "the topics of the inputs would make different devices, {device}/{node} and {device}",
    ],
  ])("is refused: %s", async (stream, message) => {
    const problems = await problemsOf(config(stream));
    expect(problems.join("\n")).toContain(message);
  });
});
