import { describe, expect, it } from "vitest";
import type { Measures } from "../../host/metrics/measures.ts";
import { describeHost, describeLatency } from "../../host/web/host-api.ts";

const latencyOf = (counts: readonly number[]) => {
  const histogram = { bounds: [0.01, 0.1, 1], counts, sum: 0 };
  return describeLatency({
    messages: histogram,
    commits: { ...histogram, counts: [0, 0, 0, 0] },
  } as unknown as Measures);
};

describe("describeLatency", () => {
  it("knows the times, ms, that half and 95 of 100 messages take at most, evenly within a bucket", () => {
    // Of 140, the 70th is the 20th of the second bucket, and the 133rd its 83rd.
    expect(latencyOf([50, 90, 0, 0]).messages).toEqual({ p50: expect.closeTo(30, 9), p95: expect.closeTo(93, 9) });
    expect(latencyOf([100, 0, 0, 0]).messages).toEqual({ p50: expect.closeTo(5, 9), p95: expect.closeTo(9.5, 9) });
    expect(latencyOf([0, 0, 10, 0]).messages.p50).toBeCloseTo(550, 9);
  });

  it("knows no more than the last bound of what takes longer, and nothing before the first", () => {
    expect(latencyOf([1, 0, 0, 9]).messages).toEqual({ p50: 1000, p95: 1000 });
    expect(latencyOf([1, 0, 0, 0]).commits).toEqual({ p50: null, p95: null });
  });
});

describe("describeHost", () => {
  it("says that there is no connection while no bridge is at work", () => {
    const found = describeHost({ bridge: () => undefined, broker: () => "mqtt://plant", viewers: () => 3 });
    expect(found).toMatchObject({ isConnected: false, pending: 0, broker: "mqtt://plant", viewers: 3 });
    expect(found.counters).toBeUndefined();
    expect(found.memory.heapUsed).toBeGreaterThan(1e6);
    expect(found.memory.rss).toBeGreaterThan(found.memory.heapUsed / 2);
    expect(Math.abs(found.now - Date.now())).toBeLessThan(10_000);
  });
});
