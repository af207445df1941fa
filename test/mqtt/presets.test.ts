// All presets at once through a real broker: what `rivulet check` rehearses is what happens.

import { writeFile } from "node:fs/promises";
import mqtt from "mqtt";
import { describe, expect, it } from "vitest";
import { startRun } from "../../host/run.ts";
import { createTestLog, until } from "../support/bridge.ts";
import { useConfigFolder } from "../support/config.ts";
import { hasMosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { PRESET_CASES } from "../support/presets.ts";
import { deviceMessages, wayOf } from "../support/way.ts";

const { load, path } = useConfigFolder();

/** One case for each preset, whose topics are those of no other. */
const CASES = PRESET_CASES.filter(
  ({ preset }, index) => PRESET_CASES.findIndex((other) => other.preset === preset) === index,
);
// A broker hands on what is published with the retain flag as live news to whoever is there.
const MESSAGES = CASES.flatMap(({ fixture }) => deviceMessages(fixture)).map((one) => ({ ...one, isRetained: false }));

describe("presets with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  it("step the samples that are rehearsed", async () => {
    const broker = await startMosquitto();
    const streams = CASES.map(
      ({ preset, stream }) => `  ${preset}: { detector: auto, preset: ${preset}, ${stream} }`,
    ).join("\n");
    const text = `broker: { url: "${broker.url}" }\nstate: { memory: true }\nstreams:\n${streams}\n`;
    const expected = new Map<string, string[]>();
    for (const stream of (await load(text)).streams) {
      const lines = await wayOf([stream], MESSAGES);
      expected.set(
        stream.name,
        lines.filter((line) => line.includes(" at ")).map((line) => line.replace(/ at .*/, "")),
      );
    }
    expect([...expected].filter(([, steps]) => steps.length === 0)).toEqual([]);

    await writeFile(path("config.yaml"), text);
    const run = await startRun({ file: path("config.yaml"), env: {}, log: createTestLog() });
    const found = new Map<string, string[]>(CASES.map(({ preset }) => [preset, []]));
    run.onOutcome((outcome) => {
      if (outcome.kind !== "step") return;
      const values = Array.from(outcome.sample, (value) => Number(value.toPrecision(7)));
      found.get(outcome.stream)?.push(`${outcome.device}: ${values}`);
    });
    await run.ready;
    const client = await mqtt.connectAsync(broker.url);
    try {
      for (const { topic, payload } of MESSAGES) await client.publishAsync(topic, Buffer.from(payload), { qos: 1 });
      const count = [...expected.values()].flat().length;
      await until(() => [...found.values()].flat().length >= count);
      expect(found).toEqual(expected);
    } finally {
      await client.endAsync();
      await run.stop();
      await broker.close();
    }
  });
});
