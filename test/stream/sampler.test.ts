import { describe, expect, it } from "vitest";
import { createDevice, DeviceStateError } from "../../host/stream/device.ts";
import { createSampler, type Sampling, withoutSampler } from "../../host/stream/sampler.ts";
import { createFakeRuntime } from "../support/fake-runtime.ts";

const runtime = createFakeRuntime({ inputs: ["a", "b"] });
const gap = Number.NaN;

/** A sampler, and what it told. */
function setUp(sampling: Sampling, maxAge = 60_000) {
  const device = createDevice(runtime, [maxAge, maxAge]);
  const sampler = createSampler(device, 2, sampling);
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
