import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { countOutcome, createCounters, describeCounters } from "../../host/mqtt/counters.ts";
import { createLimitedLog } from "../../host/mqtt/log.ts";
import { Reports } from "../../host/mqtt/reports.ts";
import { createTestLog } from "../support/bridge.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const log = createTestLog();
  const counters = createCounters(["pump", "fan"]);
  const limited = createLimitedLog(log, Date.now);
  return { log, counters, limited, reports: new Reports({ counters, limited, log }) };
}

describe("Reports", () => {
  it("logs the counters that are not zero, once a minute while they change", () => {
    const { log, counters, reports } = setUp();
    reports.start();
    counters.streams.pump!.received = 3;
    counters.streams.pump!.steps = 2;
    counters.failed_commits = 4;
    vi.advanceTimersByTime(59_999);
    expect(log.lines).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(log.lines.splice(0)).toEqual([
      "info pump: 3 received, 2 steps",
      "info fan: 0 received",
      "info bridge: 4 failed commits",
    ]);
    vi.advanceTimersByTime(120_000);
    expect(log.lines).toEqual([]);
    counters.connections = 1;
    vi.advanceTimersByTime(60_000);
    expect(log.lines.at(-1)).toBe("info bridge: 4 failed commits, 1 connections");
    counters.streams.fan!.steps = 1;
    vi.advanceTimersByTime(60_000);
    expect(log.lines.at(-2)).toBe("info fan: 0 received, 1 steps");
  });

  it("logs no line without a counter", () => {
    const { log, counters, reports } = setUp();
    reports.report();
    expect(log.lines.splice(0)).toEqual(["info pump: 0 received", "info fan: 0 received"]);
    counters.commits = 1;
    reports.report();
    expect(log.lines.at(-1)).toBe("info bridge: 1 commits");
  });

  it("writes the warnings that were held back", () => {
    const { log, limited, reports } = setUp();
    limited.note("pump", "not_json", "a");
    limited.note("pump", "not_json", "b");
    reports.start();
    vi.advanceTimersByTime(60_000);
    expect(log.lines.slice(0, 2)).toEqual(["warn pump: not_json: a", "warn pump: not_json: 1 more; the last: b"]);
  });

  it("ends when it is stopped", () => {
    const { log, counters, reports } = setUp();
    reports.start();
    reports.stop();
    counters.connections = 1;
    vi.advanceTimersByTime(60_000);
    expect(log.lines).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("createCounters", () => {
  it("starts at zero", () => {
    expect(createCounters(["pump"])).toEqual({
      streams: {
        pump: {
          received: 0,
          steps: 0,
          duplicate: 0,
          late: 0,
          stale: 0,
          stuck: 0,
          alarms: 0,
          commands: 0,
          held: 0,
          retained: 0,
          rejected: {},
          devices: 0,
          evictions: 0,
          restored: 0,
          state_of_other_model: 0,
          times_replaced: 0,
          state_damaged: 0,
        },
      },
      unmatched: 0,
      published: 0,
      dropped: 0,
      refused: 0,
      commits: 0,
      failed_commits: 0,
      connections: 0,
      sessions_lost: 0,
    });
  });
});

describe("countOutcome", () => {
  it("counts each kind of outcome", () => {
    const counters = createCounters(["pump"]).streams.pump!;
    const about = { stream: "pump", device: "7" };
    const outcome = { sample: [1], prediction: Float64Array.of(1), residual: [null], isWarm: false, n: 1, time: 0 };
    countOutcome(counters, { kind: "step", ...about, ...outcome });
    countOutcome(counters, { kind: "hold", ...about, time: 0 });
    for (const reason of ["not_json", "not_json", "bad_time"] as const) {
      countOutcome(counters, { kind: "reject", ...about, reason, text: "" });
    }
    expect(counters).toMatchObject({ steps: 1, held: 1, rejected: { not_json: 2, bad_time: 1 } });
  });
});

describe("describeCounters", () => {
  it("leaves out what is zero, but for what was received", () => {
    const counters = createCounters(["pump"]).streams.pump!;
    expect(describeCounters(counters)).toBe("0 received");
    Object.assign(counters, { received: 9, steps: 1, state_of_other_model: 1, rejected: { not_json: 8 } });
    expect(describeCounters(counters)).toBe("9 received, 1 steps, 1 state of other model, 8 not json");
  });
});
