import { describe, expect, it } from "vitest";
import { mutate } from "../../../tools/fuzz/mutate.ts";
import type { Target } from "../../../tools/fuzz/target.ts";
import { inputOf, type Report, work } from "../../../tools/fuzz/worker.ts";
import { mulberry32 } from "../../../tools/random.ts";

class Refusal extends Error {}

const material = { seeds: [Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]), new Uint8Array()], tokens: ["token"] };

/** A reader that refuses odd lengths, and does `onZero` when a byte is 0. */
const target = (onZero: () => void, isOneLine = false): Target => ({
  ...material,
  read(bytes) {
    if (bytes.includes(0)) onZero();
    if (bytes.length % 2 === 1) throw new Refusal("odd");
  },
  refusals: [Refusal],
  isOneLine,
});

async function reportsOf(tested: Target, seconds = 0.05): Promise<Report[]> {
  const reports: Report[] = [];
  await work(tested, { reader: "test", seed: 1, seconds }, (report) => reports.push(report));
  return reports;
}

describe("mutate", () => {
  it("makes the same input of the same seed, and different ones of others", () => {
    const inputs = Array.from({ length: 500 }, (_, seed) =>
      Buffer.from(mutate(material, mulberry32(seed))).toString("hex"),
    );
    expect(inputs.map((_, seed) => Buffer.from(mutate(material, mulberry32(seed))).toString("hex"))).toEqual(inputs);
    expect(new Set(inputs).size).toBeGreaterThan(200);
    expect(inputs.some((input) => input.includes(Buffer.from("token").toString("hex")))).toBe(true);
    expect(inputs).toContain("");
  });

  it("bounds the size of an input", () => {
    const large = { seeds: [new Uint8Array(1 << 18)], tokens: [] };
    const sizes = Array.from({ length: 200 }, (_, seed) => mutate(large, mulberry32(seed)).length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1 << 18);
  });
});

describe("work", () => {
  it("counts inputs and refusals until time is over", async () => {
    const last = (await reportsOf(target(() => {}))).at(-1);
    expect(last?.isOver).toBe(true);
    expect(last?.finding).toBeUndefined();
    expect(last?.done).toBeGreaterThan(100);
    expect(last?.refused).toBeGreaterThan(0);
    expect(last?.refused).toBeLessThan(last?.done ?? 0);
    expect(last?.peakBytes).toBeGreaterThan(1e7);
  });

  it("finds what is no refusal, and the seed that makes it", async () => {
    const faulty = target(() => {
      throw new TypeError("fault");
    });
    const last = (await reportsOf(faulty, 20)).at(-1);
    expect(last?.finding).toContain("TypeError: fault");
    expect(() => faulty.read(inputOf(faulty, 1 + (last?.done ?? 0)))).toThrow(TypeError);
  });

  it("finds a refusal of several lines where one is asked for", async () => {
    const refuse = () => {
      throw new Refusal("two\nlines");
    };
    expect((await reportsOf(target(refuse, true), 20)).at(-1)?.finding).toContain("two\nlines");
    expect((await reportsOf(target(refuse))).at(-1)?.finding).toBeUndefined();
  });
});
