import { describe, expect, it } from "vitest";
import { DeviceHealth, formatHealth, type HealthPlan, parseMemory } from "../../host/health/device-health.ts";
import { spanText } from "../../host/health/words.ts";
import { mulberry32 } from "../support/random.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = 1_732_000_000_000;

const plan = (more: Partial<HealthPlan> = {}): HealthPlan => ({
  stale: { times: 3 },
  inputs: ["temperature", "humidity"],
  stuckMs: [undefined, undefined],
  ...more,
});

/** Takes readings in at a rhythm; answers when the last one came. */
function feed(device: DeviceHealth, count: number, every: number, from = START): number {
  for (let i = 0; i < count; i++) device.reading(from + i * every, START, [i, 0]);
  return from + (count - 1) * every;
}

describe("a device", () => {
  it("is well once its rhythm is known, and stale after three times its longest usual gap", () => {
    const device = new DeviceHealth(plan());
    for (let i = 0; i < 8; i++) expect(device.reading(START + i * MINUTE, START, [i, 0])).toBeUndefined();
    const last = START + 8 * MINUTE;
    expect(device.reading(last, START, [8, 0])).toEqual({ health: "ok", since: last, why: null });
    expect(device.tick(last + 3 * MINUTE, START)).toBeUndefined();
    expect(device.tick(last + 3 * MINUTE + 1, START)).toEqual({
      health: "stale",
      since: last,
      why: "no reading for 3 min, the longest usual gap is 1 min",
    });
    expect(device.tick(last + 4 * MINUTE, START)).toBeUndefined();
    const back = last + HOUR;
    expect(device.reading(back, START, [9, 0])).toEqual({ health: "ok", since: back, why: null });
  });

  it("may report by chance, as when a value changes: its longest gap counts", () => {
    const random = mulberry32(7);
    const device = new DeviceHealth(plan());
    let [now, stale] = [START, 0];
    for (let i = 0; i < 5000; i++) {
      const gap = -5 * MINUTE * Math.log(1 - random());
      if (device.tick(now + gap - 1, START) !== undefined) stale++;
      now += gap;
      device.reading(now, START, [i, 0]);
    }
    expect(stale).toBeLessThanOrEqual(3);
    expect(device.tick(now + 3 * HOUR, START)?.health).toBe("stale");
  });

  it("is not judged by the samples of one message, which come at once", () => {
    const device = new DeviceHealth(plan());
    for (let message = 0; message < 20; message++) {
      for (let sample = 0; sample < 50; sample++) {
        device.reading(START + message * MINUTE + sample / 50, START, [sample, 0]);
      }
    }
    expect(device.tick(START + 19 * MINUTE + 2 * MINUTE, START)).toBeUndefined();
    expect(device.tick(START + 19 * MINUTE + 4 * MINUTE, START)?.health).toBe("stale");
  });

  it("is given time where nobody listened, and does not learn from that", () => {
    const device = new DeviceHealth(plan());
    const last = feed(device, 20, MINUTE);
    const start = last + 5 * HOUR;
    expect(device.tick(start + 2 * MINUTE, start)).toBeUndefined();
    device.reading(start + 2 * MINUTE, start, [1, 0]);
    expect(device.tick(start + 5 * MINUTE + 1, start)?.health).toBe("stale");
  });

  it("gets used to a slower rhythm", () => {
    const device = new DeviceHealth(plan());
    let last = feed(device, 20, MINUTE);
    let stale = 0;
    for (let i = 0; i < 30; i++) {
      if (device.tick(last + 10 * MINUTE - 1, START) !== undefined) stale++;
      last += 10 * MINUTE;
      device.reading(last, START, [i, 0]);
    }
    expect(stale).toBeLessThanOrEqual(3);
  });

  it.each([
    ["a time", plan({ stale: { ms: 10 * MINUTE } }), "no reading for 10 min"],
    ["an interval", plan({ intervalMs: 200_000 }), "no reading for 10 min, one is due every 3.3 min"],
  ])("is judged from the first reading where %s is given", (_, given, why) => {
    const device = new DeviceHealth(given);
    expect(device.reading(START, START, [1, 2])?.health).toBe("ok");
    expect(device.tick(START + 10 * MINUTE, START)).toBeUndefined();
    expect(device.tick(START + 10 * MINUTE + 1, START)).toEqual({ health: "stale", since: START, why });
  });

  it("is stuck when an input has had one value for too long, until it has another", () => {
    const device = new DeviceHealth(plan({ intervalMs: MINUTE, stuckMs: [HOUR, undefined] }));
    for (let i = 0; i <= 60; i++)
      expect(device.reading(START + i * MINUTE, START, [21.5, i])?.health).not.toBe("stuck");
    expect(device.reading(START + 61 * MINUTE, START, [21.5, 0])).toEqual({
      health: "stuck",
      since: START,
      why: "temperature has been 21.5 for more than 1 h",
    });
    expect(device.reading(START + 62 * MINUTE, START, [21.5, 0])).toBeUndefined();
    expect(device.reading(START + 63 * MINUTE, START, undefined)).toBeUndefined();
    const better = START + 64 * MINUTE;
    expect(device.reading(better, START, [21.6, 0])).toEqual({ health: "ok", since: better, why: null });
  });

  it("that was stuck and became silent is stuck again when it repeats the same", () => {
    const device = new DeviceHealth(plan({ intervalMs: MINUTE, stuckMs: [HOUR, undefined] }));
    for (let i = 0; i <= 61; i++) device.reading(START + i * MINUTE, START, [21.5, i]);
    expect(device.tick(START + 70 * MINUTE, START)?.health).toBe("stale");
    expect(device.reading(START + 71 * MINUTE, START, [21.5, 0])).toMatchObject({ health: "stuck", since: START });
  });

  it("is the same from what was kept of it", () => {
    const given = plan({ stuckMs: [HOUR, HOUR] });
    const device = new DeviceHealth(given);
    const last = feed(device, 20, MINUTE);
    device.tick(last + HOUR, START);
    const again = new DeviceHealth(given, parseMemory(JSON.stringify(device.memory())));
    expect(again.memory()).toEqual(device.memory());
    expect(again.told?.health).toBe("stale");
    expect(again.tick(last + 2 * HOUR, START)).toBeUndefined();
  });
});

describe("parseMemory", () => {
  it.each([
    "",
    "{",
    "null",
    '{"last":1,"gap":2,"count":3,"told":{"health":"x","since":1},"repeats":[]}',
    '{"last":1,"gap":null,"count":3,"told":null,"repeats":[]}',
    '{"last":1,"gap":2,"count":3,"told":null,"repeats":[["a",1]]}',
  ])("takes %j for damaged", (text) => {
    expect(parseMemory(text)).toBeUndefined();
  });
});

describe("what is told", () => {
  it("is one line of JSON", () => {
    expect(formatHealth({ health: "ok", since: 5, why: null })).toBe('{"health":"ok","since":5,"why":null}');
  });

  it.each([
    [500, "500 ms"],
    [45_000, "45 s"],
    [90_000, "1.5 min"],
    [900_000, "15 min"],
    [3_600_000, "1 h"],
    [172_800_000, "2 d"],
  ])("says of %i ms: %s", (ms, text) => {
    expect(spanText(ms)).toBe(text);
  });
});
