import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settledWithin } from "../../host/mqtt/timeout.ts";

describe("settledWithin", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("resolves when the promise does, also when it is rejected, and leaves no timer", async () => {
    await settledWithin(Promise.resolve(), 1000);
    await settledWithin(Promise.reject(new Error("of no account")), 1000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits no longer than so long", async () => {
    let isOver = false;
    const waiting = settledWithin(new Promise(() => {}), 1000).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await waiting;
    expect(isOver).toBe(true);
  });
});
