import { describe, expect, it } from "vitest";
import type { Problem } from "../../host/config/document.ts";
import { healthOf } from "../../host/config/health-schema.ts";
import { useConfigFolder } from "../support/config.ts";

const { load, problemsOf } = useConfigFolder();
const stream = (fields: string) =>
  `broker: { url: "mqtt://plant" }\nstreams:\n  pump: { topic: "plant/{device}", collect: 1d, inputs: [a, b]${fields} }\n`;

describe("health", () => {
  it.each([
    ["", { stale: { times: 3 }, intervalMs: undefined, stuckMs: [undefined, undefined] }],
    [", interval: 60s, health: true", { stale: { times: 3 }, intervalMs: 60_000 }],
    [", health: { stale: 2h, stuck: 1d }", { stale: { ms: 7_200_000 }, stuckMs: [86_400_000, 86_400_000] }],
    [", health: { stale: 5x, stuck: { b: 90 } }", { stale: { times: 5 }, stuckMs: [undefined, 90_000] }],
  ])("is asked for by %j", async (fields, plan) => {
    const { config } = await load(stream(fields));
    const problems: Problem[] = [];
    expect(healthOf(config.streams.pump!, ["a", "b"], [], problems)).toMatchObject(plan);
    expect(problems).toEqual([]);
  });

  it("can be left out", async () => {
    const { config } = await load(stream(", health: false"));
    expect(healthOf(config.streams.pump!, ["a", "b"], [], [])).toBeUndefined();
  });

  it("refuses inputs that there are not", async () => {
    const { config } = await load(stream(", health: { stuck: { c: 1h } }"));
    const problems: Problem[] = [];
    healthOf(config.streams.pump!, ["a", "b"], ["streams", "pump"], problems);
    expect(problems).toEqual([
      { path: ["streams", "pump", "health", "stuck"], key: "c", message: '"c" is no input; they are a, b' },
    ]);
  });

  it("refuses what is no time", async () => {
    expect((await problemsOf(stream(", health: { stale: often }"))).join("\n")).toContain(
      "streams.pump.health.stale: expected a multiple of the interval such as 3x, seconds, or a duration",
    );
  });
});
