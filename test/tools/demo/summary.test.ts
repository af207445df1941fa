import { describe, expect, it } from "vitest";
import type { Plant } from "../../../tools/demo/plant.ts";
import { describeFailure, describeStats, secondsOf, summarise } from "../../../tools/demo/summary.ts";
import { PumpWatch } from "../../../tools/demo/watch.ts";

const watch = (name: string, detectedAt?: number) =>
  Object.assign(new PumpWatch({ name, warmup: 0 }), {
    detectedAt,
    detectedBy: detectedAt && "bearing_temperature",
  });

function plant(
  alarms: readonly (number | undefined)[],
  latencies: readonly number[] = [],
): Omit<Plant, "stop" | "shown"> {
  const watches = alarms.map((at, i) => watch(`pump-0${i + 1}`, at));
  return {
    watches,
    failing: watches[1] as PumpWatch,
    stats: { published: 240, answered: 239, latencies },
  };
}

describe("secondsOf", () => {
  it("counts twenty steps a second", () => {
    expect([secondsOf(0), secondsOf(20), secondsOf(50)]).toEqual([0, 1, 2.5]);
  });
});

describe("describeStats", () => {
  it("tells time, pumps, predictions and latencies", () => {
    const latencies = [9, ...Array.from({ length: 100 }, (_, i) => i / 10)];
    expect(describeStats(plant([undefined, 7], latencies), 12_345)).toBe(
      " 12 s  2 pumps  239 predictions  latency 5.0 / 9.4 ms (p50 / p95)",
    );
    expect(describeStats(plant([1]), 999_600)).toBe(
      "1000 s  1 pumps  239 predictions  latency 0.0 / 0.0 ms (p50 / p95)",
    );
  });

  it("takes latencies in any order", () => {
    expect(describeStats(plant([1], [30, 4, 100]), 0)).toContain("latency 30.0 / 30.0 ms");
  });
});

describe("describeFailure", () => {
  it("tells when a bearing fails and when it was seen", () => {
    expect(describeFailure(plant([undefined, 133]), 110)).toBe(
      "pump-02: bearing fails from 5.5 s on, detected at 6.7 s: bearing_temperature",
    );
    expect(describeFailure(plant([undefined, undefined]), 20)).toBe(
      "pump-02: bearing fails from 1.0 s on, not detected yet",
    );
  });
});

describe("summarise", () => {
  it("tells what was published and received", () => {
    expect(summarise(plant([undefined, 133], [2, 4]), 110)).toBe(
      "\n240 readings published, 239 predictions received\n" +
        "latency from reading to prediction: p50 2.0 ms, p95 2.0 ms\n" +
        "pump-02: bearing fails from 5.5 s on, detected at 6.7 s: bearing_temperature\n",
    );
  });

  it("tells false alarms, of all pumps but the failing one", () => {
    const lines = summarise(plant([7, 133, undefined, 45]), 110).split("\n");
    expect(lines.slice(4)).toEqual(["pump-01: false alarm at 0.3 s", "pump-04: false alarm at 2.3 s", ""]);
  });
});
