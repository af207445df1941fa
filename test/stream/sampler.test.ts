import { describe, expect, it } from "vitest";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import type { GapOptions } from "../../host/stream/gap.ts";
import type { PayloadError } from "../../host/stream/payload.ts";
import { createSampler, type Sampling, withoutSampler } from "../../host/stream/sampler.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

const runtime = createFakeRuntime({ inputs: ["a", "b"] });
const gap = Number.NaN;

/** A sampler, and what it told. */
function setUp(sampling: Sampling, maxAge = 60_000) {
  const device = createDevice(runtime, [maxAge, maxAge]);
  const sampler = createSampler(device, ["a", "b"], sampling);
  const told: string[] = [];
  const take = (a: number, b: number, time: number, action: "step" | "hold" = "step") =>
    sampler.take(
      { action, sample: Float64Array.of(a, b), time },
      {
        step: ({ sample, n }, at) => told.push(`${n}: ${Array.from(sample)} at ${at}`),
        hold: (at, text) => told.push(text === undefined ? `held at ${at}` : text),
      },
    );
  return { device, sampler, told, take };
}

describe("a sampler of all", () => {
  const all = { trigger: { kind: "all" } } as const;

  it("takes a sample once every input has a new value", () => {
    const { told, take } = setUp(all);
    take(1, gap, 0);
    take(2, gap, 1);
    take(gap, 5, 2);
    take(gap, 6, 3);
    take(3, gap, 4);
    take(4, 7, 5);
    expect(told).toEqual(["held at 0", "held at 1", "1: 2,5 at 2", "held at 3", "2: 3,6 at 4", "3: 4,7 at 5"]);
  });

  it("tells what is too old, and goes on when it is there again", () => {
    const { told, take } = setUp(all, 1000);
    take(1, gap, 0);
    take(gap, 5, 1001);
    take(2, gap, 1002);
    expect(told).toEqual([
      "held at 0",
      'Input "a" is missing, and its last value is 1.001 s old, at most 1 s are allowed',
      "1: 2,5 at 1002",
    ]);
  });

  it("goes on after a snapshot as if there had been none", () => {
    const first = setUp(all);
    first.take(1, gap, 0);
    const second = setUp(all);
    second.sampler.restore(first.sampler.snapshot());
    expect(second.sampler.snapshot()).toEqual(first.sampler.snapshot());
    second.take(gap, 5, 1);
    expect(second.told).toEqual(["1: 1,5 at 1"]);
  });
});

describe("a sampler of every so long", () => {
  const every = { trigger: { kind: "every", periodMs: 10 } } as const;

  it("takes what was known at the end of each period of the messages' time", () => {
    const { told, take } = setUp(every);
    take(1, 5, 1003);
    take(2, gap, 1009);
    take(3, gap, 1010);
    take(4, gap, 1031);
    expect(told).toEqual([
      "held at 1003",
      "held at 1009",
      "1: 2,5 at 1010",
      "held at 1010",
      "2: 3,5 at 1020",
      "3: 3,5 at 1030",
      "held at 1031",
    ]);
  });

  it("takes none of what is missing or too old", () => {
    const { told, take } = setUp(every, 15);
    take(1, gap, 1003);
    take(gap, 5, 1012);
    take(1, 5, 2000);
    take(1, 5, 2010);
    expect(told).toEqual([
      "held at 1003",
      'Input "b" is missing, and the device has no earlier value of it',
      'Input "a" is missing, and its last value is 0.017 s old, at most 0.015 s are allowed',
      "1: 1,5 at 2010",
      "held at 2010",
    ]);
  });

  it("takes no sample twice for a message that is late, and goes on after a clock that was wrong", () => {
    const { told, take } = setUp(every);
    for (const time of [1003, 1012, 1008, 1013]) take(1, 5, time);
    expect(told.filter((line) => line.includes(":"))).toEqual(["1: 1,5 at 1010"]);
    take(1, 5, 9_000_000_000);
    expect(told.slice(-1)).toEqual(["held at 9000000000"]);
    const before = told.length;
    for (const time of [2003, 2012]) take(1, 5, time);
    expect(told.slice(before)).toEqual(["held at 2003", "1002: 1,5 at 2010", "held at 2012"]);
  });
});

