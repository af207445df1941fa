import { describe, expect, it } from "vitest";
import { collectedOf } from "../../host/config/collect-schema.ts";
import { useConfigFolder } from "../support/config.ts";

const { load, problemsOf } = useConfigFolder();
const stream = (fields: string, more = "") =>
  `broker: { url: "mqtt://plant" }\n${more}\nstreams:\n  pump: { topic: "plant/{device}", ${fields} }\n`;

describe("collect", () => {
  it.each([
    ["collect: 7d, inputs: [speed]", { ageMs: 604_800_000, mostBytes: 2 ** 30 }],
    ["collect: { for: 90, megabytes: 0.5 }, payload: number", { ageMs: 90_000, mostBytes: 2 ** 19 }],
  ])("is enough for a stream: %s", async (fields, bounds) => {
    const { config } = await load(stream(fields));
    expect(collectedOf(config.streams.pump!)).toEqual(bounds);
  });

  it.each([
    ["collect: 7d", "", 'streams.pump.collect: without a model it needs "inputs", the names of the fields to keep'],
    ["collect: soon, inputs: [a]", "", 'streams.pump.collect: found "soon", expected seconds, or a duration'],
    [
      "collect: 7d, inputs: [a]",
      "state: { memory: true }",
      "streams.pump.collect: readings are kept in the state directory",
    ],
    [
      "collect: 7d, inputs: [a, time]",
      "",
      "streams.pump.inputs[1]: time is a column of what is collected, take another",
    ],
    ["inputs: [a]", "", 'streams.pump: a stream needs a "model", a "detector" or "collect"'],
  ])("refuses %s %s", async (fields, more, problem) => {
    expect((await problemsOf(stream(fields, more))).join("\n")).toContain(problem);
  });
});
