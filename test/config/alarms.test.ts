import { describe, expect, it } from "vitest";
import { alarmSettings, learningPlan } from "../../host/config/alarms.ts";
import { useConfigFolder } from "../support/config.ts";

const { load, problemsOf } = useConfigFolder();

const config = (...lines: string[]) =>
  ["broker: { url: 'mqtt://localhost' }\nstreams:\n  pump:", "topic: plant/{device}/data", ...lines].join("\n    ");

describe("alarms of a stream", () => {
  it("come from a detector, beside a model or without, with durations in milliseconds", async () => {
    const { streams } = await load(
      config("detector: d.safetensors", "alarms: { per_week: .5, hold: 10m, min_duration: 30, mute_after_gap: 1h }"),
    );
    expect(alarmSettings(streams[0]!.config)).toEqual({
      perWeek: 0.5,
      holdMs: 600_000,
      whileUnusualMs: 86_400_000,
      minDurationMs: 30_000,
      muteAfterGapMs: 3_600_000,
    });
    const both = await load(config("model: m.safetensors", "detector: d.safetensors"));
    expect(alarmSettings(both.streams[0]!.config)).toEqual({ whileUnusualMs: 86_400_000 });
    const ends = await load(config("detector: d.safetensors", "alarms: { while_unusual: 0 }"));
    expect(alarmSettings(ends.streams[0]!.config)).toEqual({ whileUnusualMs: 0 });
  });

  it("are not to be commanded unless that is asked for", async () => {
    const { streams } = await load(config("detector: d.safetensors"));
    expect(streams[0]!.config.commands).toBe(false);
    const asked = await load(config("detector: d.safetensors", "commands: true"));
    expect(asked.streams[0]!.config.commands).toBe(true);
  });

  it("learn from samples or for a time, with a period that fits twice", async () => {
    const planOf = async (...lines: string[]) => {
      const { streams } = await load(config("detector: auto", "payload: number", ...lines));
      return learningPlan(streams[0]!.config, ["value"]);
    };
    expect(await planOf()).toMatchObject({ learn: { rows: 1000 }, periodMs: "auto", isTimed: false });
    expect(await planOf("learn: 500", "period: none")).toMatchObject({ learn: { rows: 500 }, periodMs: undefined });
    expect(await planOf("learn: 2w", "period: week")).toMatchObject({
      learn: { ms: 1_209_600_000 },
      periodMs: 604_800_000,
    });
  });

  it.each([
    [
      ["detector: auto"],
      'config.yaml:5:15 streams.pump.detector: auto needs "inputs", the names of the fields to watch; a payload of number does not',
    ],
    [
      ["detector: auto", "payload: number", "learn: 20"],
      "config.yaml:7:12 streams.pump.learn: found 20, expected at least 100 samples; 500 or more are better",
    ],
    [
      ["detector: auto", "payload: number", "learn: 1d", "period: day"],
      "config.yaml:8:13 streams.pump.period: a period of day has to fit twice into what is learnt, which is 1d",
    ],
    [["detector: d", "learn: 500"], "config.yaml:6:12 streams.pump.learn: belongs to detector: auto"],
    [
      ["detector: auto", "payload: number", "period: month"],
      "config.yaml:7:13 streams.pump.period: expected auto, none, day, week, or a duration such as 30s, 10m, 2h, 1d or 1w",
    ],
    [[], 'config.yaml:3:3 streams.pump: a stream needs a "model", a "detector" or "collect"'],
    [["detector: d", "numeric: q15"], "config.yaml:6:14 streams.pump.numeric: belongs to a model, there is none"],
    [
      ["detector: d", "alarms: { hold: 10 minutes }"],
      "config.yaml:6:21 streams.pump.alarms.hold: expected a duration such as 30s, 10m, 2h, 1d or 1w, or a number of seconds",
    ],
    [
      ["detector: d", "alarms: { per_week: 0 }"],
      "config.yaml:6:25 streams.pump.alarms.per_week: found 0, expected more than 0",
    ],
    [
      ["detector: d", "alarms: { per_weak: 1 }"],
      'config.yaml:6:15 streams.pump.alarms: unknown key "per_weak", did you mean "per_week"?',
    ],
  ])("are refused: %j", async (lines, problem) => {
    expect(await problemsOf(config(...lines))).toEqual([problem]);
  });
});
