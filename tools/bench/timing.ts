/** One thing to time: `run` does the work `count` times. */
export interface Case {
  readonly name: string;
  run(count: number): void;
}

/**
 * Times several cases against each other in one process: rounds of short, interleaved runs, of which the fastest counts, because a
 * shared machine only ever adds time.
 *
 * @param rounds  how often each case is run
 * @param roundMs  how long one run takes, about
 * @returns nanoseconds for one repetition, by name
 */
export function timeCases(cases: readonly Case[], rounds = 40, roundMs = 4): ReadonlyMap<string, number> {
  const counts = cases.map((each) => {
    each.run(3000); // past V8's tier-up
    const start = process.hrtime.bigint();
    each.run(1000);
    const perRun = Number(process.hrtime.bigint() - start) / 1000;
    return Math.max(1, Math.ceil((roundMs * 1e6) / perRun));
  });
  const best = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    cases.forEach((each, i) => {
      const count = counts[i] as number;
      const start = process.hrtime.bigint();
      each.run(count);
      const ns = Number(process.hrtime.bigint() - start) / count;
      best.set(each.name, Math.min(best.get(each.name) ?? Number.POSITIVE_INFINITY, ns));
    });
  }
  return best;
}
