// What `rivulet check` says of a message, outcome by outcome.

import { describe, expect, it } from "vitest";
import type { Anomaly } from "../../../host/alarm/types.ts";
import type { MessageOutcome } from "../../../host/mqtt/outcomes.ts";
import type { WayStep } from "../../../host/mqtt/rehearsal.ts";
import type { StreamOptions } from "../../../host/mqtt/stream.ts";
import { parseTopicTemplate } from "../../../host/stream/topic.ts";
import { describeUnmatched } from "../../../tools/check/topics.ts";
import { WayWriter } from "../../../tools/check/way.ts";

const NOON = Date.UTC(2026, 2, 1, 12);
const MESSAGE = { topic: "plant/7/data", payload: new Uint8Array(5), isRetained: false, time: NOON };
const STREAM = {
  name: "pump",
  runtime: { numeric: "f32", model: { spec: { inputs: [{ name: "flow" }, { name: "level" }] } } },
} as unknown as StreamOptions;

const reading = (sample: readonly number[], more: object = {}): WayStep => ({
  kind: "reading",
  stream: "pump",
  device: undefined,
  reading: { sample: Float64Array.from(sample), time: undefined, ...more } as never,
});
const outcome = (kind: MessageOutcome["kind"], more: object): WayStep => ({
  kind: "outcome",
  outcome: { kind, stream: "pump", device: "7", ...more } as MessageOutcome,
});
const step = (sample: readonly number[], more: object = {}) =>
  outcome("step", { time: NOON, n: 3, sample: Float64Array.from(sample), prediction: [], residual: [], ...more });

const describeWay = (...steps: readonly WayStep[]) => new WayWriter([STREAM]).describe(MESSAGE, steps);
const detectorLine = (anomaly: Partial<Anomaly>) =>
  describeWay(step([1, 2], { anomaly: { score: 1.5, isAlarm: false, warmup: 0, ...anomaly } })).at(-1);

