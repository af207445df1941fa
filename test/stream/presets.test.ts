// Every preset, over messages as the system sends them.

import { describe, expect, it } from "vitest";
import { PRESET_NAMES } from "../../host/config/presets/index.ts";
import { useConfigFolder } from "../support/config.ts";
import { PRESET_CASES } from "../support/presets.ts";
import { deviceMessages, wayOf } from "../support/way.ts";

const { load } = useConfigFolder();

describe("a preset", () => {
  it.each(PRESET_CASES)("$preset reads $fixture", async ({ preset, fixture, stream, way }) => {
    const text = `broker: { url: "mqtt://localhost" }\nstreams:\n  room: { detector: auto, preset: ${preset}, ${stream} }\n`;
    const { streams } = await load(text);
    expect(await wayOf(streams, deviceMessages(fixture))).toEqual(way);
  });

  it("has a case each", () => {
    expect(new Set(PRESET_CASES.map(({ preset }) => preset))).toEqual(new Set(PRESET_NAMES));
  });
});

describe("two sensors of a kind", () => {
  it("are two inputs: what may be either is refused, with their names", async () => {
    const text =
      'broker: { url: "mqtt://localhost" }\nstreams:\n  room: { detector: auto, preset: tasmota, inputs: [temperature] }\n';
    const { streams } = await load(text);
    const message = (payload: string) => ({ topic: "tele/a/SENSOR", payload: Buffer.from(payload), isRetained: false });
    expect(
      await wayOf(streams, [
        message('{"DS18B20-1":{"Temperature":20},"DS18B20-2":{"Temperature":21}}'),
        message('{"DS18B20-1":{"Temperature":20},"DS18B20-2":{"Temperature":null}}'),
        message('{"Time":"2026-03-01T10:00:00","DS18B20":{"Temperature":20}}'),
        message('{"DS18B20":{"Temperature":85}}'),
      ]),
    ).toEqual(["a: ambiguous", "a: ambiguous", "a: 20 at now", "a: sentinel"]);
  });
});
