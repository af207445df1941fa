import { describe, expect, it } from "vitest";
import { obey, parseCommand } from "../../host/alarm/commands.ts";
import { DeviceAlarm } from "../../host/alarm/device-alarm.ts";
import { planAlarms } from "../../host/alarm/plan.ts";
import { createTestDetector, healthy } from "../support/alarms.ts";

const parse = (text: string) => parseCommand(new TextEncoder().encode(text));
const alarm = () => new DeviceAlarm(planAlarms({ file: createTestDetector(), inputs: ["speed"], isTimed: false }));
const tell = (text: string, more: Partial<Parameters<typeof obey>[1]> = {}) => {
  const { answer, ...rest } = obey(parse(text), { alarm: alarm(), n: 7, reset() {}, ...more }, 1000);
  return { ...rest, ...JSON.parse(answer) };
};

describe("parseCommand", () => {
  it("reads what a device can be told", () => {
    expect(parse('{"mute":"2h"}')).toMatchObject({ muteMs: 7_200_000, set: { mute: "2h" } });
    expect(parse('{"mute":false}').muteMs).toBe(0);
    expect(parse('{"alarms_per_week":0.5,"transaction":"x1"}')).toMatchObject({ perWeek: 0.5, transaction: "x1" });
    expect(parse('{"relearn":true,"reset":"all"}')).toMatchObject({ isRelearn: true, reset: "all" });
    expect(parse('{"reset":true}')).toMatchObject({ reset: "recent" });
  });

  it.each([
    ["mute", "the payload is not JSON"],
    ["[1]", "expected a JSON object"],
    ["{}", "there is no command"],
    ['{"mut":"2h"}', 'unknown command "mut", did you mean "mute"?'],
    ['{"__proto__":1}', 'unknown command "__proto__"'],
    ['{"mute":"soon"}', "mute: expected a duration such as 30s, 10m, 2h, 1d or 1w; 0 ends it"],
    ['{"alarms_per_week":0}', "alarms_per_week: expected a number above 0, 10000 at most"],
    ['{"acknowledge":1}', "acknowledge: expected true, of a device in alarm"],
    ['{"relearn":false}', "relearn: expected true, with detector: auto"],
    ['{"reset":"some"}', 'reset: expected true, or "all"'],
    ['{"reset":true,"transaction":{}}', "transaction is no text and no number"],
  ])("refuses %s", (text, error) => expect(parse(text)).toMatchObject({ error, set: {} }));
});

describe("obey", () => {
  it("does what it is told, and answers what holds now", () => {
    const watched = alarm();
    expect(tell('{"alarms_per_week":0.5,"transaction":3}', { alarm: watched })).toEqual({
      isDone: true,
      ok: true,
      set: { alarms_per_week: 0.5 },
      alarms_per_week: 0.5,
      n: 7,
      transaction: 3,
    });
    expect(watched.perWeek).toBe(0.5);
    let resets = 0;
    expect(tell('{"reset":true}', { alarm: undefined, reset: () => resets++ })).toMatchObject({ ok: true, n: 7 });
    expect(resets).toBe(1);
  });

  it("notes that somebody knows of an alarm", () => {
    const watched = alarm();
    for (let t = 0; t < 25; t++) watched.step([t < 20 ? healthy(t) : 500], 1000 * t);
    expect(tell('{"acknowledge":true}', { alarm: watched })).toMatchObject({ ok: true, set: { acknowledge: true } });
    expect(watched.step([500], 26_000)).toMatchObject({ isAlarm: true, isAcknowledged: true });
  });

  it.each([
    ['{"mute":1}', { n: 0 }, "this device has sent no reading yet"],
    ['{"mute":1}', { alarm: undefined }, "this stream has no detector"],
    ['{"acknowledge":true}', {}, "this device is not in alarm"],
    ['{"acknowledge":true}', { alarm: undefined }, "this stream has no detector"],
    ['{"relearn":true}', {}, "the detector is a file; calibrate it anew"],
    ['{"mute":"x"}', {}, "mute: expected a duration such as 30s, 10m, 2h, 1d or 1w; 0 ends it"],
  ])("does nothing of %s for %j, and tells why and what is allowed", (text, more, error) => {
    let resets = 0;
    const told = tell(text, { ...more, reset: () => resets++ });
    expect(told).toMatchObject({ isDone: false, ok: false, error, allowed: { mute: expect.any(String) } });
    expect(resets).toBe(0);
  });
});