describe("the way of a message in words", () => {
  it("is that of a sample: inputs, prediction and residual", () => {
    expect(describeWay(reading([1.5, 20]), step([1.5, 20], { prediction: [21.25], residual: [null] }))).toEqual([
      "stream pump, device 7, 2026-03-01T12:00:00.000Z (arrival): sample 3",
      "  flow   1.5",
      "  level  20",
      "  → prediction  21.25",
      "  → residual    none",
    ]);
  });

  it.each<[Partial<Anomaly>, string]>([
    [{}, "score 1.5"],
    [{ score: null }, "not judged"],
    [{ isAlarm: true }, "score 1.5, alarm"],
    [{ warmup: 1 }, "score 1.5, 1 samples of warm-up to come"],
    [{ learning: 0.999 }, "learning, 99 %"],
    [{ learning: 1, reason: "it never stands still" }, "learning, 100 %: it never stands still"],
  ])("is that of a detector: %j", (anomaly, text) => {
    expect(detectorLine(anomaly)).toBe(`  → detector  ${text}`);
  });

  it("says whose clock a time is of", () => {
    const own = (more: object, at: number) => describeWay(reading([1, 2], more), step([1, 2], { time: at }))[0];
    expect(own({}, NOON)).toContain("(arrival)");
    expect(own({ time: NOON - 1000 }, NOON - 1000)).toContain("11:59:59.000Z (in the payload)");
    expect(own({ isTimeReplaced: true }, NOON)).toContain("(arrival: the time in the payload cannot be right)");
    expect(describeWay(step([1, 2]))[0]).toBe("stream pump, device 7, 2026-03-01T12:00:00.000Z: sample 3");
  });

  it("is written as a number where it is no date", () => {
    const greatest = 8.64e15;
    expect(describeWay(step([1, 2], { time: greatest }))[0]).toContain("+275760-09-13T00:00:00.000Z");
    expect(describeWay(step([1, 2], { time: greatest + 2 }))[0]).toContain("time 8640000000000002");
  });

  it("takes the reading of the right time where a message brings several", () => {
    const lines = describeWay(
      reading([1, 2], { time: NOON - 2000 }),
      reading([3, 4], { time: NOON - 1000, isTimeReplaced: true }),
      outcome("hold", { time: NOON - 1000, text: "level is too old" }),
    );
    expect(lines[0]).toContain("cannot be right): values are remembered, no sample yet: level is too old");
    expect(lines.slice(1)).toEqual(["  flow   3", "  level  4"]);
  });

  it("says that values are remembered, with those that are not there", () => {
    expect(describeWay(reading([1, Number.NaN]), outcome("hold", { time: NOON }))).toEqual([
      "stream pump, device 7, 2026-03-01T12:00:00.000Z (arrival): values are remembered, no sample yet",
      "  flow   1",
      "  level  no value",
    ]);
  });

  it("says since when a value was held that came in a message before", () => {
    const writer = new WayWriter([STREAM]);
    writer.describe({ ...MESSAGE, time: NOON - 60_000 }, [reading([5, Number.NaN]), outcome("hold", { time: NOON })]);
    expect(writer.describe(MESSAGE, [reading([Number.NaN, 6]), step([5, 6])]).slice(1)).toEqual([
      "  flow   5  held since 2026-03-01T11:59:00.000Z",
      "  level  6",
    ]);
  });

  it.each([
    ["7", "no number (topic plant/7/data)", "stream pump, device 7: rejected, not_json: no number"],
    [undefined, "no number", "stream pump: rejected, not_json: no number"],
    [
      "7",
      "no number (topic plant/8/data)",
      "stream pump, device 7: rejected, not_json: no number (topic plant/8/data)",
    ],
  ])("says why it was rejected, without the topic that stands above (device %s)", (device, text, line) => {
    expect(describeWay(outcome("reject", { device, reason: "not_json", text }))).toEqual([line]);
  });

  it("says what became of a command, and what was asked for", () => {
    expect(describeWay(outcome("command", { outcome: { isDone: true } }))).toEqual([
      "stream pump, device 7: a command, which is obeyed",
    ]);
    expect(
      describeWay(outcome("command", { outcome: { isDone: false } }), {
        kind: "asked",
        topic: "spBv1.0/g/NCMD/n",
        payload: new Uint8Array(12),
      }),
    ).toEqual([
      "stream pump, device 7: a command, which is refused",
      "asked for another message by spBv1.0/g/NCMD/n, 12 bytes",
    ]);
  });
});

describe("describeUnmatched", () => {
  const streams = (...templates: readonly string[]) =>
    templates.map((text, i) => ({
      name: `s${i}`,
      sources: [{ topic: parseTopicTemplate(text) }],
    })) as unknown as StreamOptions[];

  it("puts the template first that comes nearest", () => {
    expect(describeUnmatched("a/b/c", streams("x/b/c", "a/b/{device}/d", "a/x/c"))).toEqual([
      "stream s1 takes a/b/{device}/d: the topic has 3 levels, expected 4",
      'stream s2 takes a/x/c: level 2 is "b", expected "x"',
      'stream s0 takes x/b/c: level 1 is "a", expected "x"',
    ]);
  });

  it("looks no further than a part of any length", () => {
    expect(describeUnmatched("a", streams("a/{rest+}", "a/#/x".slice(0, 3)))[0]).toMatch(/^stream s\d takes a\//);
    expect(describeUnmatched("b/c", streams("a/{rest+}"))).toEqual([
      'stream s0 takes a/{rest+}: level 1 is "b", expected "a"',
    ]);
  });

  it("says nothing of commands", () => {
    const [stream] = streams("a/b") as [StreamOptions];
    const command = { ...stream, sources: [{ ...stream.sources[0], isCommand: true }] } as unknown as StreamOptions;
    expect(describeUnmatched("x", [command])).toEqual([]);
  });
});
