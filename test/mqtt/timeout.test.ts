import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { settledWithin, within } from "../../host/mqtt/timeout.ts";

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

describe("within", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("answers what the promise does, and leaves no timer", async () => {
    expect(await within(Promise.resolve(7), 1000, "late")).toBe(7);
    await expect(within(Promise.reject(new Error("its own")), 1000, "late")).rejects.toThrow("its own");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects with the message when it takes too long", async () => {
    const refused = expect(within(new Promise(() => {}), 1000, "late")).rejects.toThrow("late");
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
  });
});
