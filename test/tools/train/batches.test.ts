import { describe, expect, it } from "vitest";
import type { RowStore } from "../../../tools/train/data/store.ts";
import { Batches } from "../../../tools/train/gru/batches.ts";

/** Stretches of some lengths, a sequence each. */
function batchesOf(lengths: readonly number[]): Batches {
  const store = { width: 1, read: () => undefined } as unknown as RowStore;
  const pieces = lengths.map((steps) => ({
    sequence: { blocks: Array(100).fill(0), rows: steps },
    from: 0,
    steps,
    lead: 0,
  }));
  const task = { kind: "forecast", targets: [{ name: "y", column: 0, ahead: 0 }], ahead: 0, horizon: 1 } as const;
  return new Batches({ store, task, inputs: 1, pieces: pieces as never, lead: 0 });
}

describe("Batches", () => {
  it("know how many there are in an epoch, which hangs on its order where stretches differ", () => {
    // Two long stretches make twice as many windows apart as together.
    const batches = batchesOf([...Array(40).fill(64), 4096, 4096]);
    const counts = Array.from({ length: 30 }, (_, seed) => batches.countOf(seed));
    expect(new Set(counts).size).toBeGreaterThan(1);
    for (const [seed, count] of counts.entries()) expect([...batches.epoch(seed, count)]).toEqual([]);
    for (const [seed, count] of counts.entries()) expect([...batches.epoch(seed, count - 1)].length).toBe(1);
  });
});
