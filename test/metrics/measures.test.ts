import { describe, expect, it } from "vitest";
import { Measures } from "../../host/metrics/measures.ts";
import { createMemoryStore } from "../../host/store/memory.ts";

describe("Measures", () => {
  it("counts commits and their bytes", async () => {
    const measures = new Measures();
    const store = measures.measured(createMemoryStore());
    await store.commit([["abc", new Uint8Array(10)]]);
    await store.commit([["abc", undefined]]);
    expect(measures.writtenBytes).toBe(16);
    expect(measures.commits.counts.reduce((sum, count) => sum + count)).toBe(2);
    expect(await store.get("abc")).toBeUndefined();
  });

  it("knows why the latest commit failed, until one works", async () => {
    const measures = new Measures();
    let isFull = true;
    const memory = createMemoryStore();
    const commit = async () => {
      if (isFull) throw new Error("no space");
    };
    const store = measures.measured({ ...memory, commit });
    await expect(store.commit([])).rejects.toThrow("no space");
    expect(measures.failure).toBe("no space");
    expect(measures.commits.sum).toBe(0);
    isFull = false;
    await store.commit([]);
    expect(measures.failure).toBeUndefined();
  });
});
