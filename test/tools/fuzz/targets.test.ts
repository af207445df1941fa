import { describe, expect, it } from "vitest";
import { TARGETS } from "../../../tools/fuzz/targets.ts";
import { work } from "../../../tools/fuzz/worker.ts";

describe.each(Object.keys(TARGETS))("the reader %s", (reader) => {
  const target = TARGETS[reader]?.();
  if (target === undefined) throw new Error(`There is no reader ${reader}`);

  it("takes a sound input", async () => {
    const outcomes = await Promise.all(
      target.seeds.map(async (seed) => {
        try {
          await target.read(seed);
          return "taken";
        } catch (error) {
          if (!target.refusals.some((type) => error instanceof type)) throw error;
          return "refused";
        }
      }),
    );
    expect(outcomes).toContain("taken");
  });

  it("refuses damaged ones in its own words", async () => {
    let finding: string | undefined;
    let done = 0;
    await work(target, { reader, seed: 100, seconds: 0.05 }, (report) => {
      finding = report.finding;
      done = report.done;
    });
    expect(finding).toBeUndefined();
    expect(done).toBeGreaterThan(0);
  });
});
