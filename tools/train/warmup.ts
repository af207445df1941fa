// How long a model remembers that it was started: measured, not assumed.

import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { readRows } from "./data/sequences.ts";
import type { Piece } from "./pieces.ts";
import type { View } from "./prepare.ts";

/** Steps after which a difference is no more looked for. */
const MOST_STEPS = 512;
/** Places in the data where a start is tried. */
const PLACES = 12;
/** Share of the usual error by which an answer may differ from that of a session that has always run. */
const ALLOWED = 0.1;

/**
 * The step from which on a new session answers as one that has run for long, to a tenth of the usual error; at least the window of
 * the skip.
 *
 * @param usual  error of each output, real units
 */
export function measureWarmup(view: View, pieces: readonly Piece[], model: Model, usual: ArrayLike<number>): number {
  const least = (model.spec.skip?.length ?? 1) - 1;
  const known = pieces.filter(({ from }) => from >= least);
  const every = Math.max(1, Math.floor(known.length / PLACES));
  const places = known.filter((_, i) => i % every === 0).slice(0, PLACES);
  return places.reduce((most, piece) => Math.max(most, warmupAt(view, piece, model, usual)), least);
}

function warmupAt({ store }: View, { sequence, from }: Piece, model: Model, usual: ArrayLike<number>): number {
  const before = Math.min(from, MOST_STEPS);
  const steps = Math.min(MOST_STEPS, sequence.rows - from);
  const rows = readRows(store, sequence, from - before, before + steps);
  const I = model.spec.inputs.length;
  const O = model.spec.outputs.length;
  const samples = Float64Array.from({ length: (before + steps) * I }, (_, k) => {
    return rows[Math.floor(k / I) * store.width + (k % I)] as number;
  });
  const runtime = createRuntime(model);
  const settled = runtime
    .createSession()
    .run(samples)
    .subarray(before * O);
  const fresh = runtime.createSession().run(samples.subarray(before * I));
  for (let k = fresh.length - 1; k >= 0; k--) {
    const difference = Math.abs((fresh[k] as number) - (settled[k] as number));
    if (difference > ALLOWED * (usual[k % O] as number)) return Math.floor(k / O) + 1;
  }
  return 0;
}
