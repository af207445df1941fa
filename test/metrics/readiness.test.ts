import { describe, expect, it } from "vitest";
import { findUnready, type HeardDevice } from "../../host/metrics/readiness.ts";

const NOW = Date.UTC(2026, 0, 2);
const device = (stream: string, silence: number, every: number): HeardDevice => ({
  stream: { name: stream },
  seen: NOW - 1000 * silence,
  every: 1000 * every,
});
const find = (devices: readonly HeardDevice[], more: Partial<Parameters<typeof findUnready>[0]> = {}) =>
  findUnready({
    status: { isConnected: true, pending: 0 },
    hasCommitFailed: false,
    streams: ["pump"],
    devices,
    now: NOW,
    ...more,
  });

describe("findUnready", () => {
  it("finds nothing where each stream has a device that is heard as usual", () => {
    expect(find([device("pump", 9000, 60), device("pump", 50, 60)])).toEqual([]);
  });

  it("waits for the first reading of each stream", () => {
    expect(find([device("other", 1, 1)])).toEqual(["stream pump: no reading has come yet"]);
  });

  it("finds a stream whose devices are all silent for ten usual gaps", () => {
    expect(find([device("pump", 600, 60)])).toEqual([]);
    expect(find([device("pump", 601, 60), device("pump", 700, 60)])).toEqual([
      "stream pump: no reading since 2026-01-01T23:49:59.000Z",
    ]);
  });

  it("leaves a fast device half a minute, and one of which little is known an hour", () => {
    expect(find([device("pump", 30, 0.1)])).toEqual([]);
    expect(find([device("pump", 31, 0.1)])).toHaveLength(1);
    expect(find([device("pump", 3600, Number.NaN)])).toEqual([]);
    expect(find([device("pump", 3601, Number.NaN)])).toHaveLength(1);
  });

  it("names the broker and the commit", () => {
    const found = find([device("pump", 1, 1)], {
      status: { isConnected: false, pending: 0 },
      hasCommitFailed: true,
    });
    expect(found).toEqual(["broker: not connected and subscribed", "state: the last commit failed; the log tells why"]);
    expect(find([device("pump", 1, 1)], { status: undefined })).toHaveLength(1);
  });
});