describe("the state of a sampler", () => {
  const all = { trigger: { kind: "all" } } as const;

  it("is that of its device when it was written without one", () => {
    const plain = createDevice(runtime, [1000, 1000]);
    plain.step([1, 2], 0);
    const { sampler, device } = setUp(all);
    sampler.restore(plain.snapshot());
    expect(device.n).toBe(1);
    expect(withoutSampler(sampler.snapshot())).toEqual(device.snapshot());
    expect(withoutSampler(plain.snapshot())).toEqual(plain.snapshot());
  });

  it("begins anew beside its device when it was written with other settings", () => {
    const first = setUp(all);
    first.take(1, gap, 0);
    const other = setUp({ trigger: { kind: "each" } });
    other.sampler.restore(first.sampler.snapshot());
    expect(other.sampler.snapshot().length).toBe(first.sampler.snapshot().length - 16);
  });

  it("is refused when it is damaged", () => {
    const { sampler, take } = setUp(all);
    take(1, gap, 0);
    const bytes = sampler.snapshot();
    for (const at of [4, 5, 8, 15, 20, 24]) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] as number) ^ 1;
      expect(() => withoutSampler(damaged)).toThrow(DeviceStateError);
    }
    expect(() => withoutSampler(bytes.subarray(0, 12))).toThrow("State of the sampler is damaged");
  });
});

describe("a sampler with guards", () => {
  const each = { kind: "each" } as const;
  const arrive = ({ sampler, told }: ReturnType<typeof setUp>, a: number, time: number, digest?: number) => {
    try {
      sampler.take(
        { action: "step", sample: Float64Array.of(a, 0), time, digest },
        { step: (outcome, at) => told.push(`${outcome.sample[0]} at ${at}`), hold: () => told.push("held") },
      );
    } catch (error) {
      told.push((error as PayloadError).reason);
    }
  };

  it("steps a reading once that is heard twice", () => {
    const one = setUp({ trigger: each, distinctMs: 5000 });
    for (const [time, digest] of [
      [0, 7],
      [5000, 7],
      [5000, 0],
      [5001, 0],
      [10_001, 7],
    ] as const)
      arrive(one, 1, time, digest);
    arrive(one, 1, 10_002);
    expect(one.told).toEqual(["1 at 0", "repeated", "1 at 5000", "repeated", "1 at 10001", "1 at 10002"]);
    const again = setUp({ trigger: each, distinctMs: 5000 });
    again.sampler.restore(one.sampler.snapshot());
    arrive(again, 1, 10_003, 7);
    expect(again.told).toEqual(["repeated"]);
  });

  it("refuses a jump, and believes a change that stays", () => {
    const one = setUp({ trigger: each, maxRates: new Map([["a", 2]]) });
    for (const [value, time] of [
      [20, 0],
      [22, 1000],
      [85, 2000],
      [23, 3000],
      [43, 4000],
      [43, 12_999],
      [43, 13_000],
    ] as const) {
      arrive(one, value, time);
    }
    expect(one.told).toEqual([
      "20 at 0",
      "22 at 1000",
      "too_fast",
      "23 at 3000",
      "too_fast",
      "too_fast",
      "43 at 13000",
    ]);
  });
});

describe("a gap", () => {
  const each = { kind: "each" } as const;
  const run = (gap: GapOptions, times: readonly number[]) => {
    const { sampler, device } = setUp({ trigger: each, gap }, 1e9);
    const told: string[] = [];
    for (const time of times) {
      sampler.take(
        { action: "step", sample: Float64Array.of(1, 2), time },
        {
          step: ({ prediction, warmup }, at) =>
            told.push(`${prediction[0]}${warmup ? ` warm ${warmup}` : ""} at ${at}`),
          hold() {},
        },
      );
    }
    return { told, n: device.n };
  };

  it("has the state begin anew, which the next answers say", () => {
    const gap = { after: { ms: 1000 }, action: "reset", warmup: 2 } as const;
    const { told, n } = run(gap, [1000, 2000, 3001, 3002, 3003]);
    expect(told).toEqual([
      "2.75 at 1000",
      "4.296875 at 2000",
      "2.75 warm 2 at 3001",
      "4.296875 warm 1 at 3002",
      "5.1669921875 at 3003",
    ]);
    expect(n).toBe(5);
  });

  it("is filled with the last values", () => {
    const gap = { after: { times: 2 }, intervalMs: 1000, action: "hold", warmup: 0 } as const;
    const { told, n } = run(gap, [1000, 2000, 5000]);
    expect(told.map((line) => line.split(" at ")[1])).toEqual(["1000", "2000", "3000", "4000", "5000"]);
    expect(n).toBe(5);
  });

  it("is passed over", () => {
    const gap = { after: { ms: 1000 }, action: "skip", warmup: 1 } as const;
    expect(run(gap, [1000, 9000]).told).toEqual(["2.75 at 1000", "4.296875 warm 1 at 9000"]);
  });

  it("is told by the interval that was learned", () => {
    const gap = { after: { times: 3 }, action: "reset", warmup: 1 } as const;
    const regular = Array.from({ length: 9 }, (_, index) => 1000 + 100 * index);
    expect(run(gap, [1000, 9000]).told.at(-1)).toBe("4.296875 at 9000");
    expect(run(gap, [...regular, 2100]).told.at(-1)).not.toContain("warm");
    expect(run(gap, [...regular, 2101]).told.at(-1)).toBe("2.75 warm 1 at 2101");
  });
});
