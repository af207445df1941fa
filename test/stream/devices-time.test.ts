// Messages as real systems send them (test/vectors/devices), by the lines of YAML that read them.

import { describe, expect, it } from "vitest";
import { wayOf } from "../support/way.ts";
import { configOf, load, problemsOf, read } from "./read-devices.ts";

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
