import { afterEach, describe, expect, it } from "vitest";
import { Measures } from "../../host/metrics/measures.ts";
import { Progress } from "../../host/metrics/progress.ts";

const all: Progress[] = [];
afterEach(() => {
  for (const progress of all.splice(0)) progress.stop();
});

function create() {
  const measures = new Measures();
  const at = { now: 0, pending: 0 };
  const options = { measures, pending: () => at.pending, mostMs: () => 60_000, now: () => at.now };
  const progress = new Progress(options);
  all.push(progress);
  /** Looks every five seconds, as its timer does. */
  const wait = (seconds: number) => {
    for (let s = 0; s < seconds; s += 5) {
      at.now += 5000;
      progress.stuckMs;
    }
    return progress.stuckMs;
  };
  return { measures, at, wait };
}

describe("Progress", () => {
  it("takes a host without messages for one that is well", () => {
    const { wait } = create();
    expect(wait(3600)).toBeUndefined();
  });

  it("finds messages that wait while none is done with", () => {
    const { at, wait } = create();
    wait(3600);
    at.pending = 1;
    expect(wait(60)).toBeUndefined();
    expect(wait(10)).toBeGreaterThan(60_000);
  });

  it("takes one message a minute for progress", () => {
    const { measures, at, wait } = create();
    at.pending = 5;
    for (let minute = 0; minute < 10; minute++) {
      expect(wait(55)).toBeUndefined();
      measures.acknowledged(1);
    }
    expect(wait(120)).toBeGreaterThan(60_000);
  });

  it("blames no host whose disk is known to be full", () => {
    const { measures, at, wait } = create();
    at.pending = 5;
    measures.failure = "no space";
    expect(wait(3600)).toBeUndefined();
  });
});
